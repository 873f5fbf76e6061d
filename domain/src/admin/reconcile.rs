//! `POST /admin/v1/reconcile`: the receipts laid beside an export of the provider's usage.

use serde::{Deserialize, Serialize};

use crate::money::{NanoUsd, decimal};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    pub basis: Basis,
    pub from_ms: u64,
    pub to_ms: u64,
    /// What the export says was billed; `null` where it counts and names no amounts.
    #[serde(rename = "billed_usd", with = "decimal::option")]
    pub billed: Option<NanoUsd>,
    /// What the receipts say, as far as they know.
    #[serde(rename = "receipts_usd", with = "decimal")]
    pub receipts: NanoUsd,
    /// Calls, or days, or days of a model, of which both sides say the same.
    pub matched: u64,
    /// Entries of the export that are not of pictures, or not of this time.
    pub ignored: u64,
    /// Zero lines is a clean run.
    pub differences: Vec<Line>,
}

/// What was laid beside what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Each call and its amount.
    Requests,
    /// The calls and pictures of a day and a model.
    Usage,
    /// The amount of a day.
    Costs,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: LineKind,
    /// The provider's request id, a job, or a day, whatever the two sides have in common.
    pub what: String,
    pub model: Option<String>,
    pub at_ms: Option<u64>,
    #[serde(rename = "billed_usd", with = "decimal::option")]
    pub billed: Option<NanoUsd>,
    #[serde(rename = "receipt_usd", with = "decimal::option")]
    pub receipt: Option<NanoUsd>,
    /// Only where calls and pictures are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub billed_requests: u64,
    pub billed_images: u64,
    pub receipt_requests: u64,
    pub receipt_images: u64,
    /// Calls of which it is not known whether they were billed.
    pub unknown_requests: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Both sides have it, with different amounts.
    Differs,
    /// Billed, and no receipt knows of it.
    NoReceipt,
    /// A receipt says it was billed, and the export does not have it.
    NotBilled,
    /// The receipt's outcome is unknown, and the export says what was billed.
    UnknownBilled,
    /// The receipt's outcome is unknown, and the export does not have it.
    UnknownNotBilled,
}
