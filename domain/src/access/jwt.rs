//! Access tokens as they arrive: signed JWTs in the compact form.
//!
//! In scope: reading one strictly (RFC 7515 §3.1, RFC 7519 §7.2), and holding its claims to what is expected (RFC 7519 §4.1,
//! RFC 9068 §4). The algorithms are a list of ours, in which neither `none` nor a shared secret occurs (RFC 8725 §3.1 and §3.2). Out
//! of scope: the signature itself. Until the caller has verified it, everything read here is only claimed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Scope;
use crate::ApiError;

/// Longer tokens are refused unread. Headers of HTTP are limited to about twice that on the way here.
pub const MAX_BYTES: usize = 8 * 1024;

/// How far the clocks of issuers may be off (RFC 7519 §4.1.4: "a few minutes" at most).
pub const LEEWAY_S: u64 = 60;

/// How a token may be signed (RFC 7518 §3.1, RFC 8037 §3.1). All of them by keys whose public half verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alg {
    Rs256,
    Es256,
    EdDsa,
}

impl Alg {
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Case matters (RFC 7515 §4.1.1).
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == text)
    }

    /// Can a signature have so many bytes? Of RSA it depends on the key.
    pub const fn may_have(self, length: usize) -> bool {
        match self {
            Self::Rs256 => true,
            Self::Es256 | Self::EdDsa => length == 64,
        }
    }
}

/// A token that was taken apart. Nothing in it is verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt<'a> {
    pub header: Header,
    pub claims: Claims,
    /// What was signed: the first two parts as they came.
    pub message: &'a str,
    pub signature: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub alg: Alg,
    pub kid: Option<String>,
    /// It calls itself an access token (RFC 9068 §2.1), and not just a JWT.
    pub is_access_token: bool,
}

/// The claims of a token, by name.
#[derive(Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

/// What claims must say.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    pub now_s: u64,
}

/// Why a token is not accepted, for logs and tests. A client is told less, see [`ApiError`]'s `From`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    #[error("longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("not three parts with a dot between them")]
    Parts,
    #[error("a part is not base64url without padding")]
    Encoding,
    #[error("the header is no JSON object")]
    Header,
    #[error("the header names no algorithm that is accepted")]
    Algorithm,
    #[error("the header demands extensions")]
    Critical,
    #[error("the header says that it is something else")]
    Type,
    #[error("the header's 'kid' is no text")]
    KeyId,
    #[error("the claims are no JSON object")]
    Claims,
    #[error("the issuer is not one that is configured")]
    Issuer,
    #[error("the algorithm is not one of this issuer's")]
    AlgorithmOfIssuer,
    #[error("the issuer has no such key")]
    UnknownKey,
    #[error("the signature is not the key's")]
    Signature,
    #[error("made for another audience")]
    Audience,
    #[error("a time is no number")]
    Time,
    #[error("without an end")]
    NoExpiry,
    #[error("expired")]
    Expired,
    #[error("not valid yet")]
    NotYet,
    #[error("names no client")]
    Client,
}

/// Is this bearer meant as a JWT? API keys have no dot.
pub fn may_be(bearer: &str) -> bool {
    bearer.contains('.')
}

/// The name under which a token that was verified for `issuer`, which is this deployment, can be remembered.
pub fn fingerprint(issuer: &str, token: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [issuer, "\n", token] {
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// Takes a token apart.
pub fn parse(token: &str) -> Result<Jwt<'_>, JwtError> {
    if token.len() > MAX_BYTES {
        return Err(JwtError::TooLong);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Parts)?;
    let (header, claims) = message.split_once('.').ok_or(JwtError::Parts)?;
    if [header, claims, signature].iter().any(|part| part.is_empty()) || claims.contains('.') {
        return Err(JwtError::Parts);
    }
    let header = read_header(&object(header)?.ok_or(JwtError::Header)?)?;
    let claims = Claims(object(claims)?.ok_or(JwtError::Claims)?);
    Ok(Jwt { header, claims, message, signature: decode(signature)? })
}

/// Holds the claims to what is expected. Gives the second from which on the token is expired, but for the leeway.
pub fn check(claims: &Claims, expect: &Expect<'_>) -> Result<u64, JwtError> {
    if claims.text("iss") != Some(expect.issuer) {
        return Err(JwtError::Issuer);
    }
    let meant = match claims.0.get("aud") {
        Some(Value::String(one)) => one == expect.audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(expect.audience)),
        _ => false,
    };
    if !meant {
        return Err(JwtError::Audience);
    }
    let exp_s = claims.time("exp")?.ok_or(JwtError::NoExpiry)?;
    let exp_s = u64::try_from(exp_s).map_err(|_| JwtError::Expired)?;
    if is_expired(exp_s, expect.now_s) {
        return Err(JwtError::Expired);
    }
    let latest_s = i64::try_from(expect.now_s.saturating_add(LEEWAY_S)).unwrap_or(i64::MAX);
    for name in ["nbf", "iat"] {
        if claims.time(name)?.is_some_and(|time_s| time_s > latest_s) {
            return Err(JwtError::NotYet);
        }
    }
    Ok(exp_s)
}

