//! Usage: one table of counts, to which everything is added once.
//!
//! In scope: adding what isolates and receipts tell, rolling minutes up into coarser rows, giving up what is old. Out of scope: reading
//! it as an overview or as metrics.
//!
//! Only minute rows of each client and model are written while something is counted. Everything else is worked out of them a few minutes
//! later, a whole span at a time: see [`levels`]. A count that comes later than that is added to all that was worked out already.

pub mod levels;
mod put;
mod roll_up;

use domain::job::Receipt;
use domain::usage::tally::Cell;
use domain::usage::{Bill, Flush, Histogram, bill};

use self::put::Increment;
use super::database::{Database, Value};
use super::{Catalog, Row};
use crate::ports::StoreError;

/// How long the id of a flush is remembered: an isolate that sends it again does so within seconds.
pub const FLUSHES_KEPT_MS: u64 = 3_600_000;

/// How long it is remembered that a job was counted. Its receipts are told together.
const JOBS_KEPT_MS: u64 = 172_800_000;

/// A clock that is further ahead than this is not believed.
const AHEAD_MS: u64 = 300_000;

/// How many models have a name of their own in metrics. The others are `other`.
pub const MAX_MODELS: i64 = 50;

/// Names are empty where there is none. Of a row that puts several together, see [`levels::View`].
pub const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS usage (
        view INTEGER NOT NULL, span_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
        client TEXT NOT NULL, model TEXT NOT NULL, outcome TEXT NOT NULL,
        count INTEGER NOT NULL, bytes INTEGER NOT NULL, nano INTEGER NOT NULL, sum_ms INTEGER NOT NULL,
        b0 INTEGER NOT NULL, b1 INTEGER NOT NULL, b2 INTEGER NOT NULL, b3 INTEGER NOT NULL, b4 INTEGER NOT NULL,
        b5 INTEGER NOT NULL, b6 INTEGER NOT NULL, b7 INTEGER NOT NULL, b8 INTEGER NOT NULL, b9 INTEGER NOT NULL,
        b10 INTEGER NOT NULL, b11 INTEGER NOT NULL, b12 INTEGER NOT NULL, b13 INTEGER NOT NULL, b14 INTEGER NOT NULL,
        b15 INTEGER NOT NULL, b16 INTEGER NOT NULL, b17 INTEGER NOT NULL, b18 INTEGER NOT NULL, b19 INTEGER NOT NULL,
        b20 INTEGER NOT NULL, b21 INTEGER NOT NULL, b22 INTEGER NOT NULL, b23 INTEGER NOT NULL, b24 INTEGER NOT NULL,
        PRIMARY KEY (view, span_ms, at_ms, kind, client, model, outcome)
    ) WITHOUT ROWID",
    // Everything before the mark of the minutes, for counters that never start over.
    "CREATE TABLE IF NOT EXISTS usage_total (
        kind TEXT NOT NULL, model TEXT NOT NULL, outcome TEXT NOT NULL,
        count INTEGER NOT NULL, bytes INTEGER NOT NULL, nano INTEGER NOT NULL, sum_ms INTEGER NOT NULL,
        b0 INTEGER NOT NULL, b1 INTEGER NOT NULL, b2 INTEGER NOT NULL, b3 INTEGER NOT NULL, b4 INTEGER NOT NULL,
        b5 INTEGER NOT NULL, b6 INTEGER NOT NULL, b7 INTEGER NOT NULL, b8 INTEGER NOT NULL, b9 INTEGER NOT NULL,
        b10 INTEGER NOT NULL, b11 INTEGER NOT NULL, b12 INTEGER NOT NULL, b13 INTEGER NOT NULL, b14 INTEGER NOT NULL,
        b15 INTEGER NOT NULL, b16 INTEGER NOT NULL, b17 INTEGER NOT NULL, b18 INTEGER NOT NULL, b19 INTEGER NOT NULL,
        b20 INTEGER NOT NULL, b21 INTEGER NOT NULL, b22 INTEGER NOT NULL, b23 INTEGER NOT NULL, b24 INTEGER NOT NULL,
        PRIMARY KEY (kind, model, outcome)
    ) WITHOUT ROWID",
    // Up to where rows of a span are complete.
    "CREATE TABLE IF NOT EXISTS usage_mark (span_ms INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL)",
    // The first models that were counted.
    "CREATE TABLE IF NOT EXISTS usage_model (name TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS usage_flush (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS usage_job (job TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID",
];

