//! `POST /admin/v1/reconcile`: the receipts laid beside an export of the provider's usage.

use serde::{Deserialize, Serialize};

use crate::money::{NanoUsd, decimal};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    pub from_ms: u64,
    pub to_ms: u64,
    /// What the export says was billed.
    #[serde(rename = "billed_usd", with = "decimal")]
    pub billed: NanoUsd,
    /// What the receipts say.
    #[serde(rename = "receipts_usd", with = "decimal")]
    pub receipts: NanoUsd,
    pub matched: u64,
    /// Zero lines is a clean run.
    pub differences: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: LineKind,
    /// The provider's request id, a job, or a day and a model, whatever the two sides have in common.
    pub what: String,
    pub model: Option<String>,
    pub at_ms: Option<u64>,
    #[serde(rename = "billed_usd", with = "decimal::option")]
    pub billed: Option<NanoUsd>,
    #[serde(rename = "receipt_usd", with = "decimal::option")]
    pub receipt: Option<NanoUsd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
