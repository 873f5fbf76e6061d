//! What was asked and how it was answered, counted.
//!
//! In scope: a finished request, the latency histogram, what an isolate gathers between two flushes, what a receipt adds. Out of scope:
//! the table in which it ends (`engine::catalog`). Money that was spent is never counted by requests: it comes from receipts.

pub mod bill;
pub mod histogram;
pub mod tally;

pub use bill::{Bill, Billed};
pub use histogram::Histogram;
pub use tally::{Flush, Hit, Tally};

use serde::{Deserialize, Serialize};

use crate::access::ClientId;
use crate::money::NanoUsd;
use crate::picture::PictureKey;
use crate::trace::RequestId;

/// How a request for pictures ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything was there. A 304 is one, too.
    Hit,
    /// It waited for what another request had made, and paid nothing.
    Coalesced,
    /// It had something made.
    Miss,
    /// It asked for pictures that are neither read from the cache nor kept.
    Bypass,
    /// The caller's: 4xx.
    Refused,
    /// The service's or the provider's: 5xx.
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 6] = [Self::Hit, Self::Coalesced, Self::Miss, Self::Bypass, Self::Refused, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Coalesced => "coalesced",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// A request for pictures that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    pub at_ms: u64,
    pub request: RequestId,
    pub outcome: Outcome,
    pub status: u16,
    /// Why: the detail of `Cache-Status` (`memo`, `kv`, `object`), or the code of the error.
    pub reason: Option<String>,
    pub client: Option<ClientId>,
    pub model: Option<String>,
    pub key: Option<PictureKey>,
    #[serde(with = "crate::money::decimal::option", rename = "cost_usd")]
    pub cost: Option<NanoUsd>,
    #[serde(with = "crate::money::decimal::option", rename = "saved_usd")]
    pub saved: Option<NanoUsd>,
    /// Of the pictures that were handed over.
    pub bytes: u64,
    /// Until the reply's head was told.
    pub ms: u64,
}
