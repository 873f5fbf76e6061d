//! The public keys of an issuer: a JWK set.
//!
//! In scope: reading a set (RFC 7517 §5), and choosing the key of a token so that the algorithm is the key's and never the token's choice
//! (RFC 8725 §3.1). What cannot verify one of our algorithms is skipped, as a set may hold keys for other uses. Only public members are
//! read, so private ones that an issuer publishes by mistake go nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::jwt::Alg;

/// Larger documents are not read.
pub const MAX_SET_BYTES: usize = 256 * 1024;

/// Issuers have two or three.
const MAX_KEYS: usize = 100;

/// RFC 7518 §3.3 demands 2048 bits. Beyond 8192 a signature costs more to verify than it protects.
const RSA_BITS: std::ops::RangeInclusive<u64> = 2048..=8192;

/// A key that verifies signatures of one algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    kid: Option<String>,
    material: Material,
}

/// Numbers and coordinates in base64url without padding, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa { n: String, e: String },
    P256 { x: String, y: String },
    Ed25519 { x: String },
}

/// The keys of a set that can verify.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JwkSet(Vec<Jwk>);

/// The whole set cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkSetError {
    #[error("the JWK set is longer than {MAX_SET_BYTES} bytes")]
    TooLong,
    #[error("this is no JWK set")]
    NoSet,
    #[error("the JWK set has more than {MAX_KEYS} keys")]
    TooManyKeys,
}

impl JwkSet {
    pub fn parse(bytes: &[u8]) -> Result<Self, JwkSetError> {
        if bytes.len() > MAX_SET_BYTES {
            return Err(JwkSetError::TooLong);
        }
        let document: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| JwkSetError::NoSet)?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or(JwkSetError::NoSet)?;
        if keys.len() > MAX_KEYS {
            return Err(JwkSetError::TooManyKeys);
        }
        Ok(Self(keys.iter().filter_map(|key| Jwk::read(key.as_object()?)).collect()))
    }

    /// The key of a token. A token that names none is accepted where only one key can be meant.
    pub fn select(&self, kid: Option<&str>, alg: Alg) -> Option<&Jwk> {
        let mut fitting = self.0.iter().filter(|key| key.alg() == alg && (kid.is_none() || key.kid.as_deref() == kid));
        let first = fitting.next()?;
        (kid.is_some() || fitting.next().is_none()).then_some(first)
    }
}

impl Jwk {
    pub fn ed25519(kid: &str, x: &[u8; 32]) -> Self {
        Self { kid: Some(kid.to_owned()), material: Material::Ed25519 { x: URL_SAFE_NO_PAD.encode(x) } }
    }

    /// `None` for what cannot verify one of our algorithms, or may not.
    fn read(key: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa { n: modulus(text("n")?)?, e: exponent(text("e")?)? },
            ("EC", Some("P-256")) => Material::P256 { x: coordinate(text("x")?)?, y: coordinate(text("y")?)? },
            ("OKP", Some("Ed25519")) => Material::Ed25519 { x: coordinate(text("x")?)? },
            _ => return None,
        };
        let kid = match key.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        let read = Self { kid, material };
        // Each of the three may be absent, and what it says must fit (RFC 7517 §4.2 to §4.4).
        let fits = |name: &str, fit: &dyn Fn(&Value) -> bool| key.get(name).is_none_or(fit);
        let verifies = |operations: &Value| operations.as_array().is_some_and(|all| all.contains(&json!("verify")));
        let may = fits("use", &|value| value == "sig")
            && fits("key_ops", &verifies)
            && fits("alg", &|value| value == read.alg().as_str());
        may.then_some(read)
    }

    /// The one algorithm whose signatures this key verifies.
    pub fn alg(&self) -> Alg {
        match self.material {
            Material::Rsa { .. } => Alg::Rs256,
            Material::P256 { .. } => Alg::Es256,
            Material::Ed25519 { .. } => Alg::EdDsa,
        }
    }

    /// The public key and nothing else, as WebCrypto imports it.
    pub fn to_json(&self) -> String {
        self.public().to_string()
    }

    /// As it stands in a JWK set for others.
    pub fn published(&self) -> Value {
        let mut key = self.public();
        for (name, value) in [("kid", self.kid.as_deref()), ("use", Some("sig")), ("alg", Some(self.alg().as_str()))] {
            if let (Some(members), Some(value)) = (key.as_object_mut(), value) {
                members.insert(name.to_owned(), json!(value));
            }
        }
        key
    }

    fn public(&self) -> Value {
        match &self.material {
            Material::Rsa { n, e } => json!({ "kty": "RSA", "n": n, "e": e }),
            Material::P256 { x, y } => json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }),
            Material::Ed25519 { x } => json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
        }
    }
}

/// A number without the zeros in front of it that some issuers write (RFC 7518 §6.3.1.1 knows them).
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn modulus(text: &str) -> Option<String> {
    let n = number(text)?;
    let bits = n.len() as u64 * 8 - u64::from(n.first()?.leading_zeros());
    RSA_BITS.contains(&bits).then(|| URL_SAFE_NO_PAD.encode(n))
}

/// An odd number from 3 on. With 1 every text would be its own signature.
fn exponent(text: &str) -> Option<String> {
    let e = number(text)?;
    let is_one = e == [1];
    let odd = e.last()? % 2 == 1;
    (odd && !is_one && e.len() <= 4).then(|| URL_SAFE_NO_PAD.encode(e))
}

/// Of both curves: 32 bytes, whatever the number (RFC 7518 §6.2.1.2, RFC 8037 §2).
fn coordinate(text: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() == 32).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
