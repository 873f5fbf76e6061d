//! What an operator does with the runtime settings.
//!
//! In scope: the routes `/admin/v1/settings` and `/admin/v1/settings/history`, and how an isolate learns what is in force. Out of
//! scope: who may, which is decided before.

use domain::ApiError;
use domain::access::AccountName;
use domain::admin::MAX_NUMBER;
use domain::admin::settings::SettingsDocument;
use domain::query::Query;
use domain::runtime::Versioned;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::account::{AccountAnswer, AccountAsk};
use crate::ports::EdgePorts;
use crate::reply::Reply;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Show,
    Change,
    History { before: Option<u64>, limit: u32 },
}

/// The versions on a page, where nobody says how many.
const LISTED: u32 = 20;
const MOST_LISTED: u32 = 100;

impl Act {
    /// Whether it says something in its body.
    pub fn has_body(&self) -> bool {
        matches!(self, Self::Change)
    }

    /// Reads the query of `GET /admin/v1/settings/history`.
    pub fn history(query: &Query) -> Result<Self, ApiError> {
        query.only(&["before", "limit"])?;
        let before = query.get("before").map(|text| {
            let message = "'before' is a version: what 'next' said on the page before.";
            let version = text.parse().ok().filter(|version| *version <= MAX_NUMBER);
            version.ok_or_else(|| ApiError::invalid("before", "invalid_value", message))
        });
        Ok(Self::History { before: before.transpose()?, limit: query.limit(LISTED, MOST_LISTED)? })
    }
}

pub struct Operate<'a, P> {
    pub ports: &'a P,
    /// Who acts: `admin`, or `client/<id>`.
    pub by: &'a str,
}

impl<P: EdgePorts> Operate<'_, P> {
    /// The reply, and the settings in force where they were heard of on the way: this isolate believes them at once.
    pub async fn run(&self, act: Act, body: &[u8]) -> (Reply<P::Body>, Option<Versioned>) {
        let answered = match act {
            Act::Show => settings(self.ports, AccountAsk::Runtime).await,
            Act::Change => self.change(body).await,
            Act::History { before, limit } => return (self.history(before, limit).await, None),
        };
        match answered {
            Ok(document) => {
                let known = Versioned { version: document.version, settings: document.settings.clone() };
                (reply(&document), Some(known))
            }
            Err(error) => (Reply::refusal(&error), None),
        }
    }

    async fn change(&self, body: &[u8]) -> Result<SettingsDocument, ApiError> {
        let (version, body) = change_of(body)?;
        settings(self.ports, AccountAsk::ChangeRuntime { body, version, by: self.by.to_owned() }).await
    }

    async fn history(&self, before: Option<u64>, limit: u32) -> Reply<P::Body> {
        match account(self.ports, AccountAsk::RuntimeHistory { before, limit }).await {
            Ok(AccountAnswer::RuntimeHistory { page }) => reply(&*page),
            Ok(_) => Reply::refusal(&unreadable()),
            Err(error) => Reply::refusal(&error),
        }
    }
}

/// The settings in force, for an isolate that has not heard of them for [`crate::settings::RUNTIME_MS`].
pub async fn in_force<P: EdgePorts>(ports: &P) -> Result<Versioned, ApiError> {
    let SettingsDocument { version, settings, .. } = settings(ports, AccountAsk::Runtime).await?;
    Ok(Versioned { version, settings })
}

/// `{"version": n, "settings": {…}}`. A version that is missing is refused by the account, which says who changed what.
fn change_of(body: &[u8]) -> Result<(Option<u64>, Map<String, Value>), ApiError> {
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(body) else {
        return Err(ApiError::invalid("body", "invalid_json", "The body must be a JSON object."));
    };
    if let Some(name) = members.keys().find(|name| !matches!(name.as_str(), "version" | "settings")) {
        let message = format!("Unknown parameter: '{name}'. What is to be changed stands in 'settings'.");
        return Err(ApiError::invalid(name.clone(), "unknown_parameter", message));
    }
    let version = match members.remove("version") {
        None | Some(Value::Null) => None,
        Some(given) => Some(given.as_u64().ok_or_else(|| {
            let message = "'version' must be the number of the version that you have read.";
            ApiError::invalid("version", "invalid_type", message)
        })?),
    };
    let Some(Value::Object(settings)) = members.remove("settings") else {
        let message = "'settings' must be an object with what is to be changed.";
        return Err(ApiError::invalid("settings", "invalid_type", message));
    };
    Ok((version, settings))
}

async fn settings<P: EdgePorts>(ports: &P, ask: AccountAsk) -> Result<SettingsDocument, ApiError> {
    match account(ports, ask).await? {
        AccountAnswer::Runtime { document } => Ok(*document),
        _ => Err(unreadable()),
    }
}

async fn account<P: EdgePorts>(ports: &P, ask: AccountAsk) -> Result<AccountAnswer, ApiError> {
    match ports.account(&AccountName::Deployment, &ask).await {
        Ok(AccountAnswer::Refused { error }) => Err(*error),
        Ok(answer) => Ok(answer),
        Err(_) => Err(ApiError::unavailable(
            "account_unavailable",
            "The service cannot reach its settings. Look whether they were changed, and try again.",
        )),
    }
}

fn reply<B>(document: &impl Serialize) -> Reply<B> {
    match serde_json::to_string(document) {
        Ok(text) => Reply::json(200, text),
        Err(_) => Reply::refusal(&unreadable()),
    }
}

fn unreadable() -> ApiError {
    ApiError::unavailable("account_unavailable", "The service could not read its settings. Try again.")
}

#[cfg(test)]
mod tests;
