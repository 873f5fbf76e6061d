//! The states of a job and the only ways between them.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Durable, and the provider has not been called.
    Claimed,
    /// The provider may have been called: from here on the picture may have been billed.
    Dispatched,
    /// The outcome is known and paid, and every picture of it is in the store.
    Stored,
    /// The money is settled. The end of a job that went well.
    Settled,
    /// Certainly not billed. May be tried again by the next request.
    Failed,
    /// Dispatched, and nobody knows whether it was billed. Never retried by the service on its own.
    Unknown,
}

impl State {
    /// Is somebody still working on it?
    pub fn is_active(self) -> bool {
        matches!(self, Self::Claimed | Self::Dispatched | Self::Stored)
    }

    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            // Dispatched goes back to Claimed when the provider certainly did not bill and waiting may help.
            (Self::Claimed, Self::Dispatched | Self::Failed)
                | (Self::Dispatched, Self::Claimed | Self::Stored | Self::Failed | Self::Unknown)
                | (Self::Stored, Self::Settled)
        )
    }
}
