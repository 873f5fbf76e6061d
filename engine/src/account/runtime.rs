//! The runtime settings in the deployment's account: read, changed by one operator at a time, and what they were.

use domain::ApiError;
use domain::access::AccountName;
use domain::admin::settings::{SettingsDocument, SettingsPage};
use domain::moment;
use domain::runtime::{Generation, RuntimeSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::store::{AccountStore, Kind, Record, read};
use super::{Account, AccountAnswer, ONE, refused};
use crate::ports::StoreError;
use crate::settings::RUNTIME_MS;

/// How many versions are kept.
const VERSIONS_KEPT: u64 = 1_000;

/// The most versions that one answer lists. Each may hold a price table.
const MAX_LISTED: u32 = 100;

/// One version as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    version: u64,
    changed_ms: Option<u64>,
    by: Option<String>,
    settings: RuntimeSettings,
}

impl<S: AccountStore> Account<S> {
    pub(super) fn runtime(&self) -> Result<AccountAnswer, StoreError> {
        Ok(match self.in_force()? {
            Some(version) => document(version),
            None => refused(not_the_deployment()),
        })
    }

    /// Is anything made? Only the deployment's account says.
    pub(super) fn switch(&self) -> Result<Option<Generation>, StoreError> {
        Ok(self.in_force()?.map(|version| version.settings.generation))
    }

    pub(super) fn change_runtime(
        &self,
        body: &Map<String, Value>,
        version: Option<u64>,
        by: String,
        now_ms: u64,
    ) -> Result<AccountAnswer, StoreError> {
        let Some(current) = self.in_force()? else { return Ok(refused(not_the_deployment())) };
        let Some(version) = version else { return Ok(refused(version_missing())) };
        if version != current.version {
            return Ok(refused(conflict(version, &current)));
        }
        let settings = match current.settings.changed(body) {
            Ok(settings) => settings,
            Err(error) => return Ok(refused(error)),
        };
        if settings == current.settings {
            return Ok(document(current));
        }
        let next = Kept { version: version.saturating_add(1), changed_ms: Some(now_ms), by: Some(by), settings };
        let mut records = vec![
            Record::new(Kind::Runtime, ONE, &next)?,
            Record::new(Kind::RuntimeVersion, name(next.version), &next)?,
        ];
        if let Some(old) = next.version.checked_sub(VERSIONS_KEPT) {
            records.push(Record::gone(Kind::RuntimeVersion, name(old)));
        }
        self.store.save(&records)?;
        Ok(document(next))
    }

    pub(super) fn runtime_history(&self, before: Option<u64>, limit: u32) -> Result<AccountAnswer, StoreError> {
        let Some(current) = self.in_force()? else { return Ok(refused(not_the_deployment())) };
        let last = current.version.min(before.unwrap_or(u64::MAX).saturating_sub(1));
        let limit = limit.clamp(1, MAX_LISTED);
        // Versions have no gaps, so the page's first one is known without looking for it.
        let first = last.saturating_sub(u64::from(limit) - 1).max(1);
        let kept = self.store.list(Kind::RuntimeVersion, &name(first - 1), limit)?;
        let mut history = Vec::new();
        for (_, text) in kept.iter().rev() {
            let version: Kept = serde_json::from_str(text).map_err(|error| StoreError(error.to_string()))?;
            if version.version <= last {
                history.push(shown(version));
            }
        }
        let oldest = current.version.saturating_sub(VERSIONS_KEPT - 1).max(1);
        let next = history.last().map(|version| version.version).filter(|version| *version > oldest);
        Ok(AccountAnswer::RuntimeHistory { page: Box::new(SettingsPage { history, next }) })
    }

    /// `None` in the account of a client, which has none.
    fn in_force(&self) -> Result<Option<Kept>, StoreError> {
        if self.name != AccountName::Deployment {
            return Ok(None);
        }
        Ok(Some(read(&self.store, Kind::Runtime, ONE)?.unwrap_or_default()))
    }
}

/// With as many digits as the largest has, so that the order of the names is that of the versions.
fn name(version: u64) -> String {
    format!("{version:020}")
}

fn document(version: Kept) -> AccountAnswer {
    AccountAnswer::Runtime { document: Box::new(shown(version)) }
}

fn shown(Kept { version, changed_ms, by, settings }: Kept) -> SettingsDocument {
    let effective_within_seconds = u32::try_from(RUNTIME_MS / 1_000).unwrap_or(u32::MAX);
    SettingsDocument { version, changed_ms, by, settings, effective_within_seconds }
}

fn version_missing() -> ApiError {
    ApiError::invalid(
        "version",
        "missing_required_parameter",
        "Missing required parameter: 'version', that of the settings that you have read. Without it two operators would undo each \
         other's changes. Read it: GET /admin/v1/settings.",
    )
}

fn conflict(version: u64, current: &Kept) -> ApiError {
    let by = current.by.as_deref().unwrap_or("nobody");
    let when = current.changed_ms.map_or_else(|| "never".to_owned(), |ms| format!("at {}", moment::text(ms)));
    let message = format!(
        "The settings are no longer those of version {version}: {by} changed them {when}, and they are version {} now. Nothing was \
         changed. Read them again, and repeat the change with their version.",
        current.version
    );
    let mut error = ApiError::new(409, "invalid_request_error", "version_conflict", message);
    error.param = Some("version".into());
    error
}

fn not_the_deployment() -> ApiError {
    ApiError::new(404, "invalid_request_error", "settings_not_found", "Only the deployment as a whole has settings.")
}

#[cfg(test)]
mod tests;
