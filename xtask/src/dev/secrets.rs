//! The three secrets of a local Pincel, made on the first run.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::dev_vars::DevVars;

pub(crate) struct Secrets {
    pub(crate) api_key: String,
    pub(crate) signing_key_id: String,
    pub(crate) signing_secret: String,
    pub(crate) admin_token: String,
}

impl Secrets {
    /// Those of the file; what is missing there is made and added.
    pub(crate) fn ensure(vars: &mut DevVars) -> Result<Self> {
        let api_key =
            kept_or_made(vars, "PINCEL_API_KEY", || Ok(format!("pcl_{}_{}", random_id()?, random_secret()?)))?;
        let signing_keys =
            kept_or_made(vars, "PINCEL_SIGNING_KEYS", || Ok(format!("{}:{}", random_id()?, random_secret()?)))?;
        let admin_token = kept_or_made(vars, "PINCEL_ADMIN_TOKEN", random_secret)?;
        let (id, secret) = first_signing_key(&signing_keys).context(
            "PINCEL_SIGNING_KEYS in .dev.vars is not of the form ID:SECRET[,ID:SECRET…]; \
             remove the line to have one made",
        )?;
        Ok(Self { signing_key_id: id.to_owned(), signing_secret: secret.to_owned(), api_key, admin_token })
    }
}

fn kept_or_made(vars: &mut DevVars, name: &str, make: impl FnOnce() -> Result<String>) -> Result<String> {
    if let Some(value) = vars.get(name).filter(|value| !value.is_empty()) {
        return Ok(value.to_owned());
    }
    let value = make()?;
    vars.add(name, &value)?;
    Ok(value)
}

fn first_signing_key(keys: &str) -> Option<(&str, &str)> {
    let (id, secret) = keys.split([',', ' ']).next()?.split_once(':')?;
    (!id.is_empty() && !secret.is_empty()).then_some((id, secret))
}

/// Eight characters that can be spoken over a telephone.
fn random_id() -> Result<String> {
    const ALPHABET: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
        'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    // A power of two, so that the remainder favours no character.
    let letter = |byte: u8| ALPHABET.get(usize::from(byte) % ALPHABET.len());
    Ok(random::<8>()?.into_iter().filter_map(letter).collect())
}

fn random_secret() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("no randomness from /dev/urandom")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_values_have_their_shapes() {
        let id = random_id().unwrap();
        assert_eq!(id.len(), 8);
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert_eq!(random_secret().unwrap().len(), 43);
        assert_ne!(random_secret().unwrap(), random_secret().unwrap());
    }

    #[test]
    fn the_first_signing_key_signs() {
        assert_eq!(first_signing_key("a:b,c:d"), Some(("a", "b")));
        assert_eq!(first_signing_key("a:"), None);
        assert_eq!(first_signing_key("secret"), None);
    }
}