pub(super) const REQUEST: &str = "request";
pub(super) const JOB: &str = "job";

impl<D: Database> Catalog<D> {
    /// Adds what an isolate has counted. False if that was done before, and the rest of the flush is not to be told again either.
    pub fn flush(&self, flush: &Flush, now_ms: u64) -> Result<bool, StoreError> {
        let new = "INSERT INTO usage_flush (id, at_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING id";
        // First of all, so that whatever goes wrong after it, nothing is counted twice.
        if self.db.run(new, &[Value::Text(flush.id.clone()), integer(now_ms)])?.is_empty() {
            return Ok(false);
        }
        let increments: Vec<Increment<'_>> = flush.cells.iter().map(|cell| request(cell, now_ms)).collect();
        self.add(&increments, now_ms)?;
        Ok(true)
    }

    /// Adds a receipt that is final, and does nothing with another. Each is told once: what was counted is not remembered here, but that
    /// a job which made several takes is one call.
    pub fn ledger(&self, receipt: &Receipt, now_ms: u64) -> Result<(), StoreError> {
        let Some(Bill { billed, nano }) = Bill::of(receipt) else { return Ok(()) };
        let new = "INSERT INTO usage_job (job, at_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING job";
        let first = !self.db.run(new, &[Value::Text(receipt.id.as_str().to_owned()), integer(now_ms)])?.is_empty();
        let mut latency = Histogram::default();
        if let Some(ms) = bill::provider_ms(receipt).filter(|_| first) {
            latency.record(ms);
        }
        let increment = Increment {
            at_ms: honest(receipt.ended_ms.unwrap_or(now_ms), now_ms),
            kind: JOB,
            client: receipt.client.as_str(),
            model: &receipt.model,
            outcome: billed.as_str(),
            count: u64::from(first),
            bytes: 0,
            nano: nano.0,
            latency: &latency,
        };
        self.add(&[increment], now_ms)
    }

    /// When the last flush came, or 0.
    pub(super) fn last_flush_ms(&self) -> Result<u64, StoreError> {
        let rows = self.db.run("SELECT max(at_ms) FROM usage_flush", &[])?;
        Ok(rows.first().and_then(|row| number(row, 0)).unwrap_or(0))
    }
}

fn request(cell: &Cell, now_ms: u64) -> Increment<'_> {
    Increment {
        at_ms: honest(cell.minute_ms, now_ms),
        kind: REQUEST,
        client: cell.client.as_ref().map_or("", |client| client.as_str()),
        model: cell.model.as_deref().unwrap_or(""),
        outcome: cell.outcome.as_str(),
        count: cell.requests,
        bytes: cell.bytes,
        nano: cell.saved.0,
        latency: &cell.latency,
    }
}

/// The minute in which something is counted. A clock that is far ahead is wrong, and so this is now. What is old was told late: it is
/// counted where it belongs, in the coarser rows if the finer ones are no longer kept, and what is older than every row in the oldest day.
fn honest(at_ms: u64, now_ms: u64) -> u64 {
    let at_ms = if at_ms > now_ms.saturating_add(AHEAD_MS) { now_ms } else { at_ms };
    let oldest_ms = levels::DAYS.first_kept_ms(now_ms);
    levels::floor(at_ms.max(oldest_ms), levels::MINUTES.span_ms)
}

pub(super) fn integer(number: u64) -> Value {
    super::sql::number(number)
}

pub(super) fn number(row: &Row, column: usize) -> Option<u64> {
    match row.get(column)? {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Null | Value::Text(_) => None,
    }
}

#[cfg(test)]
pub(super) mod tests;
