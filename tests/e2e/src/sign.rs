//! Signed URLs, written from the rules in the docs and sharing no code with the Worker.
//!
//! The text that is signed is `GET`, the path and the query, a line each. In the query the pairs are sorted and
//! percent-encoded (RFC 3986), `sig` and `download` are left out. HMAC-SHA256, base64url without padding.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A path with a signed query.
pub fn signed(path: &str, pairs: &[(&str, &str)], kid: &str, secret: &str, exp_s: u64) -> String {
    let exp = exp_s.to_string();
    let mut pairs = pairs.to_vec();
    pairs.extend([("kid", kid), ("exp", exp.as_str())]);
    let sig = signature(path, &pairs, secret);
    format!("{path}?{}&sig={sig}", query(&pairs))
}

/// What `sig` must be for these pairs.
pub fn signature(path: &str, pairs: &[(&str, &str)], secret: &str) -> String {
    let mut signed: Vec<_> = pairs.iter().copied().filter(|(name, _)| !matches!(*name, "sig" | "download")).collect();
    signed.sort_unstable();
    let text = format!("GET\n{path}\n{}", query(&signed));
    // HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mac| mac.chain_update(text));
    mac.map(|mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())).unwrap_or_default()
}

/// The pairs as a query, in the order given.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// Unix time in seconds, this long from now.
pub fn seconds_from_now(seconds: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()) + seconds
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            // Writing into a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}