pub fn is_expired(exp_s: u64, now_s: u64) -> bool {
    exp_s.saturating_add(LEEWAY_S) <= now_s
}

fn read_header(header: &Map<String, Value>) -> Result<Header, JwtError> {
    let alg = header.get("alg").and_then(Value::as_str).and_then(Alg::parse).ok_or(JwtError::Algorithm)?;
    // Whoever does not understand all that is listed there must refuse the token (RFC 7515 §4.1.11), and nothing is understood here.
    if header.contains_key("crit") {
        return Err(JwtError::Critical);
    }
    let is_access_token = match header.get("typ") {
        None => false,
        Some(Value::String(kind)) => kind_is_access_token(kind)?,
        Some(_) => return Err(JwtError::Type),
    };
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.clone()),
        Some(_) => return Err(JwtError::KeyId),
    };
    Ok(Header { alg, kid, is_access_token })
}

/// `typ` keeps other kinds of tokens from being taken for an access token (RFC 8725 §3.11). It is a media type, whose case does not
/// matter and whose `application/` may be left out (RFC 7515 §4.1.9).
fn kind_is_access_token(kind: &str) -> Result<bool, JwtError> {
    let kind = kind.to_ascii_lowercase();
    match kind.strip_prefix("application/").unwrap_or(&kind) {
        "jwt" => Ok(false),
        "at+jwt" => Ok(true),
        _ => Err(JwtError::Type),
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Encoding)
}

fn object(part: &str) -> Result<Option<Map<String, Value>>, JwtError> {
    Ok(serde_json::from_slice(&decode(part)?).ok())
}

impl Claims {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The scopes of a claim that is a text with spaces between them (RFC 8693 §4.2) or an array of texts, as several issuers write it.
    /// Scopes of other services are skipped.
    pub fn scopes(&self, name: &str) -> Vec<Scope> {
        let named: Vec<&str> = match self.0.get(name) {
            Some(Value::String(text)) => text.split(' ').collect(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        Scope::ALL.into_iter().filter(|scope| named.contains(&scope.as_str())).collect()
    }

    /// A `NumericDate` in whole seconds, rounded down.
    fn time(&self, name: &str) -> Result<Option<i64>, JwtError> {
        self.0.get(name).map(|value| seconds(value).ok_or(JwtError::Time)).transpose()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates, so that what is far away stays far away")]
fn seconds(value: &Value) -> Option<i64> {
    // It may have a fraction (RFC 7519 §2). JSON has no number that is not finite.
    value.as_i64().or_else(|| Some(value.as_f64()?.floor() as i64))
}

/// They can hold what people would not like to find in a log.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// One sentence for each class. Who cannot sign learns only whether the token can be read; what is wrong with the claims is told
/// after the signature was verified, so only to who holds a token of the issuer's.
impl From<JwtError> for ApiError {
    fn from(error: JwtError) -> Self {
        let message = match error {
            JwtError::TooLong
            | JwtError::Parts
            | JwtError::Encoding
            | JwtError::Header
            | JwtError::Algorithm
            | JwtError::Critical
            | JwtError::Type
            | JwtError::KeyId
            | JwtError::Claims => "The access token cannot be read. Send a signed JWT (RS256, ES256 or EdDSA), whole.",
            JwtError::Issuer | JwtError::AlgorithmOfIssuer | JwtError::UnknownKey | JwtError::Signature => {
                "The access token was not made by an issuer that this deployment trusts."
            }
            JwtError::Audience => "The access token was made for another audience.",
            JwtError::Time | JwtError::NoExpiry => "The access token does not say until when it is valid.",
            JwtError::Expired => "The access token has expired. Get a new one.",
            JwtError::NotYet => "The access token is not valid yet.",
            JwtError::Client => "The access token names no client of this deployment.",
        };
        Self::new(401, "invalid_request_error", "invalid_token", message)
    }
}

#[cfg(test)]
mod tests;
