//! The receipts beside the provider's own books: is every bill a receipt, and every receipt a bill?
//!
//! In scope: reading an export (`docs/RECONCILE.md` has its shapes), laying it beside the receipts, and saying in what the two differ.
//! Amounts are exact: none of them is ever a float. Out of scope: where receipts and prices come from.

mod amount;
mod bills;
mod buckets;
mod calls;
mod days;
mod document;
mod ledger;
mod table;
#[cfg(test)]
mod tests;

pub use amount::Exact;
pub use bills::Bill;
pub use buckets::{Bucket, Cost, Used};
pub use ledger::Ledger;

use crate::ApiError;
use crate::admin::reconcile::Reconciliation;
use crate::money::Price;

/// What the provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Export {
    /// Call by call.
    Requests(Vec<Bill>),
    /// How many calls and pictures in each stretch of time.
    Usage(Vec<Bucket<Used>>),
    /// How much in each stretch of time.
    Costs(Vec<Bucket<Cost>>),
}

/// How much the clocks of the two sides may be apart, and an export round its moments down.
const CLOCK_MS: u64 = 2_000;

/// How long after a call was given up the provider may still finish and bill it. Receipts are read for so long before and after the
/// time that is compared.
pub const SLACK_MS: u64 = 15 * 60_000;

impl Export {
    /// Reads an export in one of its shapes. `price` is by what a bill is counted that gives its tokens and no amount.
    pub fn read<'p>(body: &[u8], price: &dyn Fn(&str) -> Option<&'p Price>) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let lines = body.get(..error.valid_up_to()).unwrap_or_default().iter().filter(|byte| **byte == b'\n');
            fault(lines.count() + 1, "body", "is not UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with(['{', '[']) { document::read(text, price) } else { table::read(text, price) }
    }

    /// From its first moment (inclusive) to its last (exclusive); `None` where it is empty.
    pub fn span(&self) -> Option<(u64, u64)> {
        fn of(spans: impl Iterator<Item = (u64, u64)>) -> Option<(u64, u64)> {
            spans.reduce(|(from, to), (start, end)| (from.min(start), to.max(end)))
        }
        match self {
            Self::Requests(bills) => of(bills.iter().map(|bill| (bill.at_ms, bill.at_ms.saturating_add(1)))),
            Self::Usage(buckets) => of(buckets.iter().map(|bucket| (bucket.start_ms, bucket.end_ms))),
            Self::Costs(buckets) => of(buckets.iter().map(|bucket| (bucket.start_ms, bucket.end_ms))),
        }
    }
}

/// In what the two sides differ between `from_ms` (inclusive) and `to_ms` (exclusive). The ledger should reach further on both
/// sides, by [`SLACK_MS`]. The order of either side does not matter.
pub fn reconcile(export: &Export, ledger: &Ledger, from_ms: u64, to_ms: u64) -> Reconciliation {
    match export {
        Export::Requests(bills) => calls::compare(bills, ledger, from_ms, to_ms),
        Export::Usage(buckets) => days::usage(buckets, ledger, from_ms, to_ms),
        Export::Costs(buckets) => days::costs(buckets, ledger, from_ms, to_ms),
    }
}

/// Where an export is wrong.
fn fault(line: usize, field: &str, what: &str) -> ApiError {
    let shown: String = field.chars().take(60).collect();
    ApiError::invalid(shown.clone(), "invalid_export", format!("Line {line} of the export: '{shown}' {what}."))
}
