//! Who stands behind a request.
//!
//! Every credential ends as a [`Principal`]; what serves a request sees nothing of how the client proved itself but for
//! the two ways in which it matters.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::client::{Client, State, WhenSuspended};
use crate::ApiError;

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub String);

impl ClientId {
    /// 1 to 32 ASCII letters and digits, so that it can stand inside of keys, addresses and names of objects.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (plain && (1..=32).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose money is counted: each client has an account, and everything together has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountName {
    Client(ClientId),
    Deployment,
}

/// The name of the account's object. No client can have the name of the deployment, for the stroke in its own.
impl std::fmt::Display for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Client(id) => write!(f, "client/{}", id.as_str()),
            Self::Deployment => f.write_str("deployment"),
        }
    }
}

/// What credentials allow (RFC 6749 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    #[serde(rename = "images:generate")]
    Generate,
    #[serde(rename = "images:read")]
    Read,
    #[serde(rename = "admin:read")]
    AdminRead,
    #[serde(rename = "admin:write")]
    AdminWrite,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Generate, Self::Read, Self::AdminRead, Self::AdminWrite];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "images:generate",
            Self::Read => "images:read",
            Self::AdminRead => "admin:read",
            Self::AdminWrite => "admin:write",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// How the client proved itself. It decides which of the caller's headers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The caller holds a key or a token of the client.
    Bearer,
    /// The caller holds a URL that the client signed. The signature covers the URL and no header, so a header
    /// cannot make this caller spend more than the URL says.
    SignedUrl,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// As its account told it a moment ago.
    pub client: Rc<Client>,
    pub proof: Proof,
    /// What the credentials allow, never more than the client may.
    pub scopes: Vec<Scope>,
}

impl Principal {
    /// A client as it may act now: what it may beyond its scopes is for its policy to say.
    pub fn new(client: Rc<Client>, proof: Proof, scopes: Vec<Scope>) -> Result<Self, ApiError> {
        if client.state == State::Suspended && client.policy.when_suspended == WhenSuspended::Nothing {
            return Err(suspended());
        }
        Ok(Self { client, proof, scopes })
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// May something be bought for this client at all?
    pub fn may_buy(&self) -> Result<(), ApiError> {
        self.must(Scope::Generate)?;
        if self.client.state == State::Suspended { Err(suspended()) } else { Ok(()) }
    }

    pub fn must(&self, scope: Scope) -> Result<(), ApiError> {
        if self.may(scope) { Ok(()) } else { Err(insufficient(scope)) }
    }
}

fn insufficient(scope: Scope) -> ApiError {
    ApiError::new(
        403,
        "invalid_request_error",
        "insufficient_scope",
        format!("These credentials lack the scope '{}'.", scope.as_str()),
    )
}

/// Said wherever a suspended client is turned away.
pub fn suspended() -> ApiError {
    ApiError::new(
        403,
        "invalid_request_error",
        "client_suspended",
        "This client is suspended. Ask the operator of this service.",
    )
}
