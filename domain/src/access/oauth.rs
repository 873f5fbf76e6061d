//! This deployment as an issuer of access tokens: a client shows an API key and gets a token for a few minutes.
//!
//! In scope: the request of a token by client credentials (RFC 6749 §4.4) and its refusals (§5.2), what a token says (RFC 9068), and
//! what the deployment says of itself as an issuer (RFC 8414). Out of scope: whether a key is a client's, and every other grant.

use serde_json::{Value, json};

use super::{ClientId, Scope};
use crate::hex;

mod error;
mod keys;
mod request;

pub use error::OauthError;
pub use keys::TokenKey;
pub use request::TokenRequest;

/// How long a token lives. It cannot be recalled, so not longer than a revocation may take.
pub const TOKEN_LIFE_S: u64 = 600;

/// What a token is made of.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// This deployment, which is also the audience: its tokens open nothing else.
    pub issuer: &'a str,
    pub client: &'a ClientId,
    pub scopes: &'a [Scope],
    pub now_s: u64,
    pub random: [u8; 16],
}

impl Grant<'_> {
    /// Header and claims as they are signed by the key named `kid`.
    pub fn signing_input(&self, kid: &str) -> String {
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid });
        let claims = json!({
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": self.client.as_str(),
            "client_id": self.client.as_str(),
            "iat": self.now_s,
            "exp": self.now_s.saturating_add(TOKEN_LIFE_S),
            "jti": hex::encode(&self.random),
            "scope": joined(self.scopes),
        });
        format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()))
    }
}

/// The token of what was signed, and its signature.
pub fn token(signing_input: &str, signature: &[u8]) -> String {
    format!("{signing_input}.{}", encoded(signature))
}

/// The reply that hands a token over (RFC 6749 §5.1).
pub fn token_reply(token: &str, expires_in_s: u64, scopes: &[Scope]) -> Value {
    json!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in_s, "scope": joined(scopes) })
}

/// The scopes of a token: those asked for, if the client may have every one of them, and all it may have where none was asked for.
pub fn granted(requested: Option<&[String]>, allowed: &[Scope]) -> Result<Vec<Scope>, OauthError> {
    let Some(requested) = requested else { return Ok(allowed.to_vec()) };
    let mut scopes = Vec::new();
    for name in requested {
        let scope = Scope::parse(name).filter(|scope| allowed.contains(scope)).ok_or_else(OauthError::invalid_scope)?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// `/.well-known/oauth-authorization-server`. No response type, since there is no page on which somebody could consent.
pub fn metadata(issuer: &str) -> Value {
    let base = issuer.trim_end_matches('/');
    json!({
        "issuer": issuer,
        "token_endpoint": format!("{base}/oauth/token"),
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "scopes_supported": Scope::ALL.map(Scope::as_str),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })
}

fn joined(scopes: &[Scope]) -> String {
    let names: Vec<&str> = scopes.iter().copied().map(Scope::as_str).collect();
    names.join(" ")
}

fn encoded(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
