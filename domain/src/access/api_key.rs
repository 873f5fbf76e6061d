//! API keys `pcl_<client>_<secret>`.
//!
//! The client's id may be logged; the secret may not. A secret is 24 random bytes and a check of 8 bytes that only the
//! master secret can make, both base64url. So a key that was never made here is refused by whoever reads it, without asking
//! the client's account; and what the account keeps is a hash under the master, which opens nothing. Both are compared in
//! constant time: the time of a refusal says nothing about how much of a guess was right.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::ClientId;
use super::secret::{Master, Masters};
use crate::hex;

const CHECK_LABEL: &str = "pincel/api-key-tag/1";
const HASH_LABEL: &str = "pincel/api-key/1";

/// Of a secret: 24 random bytes, and the check.
const RANDOM_CHARS: usize = 32;
const CHECK_BYTES: usize = 8;
const SECRET_CHARS: usize = 43;

/// A key that was made here: whose it claims to be, and the hash to look it up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedKey {
    pub client: ClientId,
    pub hash: KeyHash,
}

/// HMAC-SHA256 of a whole key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

/// A new key: the text that is shown once.
pub fn mint(masters: &Masters, client: &ClientId, random: [u8; 24]) -> String {
    let random = URL_SAFE_NO_PAD.encode(random);
    let check = check(masters.first(), client, &random);
    format!("pcl_{}_{random}{check}", client.as_str())
}

impl PresentedKey {
    /// Reads a key from outside; `None` for everything that was not made here.
    pub fn read(masters: &Masters, text: &str) -> Option<Self> {
        let (client, secret) = text.strip_prefix("pcl_")?.split_once('_')?;
        let client = ClientId::parse(client)?;
        let plain = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !plain || secret.len() != SECRET_CHARS {
            return None;
        }
        let (random, given) = secret.split_at_checked(RANDOM_CHARS)?;
        let is_its = |master: &&Master| bool::from(check(master, &client, random).as_bytes().ct_eq(given.as_bytes()));
        let master = masters.iter().find(is_its)?;
        Some(Self { hash: KeyHash(master.derive(HASH_LABEL, &[text])), client })
    }
}

fn check(master: &Master, client: &ClientId, random: &str) -> String {
    let derived = master.derive(CHECK_LABEL, &[client.as_str(), random]);
    URL_SAFE_NO_PAD.encode(derived.first_chunk::<CHECK_BYTES>().copied().unwrap_or_default())
}

impl KeyHash {
    pub fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHash")
    }
}

impl Serialize for KeyHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hex::encode(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode_32(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a hash is 64 hexadecimal digits"))
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
        self.0.ct_eq(&digest(presented)).into()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn masters(text: &str) -> Masters {
        Masters::parse(text).unwrap()
    }

    #[test]
    fn a_key_is_read_by_who_made_it() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let client = ClientId::parse("shop1").unwrap();
        let key = mint(&masters(&old), &client, [7; 24]);
        assert_eq!(key, mint(&masters(&old), &client, [7; 24]));
        assert_eq!(key.len(), "pcl_shop1_".len() + SECRET_CHARS);
        let read = PresentedKey::read(&masters(&old), &key).unwrap();
        assert_eq!(read.client, client);
        // A new master beside the old one, and what the account keeps is still found.
        assert_eq!(PresentedKey::read(&masters(&format!("{new},{old}")), &key), Some(read.clone()));
        assert_eq!(PresentedKey::read(&masters(&new), &key), None);
        let other = PresentedKey::read(&masters(&old), &mint(&masters(&old), &client, [8; 24])).unwrap();
        assert!(read.hash.equals(&read.hash) && !read.hash.equals(&other.hash));
        let stored: KeyHash = serde_json::from_str(&serde_json::to_string(&read.hash).unwrap()).unwrap();
        assert_eq!(stored, read.hash);
        assert!(!format!("{read:?}").contains(&hex::encode(&read.hash.0)[..8]));
    }

    #[test]
    fn what_was_not_made_here_is_refused() {
        let masters = masters(&"m".repeat(32));
        let key = mint(&masters, &ClientId::parse("shop").unwrap(), [7; 24]);
        let secret = key.strip_prefix("pcl_shop_").unwrap();
        let mut wrong = vec![
            String::new(),
            "pcl_".to_owned(),
            "pcl_shop_".to_owned(),
            format!("pcl__{secret}"),
            format!("pcl_shop2_{secret}"),
            format!("pcl_shöp_{secret}"),
            format!("{key}A"),
            key[..key.len() - 1].to_owned(),
            key.to_uppercase(),
            format!("pcl_shop_{}", "A".repeat(SECRET_CHARS)),
            format!("pcl_shop_{}", "A".repeat(10_000)),
            key.replace("pcl_", "sk-"),
        ];
        // Any one character of the secret, changed.
        for at in "pcl_shop_".len()..key.len() {
            let other = if key.as_bytes()[at] == b'A' { "B" } else { "A" };
            wrong.push(format!("{}{other}{}", &key[..at], &key[at + 1..]));
        }
        for wrong in wrong {
            assert_eq!(PresentedKey::read(&masters, &wrong), None, "{wrong}");
        }
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
