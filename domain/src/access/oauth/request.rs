//! A request of a token, read strictly.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::OauthError;
use crate::query::Query;

/// Who says to be which client, and what is asked for. The credentials are not checked yet.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    pub client_id: String,
    pub client_secret: String,
    /// The names in `scope`; absent means all that the client may have.
    pub scopes: Option<Vec<String>>,
}

impl TokenRequest {
    /// How large the body may be is for the caller to say.
    pub fn parse(authorization: Option<&str>, content_type: Option<&str>, body: &[u8]) -> Result<Self, OauthError> {
        let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OauthError::invalid_request("Send the parameters as application/x-www-form-urlencoded."));
        }
        let form = std::str::from_utf8(body).map_err(|_| unreadable())?;
        let form = Query::parse(form).map_err(|error| match error.code.as_deref() {
            // RFC 6749 §3.2
            Some("duplicate_parameter") => OauthError::invalid_request("A parameter is given more than once."),
            _ => unreadable(),
        })?;
        // A parameter without a value was not sent (RFC 6749 §3.2), and one that is unknown does not matter.
        let given = |name: &str| form.get(name).filter(|value| !value.is_empty());
        let (client_id, client_secret) =
            credentials(authorization, given("client_id"), given("client_secret"), given("client_assertion"))?;
        match given("grant_type") {
            Some("client_credentials") => {}
            Some(_) => return Err(OauthError::unsupported_grant_type()),
            None => return Err(OauthError::invalid_request("grant_type is missing.")),
        }
        let scopes = given("scope").map(|scope| scope.split(' ').map(str::to_owned).collect());
        Ok(Self { client_id, client_secret, scopes })
    }
}

/// By `Authorization: Basic` or by the form, never by both at once (RFC 6749 §2.3).
fn credentials(
    authorization: Option<&str>,
    id: Option<&str>,
    secret: Option<&str>,
    assertion: Option<&str>,
) -> Result<(String, String), OauthError> {
    let Some(header) = authorization else {
        if secret.is_some() && assertion.is_some() {
            return Err(twice());
        }
        let (id, secret) = id.zip(secret).ok_or_else(OauthError::invalid_client)?;
        return Ok((id.to_owned(), secret.to_owned()));
    };
    if secret.is_some() || assertion.is_some() {
        return Err(twice());
    }
    let (basic_id, basic_secret) = basic(header).ok_or_else(OauthError::invalid_client)?;
    if id.is_some_and(|id| id != basic_id) {
        return Err(OauthError::invalid_request("client_id is another one than in the Authorization header."));
    }
    Ok((basic_id, basic_secret))
}

/// RFC 7617, with both halves encoded as in a form (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim_matches(' ')).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let (id, secret) = (unescaped(id)?, unescaped(secret)?);
    (!id.is_empty() && !secret.is_empty()).then_some((id, secret))
}

/// One value of a form. What separates values in one cannot stand in it.
fn unescaped(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return None;
    }
    Query::parse(&format!("value={text}")).ok()?.get("value").map(str::to_owned)
}

fn unreadable() -> OauthError {
    OauthError::invalid_request("The body is no form in UTF-8.")
}

fn twice() -> OauthError {
    OauthError::invalid_request("Authenticate in one way: by the Authorization header or by the form.")
}

/// Without the secret.
impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenRequest({}, {:?})", self.client_id, self.scopes)
    }
}
