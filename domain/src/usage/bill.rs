//! What a receipt that is final adds to the sums.

use serde::{Deserialize, Serialize};

use crate::job::{Receipt, State};
use crate::money::NanoUsd;

/// How a call of the provider ended, as far as money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billed {
    /// Billed, and the bill is known.
    Settled,
    /// Made, and the provider did not say what it billed.
    Untold,
    /// Certainly not billed.
    Failed,
    /// Nobody knows whether it was billed.
    Unknown,
}

/// A take's share of the money of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    pub billed: Billed,
    /// What it cost; where that is not known, what was set aside and kept.
    pub nano: NanoUsd,
}

impl Billed {
    pub const ALL: [Self; 4] = [Self::Settled, Self::Untold, Self::Failed, Self::Unknown];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Untold => "untold",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|billed| billed.as_str() == text)
    }
}

impl Bill {
    /// `None` while the job has not ended.
    pub fn of(receipt: &Receipt) -> Option<Self> {
        let (billed, nano) = match (receipt.state, receipt.cost_nano_usd) {
            (State::Claimed | State::Dispatched | State::Stored, _) => return None,
            (State::Settled, Some(cost)) => (Billed::Settled, cost),
            (State::Settled, None) => (Billed::Untold, receipt.reserve_nano_usd),
            (State::Failed, _) => (Billed::Failed, NanoUsd::ZERO),
            (State::Unknown, _) => (Billed::Unknown, receipt.reserve_nano_usd),
        };
        Some(Self { billed, nano })
    }
}

/// How long the provider took, of a call that was made and has ended.
pub fn provider_ms(receipt: &Receipt) -> Option<u64> {
    receipt.ended_ms.zip(receipt.dispatched_ms).map(|(ended_ms, dispatched_ms)| ended_ms.saturating_sub(dispatched_ms))
}

#[cfg(test)]
mod tests;
