//! The master secret of a deployment, and what is derived from it.
//!
//! One secret, kept by the platform, stands behind every key that this service makes: the check of an API key and the hash
//! it is stored under, the secret of a signing key, the key that signs access tokens. What is derived needs no
//! store, and what is stored opens nothing without the master. Derivation is HMAC-SHA256 (RFC 2104) over a label and parts.

use hmac::digest::array::Array;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// One master secret, ready to derive from: the key's part of the work is done once.
#[derive(Clone)]
pub struct Master(Hmac<Sha256>);

impl Master {
    fn new(secret: &str) -> Self {
        // HMAC takes a key of any length (RFC 2104 §2), so the fallback is never taken; it keeps the path free of panics.
        let secret = secret.as_bytes();
        Self(Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Array::default())))
    }

    /// The label keeps uses apart, line ends keep parts apart: all but the last part must be free of them.
    pub fn derive(&self, label: &str, parts: &[&str]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(label.as_bytes());
        for part in parts {
            mac.update(b"\n");
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Master")
    }
}

/// Several, so that the master can be rotated: the first makes what is new, all of them verify.
#[derive(Debug, Clone)]
pub struct Masters {
    first: Master,
    rest: Vec<Master>,
}

impl Masters {
    /// Reads secrets with commas between them. Shorter than 32 characters is a password, not a secret: refused.
    pub fn parse(text: &str) -> Option<Self> {
        let sound = |secret: &str| secret.len() >= 32 && secret.bytes().all(|byte| byte.is_ascii_graphic());
        let mut masters =
            text.split(',').map(|secret| sound(secret).then(|| Master::new(secret))).collect::<Option<Vec<_>>>()?;
        let rest = masters.split_off(masters.len().min(1));
        Some(Self { first: masters.pop()?, rest })
    }

    /// The one that makes.
    pub fn first(&self) -> &Master {
        &self.first
    }

    /// Those that verify, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &Master> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'label\na\nb' | openssl dgst -sha256 -hmac mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm`
    #[test]
    fn golden() {
        let masters = Masters::parse(&"m".repeat(32)).unwrap();
        let derived = crate::hex::encode(&masters.first().derive("label", &["a", "b"]));
        assert_eq!(derived, "77a7d1d6e68d5cb697cdaa912033beb36eb40acb1dc09828f9da03052d358939");
    }

    #[test]
    fn parts_and_labels_stand_apart() {
        let masters = Masters::parse(&format!("{},{}", "m".repeat(32), "n".repeat(32))).unwrap();
        let derive = |master: &Master| {
            [("l", &["ab"][..]), ("l", &["a", "b"]), ("la", &["b"]), ("l", &[])]
                .map(|(l, parts)| master.derive(l, parts))
        };
        let all: Vec<_> = masters.iter().flat_map(derive).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn read_strictly_and_never_shown() {
        let long = "s".repeat(32);
        for wrong in ["", ",", "short", &format!("{long},"), &format!("{long}, {long}"), &format!("{long},short")] {
            assert!(Masters::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(Masters::parse(&format!("{long},{long}x")).unwrap().iter().count(), 2);
        assert!(!format!("{:?}", Masters::parse(&long).unwrap()).contains("sss"));
    }
}
