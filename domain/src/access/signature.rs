//! Signed URLs: HMAC-SHA256 (RFC 2104) over method, path and query.
//!
//! The signed text is `METHOD\npath\nquery`, the query without `sig` and without delivery parameters, its pairs
//! sorted by name and re-encoded by RFC 3986, so that the order and the style of encoding of a URL do not matter and
//! everything else does. `HEAD` is signed as `GET`. The signature is base64url without padding.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::array::Array;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::ClientId;
use super::secret::{Master, Masters};
use crate::query::{self, Query};
use crate::{ApiError, hex};

const SECRET_LABEL: &str = "pincel/signing-key/1";

/// Parameters that say how a picture is handed over and never which picture it is, nor whether one is made. They
/// can be added to a signed URL by whoever holds it.
pub const DELIVERY_PARAMETERS: &[&str] = &["download"];

/// Parameters of the signature itself.
pub const SIGNATURE_PARAMETERS: &[&str] = &["kid", "exp", "sig"];

/// One of the keys with which a client signs. Its name says whose it is, and its secret is derived from its name, so that a
/// signature is checked without asking anybody.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    pub kid: String,
    secret: String,
}

impl SigningKey {
    /// A key as a client holds it.
    pub fn new(kid: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { kid: kid.into(), secret: secret.into() }
    }

    pub fn derived(master: &Master, kid: &str) -> Self {
        Self::new(kid, URL_SAFE_NO_PAD.encode(master.derive(SECRET_LABEL, &[kid])))
    }

    /// What the client signs with: the HMAC's key is this text as it stands.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The signed query for `path`: the pairs given, `kid`, `exp` and `sig`.
    pub fn sign_query(&self, path: &str, pairs: &[(String, String)], exp_s: u64) -> String {
        let mut pairs = pairs.to_vec();
        pairs.push(("exp".to_owned(), exp_s.to_string()));
        pairs.push(("kid".to_owned(), self.kid.clone()));
        let signature = sign(self.secret.as_bytes(), "GET", path, &pairs);
        let mut query = canonical_query(&pairs, |_| true);
        query.push_str("&sig=");
        query.push_str(&signature);
        query
    }
}

/// The name of a client's key number `random`.
pub fn kid(client: &ClientId, random: [u8; 4]) -> String {
    format!("{}-{}", client.as_str(), hex::encode(&random))
}

/// Whose key is it, by its name?
pub fn owner(kid: &str) -> Option<ClientId> {
    let (client, serial) = kid.split_once('-')?;
    let plain = serial.len() == 8 && serial.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ClientId::parse(client).filter(|_| plain)
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// The signature of a request, base64url without padding.
pub fn sign(secret: &[u8], method: &str, path: &str, query: &[(String, String)]) -> String {
    URL_SAFE_NO_PAD.encode(mac(secret, method, path, &canonical_query(query, is_signed)).finalize().into_bytes())
}

/// Who signed this request, and with which of its keys? Whether that key still lives is for the client's account to say. Every
/// failure reads the same, but for an end that has passed: only who held a right signature can learn that.
pub fn verify<'q>(
    masters: &Masters,
    method: &str,
    path: &str,
    query: &'q Query,
    now_s: u64,
) -> Result<(ClientId, &'q str), ApiError> {
    let (Some(kid), Some(exp), Some(sig)) = (query.get("kid"), query.get("exp"), query.get("sig")) else {
        return Err(refused("A signed URL needs 'kid', 'exp' and 'sig'."));
    };
    let method = if method == "HEAD" { "GET" } else { method };
    let client = owner(kid).ok_or_else(wrong)?;
    let given = URL_SAFE_NO_PAD.decode(sig).map_err(|_| wrong())?;
    let text = canonical_query(query.pairs(), is_signed);
    let is_right = |master: &Master| {
        let key = SigningKey::derived(master, kid);
        mac(key.secret.as_bytes(), method, path, &text).verify_slice(&given).is_ok()
    };
    if !masters.iter().any(is_right) {
        return Err(wrong());
    }
    let exp: u64 = exp.parse().map_err(|_| refused("'exp' is not a Unix time in seconds."))?;
    if exp <= now_s {
        return Err(ApiError::new(
            403,
            "invalid_request_error",
            "signature_expired",
            "This signed URL has expired. Ask for a new one.",
        ));
    }
    Ok((client, kid))
}

/// Said of a signature that is not right, and of a key that was revoked: they are not to be told apart.
pub fn wrong() -> ApiError {
    refused("The signature does not match. Sign the method, the path and the whole query with a live key.")
}

fn refused(message: &str) -> ApiError {
    ApiError::new(403, "invalid_request_error", "invalid_signature", message)
}

fn mac(secret: &[u8], method: &str, path: &str, canonical_query: &str) -> Hmac<Sha256> {
    // HMAC takes a key of any length (RFC 2104 §2), so the fallback is never taken; it keeps the path free of panics.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap_or_else(|_| Hmac::<Sha256>::new(&Array::default()));
    for part in [method, "\n", path, "\n", canonical_query] {
        mac.update(part.as_bytes());
    }
    mac
}

fn is_signed(name: &str) -> bool {
    name != "sig" && !DELIVERY_PARAMETERS.contains(&name)
}

fn canonical_query(pairs: &[(String, String)], keep: impl Fn(&str) -> bool) -> String {
    let mut pairs: Vec<_> = pairs.iter().filter(|(name, _)| keep(name)).collect();
    pairs.sort();
    let encoded: Vec<_> =
        pairs.iter().map(|(name, value)| format!("{}={}", query::encode(name), query::encode(value))).collect();
    encoded.join("&")
}

#[cfg(test)]
mod tests;
