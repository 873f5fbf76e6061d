//! Refusals of the token endpoint, in the shape of RFC 6749 §5.2.

use serde_json::json;

/// A refusal, ready to be sent. The description says what to do, without what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {error}: {description}")]
pub struct OauthError {
    pub status: u16,
    pub error: &'static str,
    pub description: &'static str,
    /// Goes with [`OauthError::CHALLENGE`] in `WWW-Authenticate`.
    pub challenge: bool,
}

impl OauthError {
    /// RFC 7235 demands one with every 401.
    pub const CHALLENGE: &str = "Basic realm=\"pincel\"";

    pub const fn invalid_request(description: &'static str) -> Self {
        Self { status: 400, error: "invalid_request", description, challenge: false }
    }

    /// The same words whatever is wrong with the credentials.
    pub const fn invalid_client() -> Self {
        let description = "Authenticate as a client: its id, and one of its API keys, whole, as the secret.";
        Self { status: 401, error: "invalid_client", description, challenge: true }
    }

    pub const fn unsupported_grant_type() -> Self {
        let description = "The one grant_type here is client_credentials.";
        Self { status: 400, error: "unsupported_grant_type", description, challenge: false }
    }

    pub const fn invalid_scope() -> Self {
        let description = "A scope is unknown, or more than this client may have. Without one it gets all it may have.";
        Self { status: 400, error: "invalid_scope", description, challenge: false }
    }

    /// Not the client's fault, and it passes.
    pub const fn unavailable() -> Self {
        let description = "This cannot be decided at the moment. Try again.";
        Self { status: 503, error: "temporarily_unavailable", description, challenge: false }
    }

    pub fn body(&self) -> String {
        json!({ "error": self.error, "error_description": self.description }).to_string()
    }
}
