//! `POST /admin/v1/reconcile`: the receipts beside an export of the provider's own books.
//!
//! In scope: gathering the receipts of the time that is compared. Out of scope: the comparison, which is a rule, and who may.

use domain::ApiError;
use domain::admin::reconcile::Reconciliation;
use domain::moment;
use domain::query::Query;
use domain::reconcile::{Export, Ledger, SLACK_MS, reconcile};

use crate::catalog::{CatalogAnswer, CatalogAsk};
use crate::ports::EdgePorts;
use crate::prices;
use crate::reply::Reply;
use crate::settings::Settings;

/// The largest export. Half a year of a busy deployment; more is compared month by month.
pub const MAX_EXPORT: u32 = 8 << 20;

pub struct Reconcile<'a, P> {
    pub ports: &'a P,
    pub settings: &'a Settings,
}

impl<P: EdgePorts> Reconcile<'_, P> {
    /// `from` and `to` in the query say which time the export covers; without them it is from its first entry to its last.
    pub async fn run(&self, query: &Query, body: &[u8]) -> Reply<P::Body> {
        match self.compare(query, body).await.map(|report| serde_json::to_string(&report)) {
            Ok(Ok(text)) => Reply::json(200, text),
            Ok(Err(_)) => Reply::refusal(&unavailable()),
            Err(error) => Reply::refusal(&error),
        }
    }

    async fn compare(&self, query: &Query, body: &[u8]) -> Result<Reconciliation, ApiError> {
        query.only(&["from", "to"])?;
        let (from, to) = (time(query, "from")?, time(query, "to")?);
        if body.len() > usize::try_from(MAX_EXPORT).unwrap_or(usize::MAX) {
            return Err(too_large());
        }
        let export = Export::read(body, &|model| prices::of(&self.settings.runtime, model))?;
        let span = export.span();
        let from_ms = from.or(span.map(|(from, _)| from)).ok_or_else(|| empty("from"))?;
        let to_ms = to.or(span.map(|(_, to)| to)).ok_or_else(|| empty("to"))?;
        if from_ms >= to_ms {
            return Err(ApiError::invalid("from", "invalid_value", "'from' must be before 'to'."));
        }
        let ledger = self.receipts(from_ms.saturating_sub(SLACK_MS), to_ms.saturating_add(SLACK_MS)).await?;
        Ok(reconcile(&export, &ledger, from_ms, to_ms))
    }

    /// Page by page, so that no more than one of them is held beside what is kept of all.
    async fn receipts(&self, from_ms: u64, to_ms: u64) -> Result<Ledger, ApiError> {
        let mut ledger = Ledger::default();
        let mut after = None;
        loop {
            let (receipts, next) = match self.ports.catalog(&CatalogAsk::Receipts { from_ms, to_ms, after }).await {
                Ok(CatalogAnswer::Receipts { receipts, next }) => (receipts, next),
                Ok(CatalogAnswer::Refused { error }) => return Err(*error),
                _ => return Err(unavailable()),
            };
            for receipt in &receipts {
                ledger.add(receipt);
            }
            match next {
                None => return Ok(ledger),
                // A list that does not go on would never end.
                Some(_) if next <= after => return Err(unavailable()),
                Some(_) => after = next,
            }
        }
    }
}

fn time(query: &Query, name: &'static str) -> Result<Option<u64>, ApiError> {
    let given = query.get(name).map(|text| {
        let message =
            format!("'{name}' must be Unix time in seconds or milliseconds, or RFC 3339, as 2026-11-24T00:00:00Z.");
        moment::read(text).ok_or_else(|| ApiError::invalid(name, "invalid_value", message))
    });
    given.transpose()
}

fn empty(name: &'static str) -> ApiError {
    let message =
        format!("The export has no entries, so it does not say which time it covers. Give '{name}' in the query.");
    ApiError::invalid(name, "missing_required_parameter", message)
}

fn too_large() -> ApiError {
    let message = format!("The export is larger than {} MiB. Compare a shorter time.", MAX_EXPORT >> 20);
    ApiError::new(413, "invalid_request_error", "request_too_large", message)
}

fn unavailable() -> ApiError {
    ApiError::unavailable(
        "catalog_unavailable",
        "The service cannot read its receipts. Nothing was compared; try again.",
    )
}

#[cfg(test)]
mod tests;
