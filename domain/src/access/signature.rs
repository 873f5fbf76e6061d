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

use crate::ApiError;
use crate::query::{self, Query};

/// Parameters that say how a picture is handed over and never which picture it is, nor whether one is made. They
/// can be added to a signed URL by whoever holds it.
pub const DELIVERY_PARAMETERS: &[&str] = &["download"];

/// Parameters of the signature itself.
pub const SIGNATURE_PARAMETERS: &[&str] = &["kid", "exp", "sig"];

/// One of the keys with which a client signs.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    pub kid: String,
    secret: Vec<u8>,
}

impl SigningKey {
    /// Reads `kid:secret`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kid, secret) = text.trim().split_once(':')?;
        let kid_ok = (1..=64).contains(&kid.len())
            && kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let secret_ok = secret.len() >= 32 && secret.bytes().all(|byte| byte.is_ascii_graphic());
        (kid_ok && secret_ok).then(|| Self { kid: kid.to_owned(), secret: secret.as_bytes().to_vec() })
    }

    /// The signed query for `path`: the pairs given, `kid`, `exp` and `sig`.
    pub fn sign_query(&self, path: &str, pairs: &[(String, String)], exp_s: u64) -> String {
        let mut pairs = pairs.to_vec();
        pairs.push(("exp".to_owned(), exp_s.to_string()));
        pairs.push(("kid".to_owned(), self.kid.clone()));
        let signature = sign(&self.secret, "GET", path, &pairs);
        let mut query = canonical_query(&pairs, |_| true);
        query.push_str("&sig=");
        query.push_str(&signature);
        query
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// The signature of a request, base64url without padding.
pub fn sign(secret: &[u8], method: &str, path: &str, query: &[(String, String)]) -> String {
    URL_SAFE_NO_PAD.encode(mac(secret, method, path, query).finalize().into_bytes())
}

/// Which of `keys` signed this request? Every failure reads the same, but for an end that has passed: only who held
/// a right signature can learn that.
pub fn verify<'k>(
    keys: &'k [SigningKey],
    method: &str,
    path: &str,
    query: &Query,
    now_s: u64,
) -> Result<&'k SigningKey, ApiError> {
    let (Some(kid), Some(exp), Some(sig)) = (query.get("kid"), query.get("exp"), query.get("sig")) else {
        return Err(refused("A signed URL needs 'kid', 'exp' and 'sig'."));
    };
    let method = if method == "HEAD" { "GET" } else { method };
    let key = keys.iter().find(|key| key.kid == kid).ok_or_else(|| refused(WRONG))?;
    let given = URL_SAFE_NO_PAD.decode(sig).map_err(|_| refused(WRONG))?;
    mac(&key.secret, method, path, query.pairs()).verify_slice(&given).map_err(|_| refused(WRONG))?;
    let exp: u64 = exp.parse().map_err(|_| refused("'exp' is not a Unix time in seconds."))?;
    if exp <= now_s {
        return Err(ApiError::new(
            403,
            "invalid_request_error",
            "signature_expired",
            "This signed URL has expired. Ask for a new one.",
        ));
    }
    Ok(key)
}

const WRONG: &str = "The signature does not match. Sign the method, the path and the whole query with a live key.";

fn refused(message: &str) -> ApiError {
    ApiError::new(403, "invalid_request_error", "invalid_signature", message)
}

fn mac(secret: &[u8], method: &str, path: &str, query: &[(String, String)]) -> Hmac<Sha256> {
    // HMAC takes a key of any length (RFC 2104 §2), so the fallback is never taken; it keeps the path free of panics.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap_or_else(|_| Hmac::<Sha256>::new(&Array::default()));
    let signed = |name: &str| name != "sig" && !DELIVERY_PARAMETERS.contains(&name);
    for part in [method, "\n", path, "\n", &canonical_query(query, signed)] {
        mac.update(part.as_bytes());
    }
    mac
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
