//! API keys `pcl_<id>_<secret>`.
//!
//! The id names the client and may be logged; the secret may not. Only digests are compared, in constant time, so
//! that the time of a refusal says nothing about how much of a guess was right.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A key that this deployment accepts. Holds the digest, never the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: String,
    digest: [u8; 32],
}

impl ApiKey {
    /// Reads a key from the configuration.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix("pcl_")?.split_once('_')?;
        let id_ok = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let secret_ok = (32..=128).contains(&secret.len())
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        (id_ok && secret_ok).then(|| Self { id: id.to_owned(), digest: digest(text) })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Is `presented` this key?
    pub fn matches(&self, presented: &str) -> bool {
        secrets_equal(&self.digest, presented)
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKey({})", self.id)
    }
}

/// A bearer secret without parts, such as the first admin token: kept and compared as a digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// Shorter than 32 characters is a password, not a token: refused.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(digest(text)))
    }

    pub fn matches(&self, presented: &str) -> bool {
        secrets_equal(&self.0, presented)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

/// The credentials of an `Authorization` header, if its scheme is `Bearer` (RFC 6750 §2.1, the scheme in any case).
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, credentials) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(credentials.trim_matches(' '))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn secrets_equal(known: &[u8; 32], presented: &str) -> bool {
    known.ct_eq(&digest(presented)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let secret = "s".repeat(43);
        let text = format!("pcl_shop1_{secret}");
        let key = ApiKey::parse(&text).unwrap();
        assert_eq!(key.id(), "shop1");
        assert!(key.matches(&text));
        for wrong in ["", "pcl_shop1_", &text[..text.len() - 1], &format!("{text}x"), &text.to_uppercase()] {
            assert!(!key.matches(wrong), "{wrong}");
        }
        for malformed in
            ["", "pcl_", "pcl_a_short", "sk-x", "pcl_é_", &format!("pcl__{secret}"), &format!("pcl_a b_{secret}")]
        {
            assert!(ApiKey::parse(malformed).is_none(), "{malformed}");
        }
        assert!(!format!("{key:?}").contains(&secret));
    }

    #[test]
    fn tokens() {
        assert!(Token::parse("short").is_none());
        assert!(Token::parse(&" ".repeat(40)).is_none());
        let token = Token::parse(&"t".repeat(43)).unwrap();
        assert!(token.matches(&"t".repeat(43)));
        assert!(!token.matches(&"t".repeat(42)));
    }

    #[test]
    fn bearer_scheme() {
        for (header, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("", None),
        ] {
            assert_eq!(bearer(header), expected, "{header}");
        }
    }
}
