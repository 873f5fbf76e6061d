//! The client behind a request, and what its policy says.
//!
//! Every credential ends as a [`Principal`]; what serves a request sees nothing of how the client proved itself.
//! This is the seam at which further kinds of clients, tokens and budgets enter.

use serde::{Deserialize, Serialize};

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    #[serde(rename = "images:generate")]
    Generate,
    #[serde(rename = "images:read")]
    Read,
}

/// How the client proved itself. It decides which of the caller's headers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The caller holds a key of the client.
    Bearer,
    /// The caller holds a URL that the client signed. The signature covers the URL and no header, so a header
    /// cannot make this caller spend more than the URL says.
    SignedUrl,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub client: ClientId,
    pub proof: Proof,
    pub scopes: Vec<Scope>,
    pub policy: Policy,
}

impl Principal {
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Clients of one namespace share pictures; clients of different ones never do.
    pub namespace: String,
    pub dedup: Dedup,
    pub unknown_hold: UnknownHold,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dedup {
    On,
    /// Every call gets a fresh take: for SDKs that send identical parallel calls and expect different pictures.
    Off,
}

/// How long a picture whose outcome is unknown may not be bought again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownHold {
    Ms(u64),
    /// Until an operator decides.
    Operator,
}

impl UnknownHold {
    /// When a hold that starts at `now_ms` ends; `None` is never.
    pub fn until_ms(self, now_ms: u64) -> Option<u64> {
        match self {
            Self::Ms(ms) => Some(now_ms.saturating_add(ms)),
            Self::Operator => None,
        }
    }
}
