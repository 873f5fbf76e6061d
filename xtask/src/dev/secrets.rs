//! The two secrets of a local Pincel, made on the first run.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::dev_vars::DevVars;

/// What the Worker derives all keys from.
const MASTER: &str = "PINCEL_SECRET";
const ADMIN_TOKEN: &str = "PINCEL_ADMIN_TOKEN";

pub(crate) struct Secrets {
    pub(crate) admin_token: String,
}

impl Secrets {
    /// Those of the file; what is missing there is made and added. The master secret is for the Worker alone.
    pub(crate) fn ensure(vars: &mut DevVars) -> Result<Self> {
        kept_or_made(vars, MASTER)?;
        Ok(Self { admin_token: kept_or_made(vars, ADMIN_TOKEN)? })
    }
}

fn kept_or_made(vars: &mut DevVars, name: &str) -> Result<String> {
    if let Some(value) = vars.get(name).filter(|value| !value.is_empty()) {
        return Ok(value.to_owned());
    }
    let value = random_secret()?;
    vars.add(name, &value)?;
    Ok(value)
}

fn random_secret() -> Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("no randomness from /dev/urandom")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_missing_is_made_once() {
        let path = std::env::temp_dir().join(format!("pincel-secrets-{}", std::process::id()));
        fs::write(&path, "PINCEL_API_KEY=of-an-earlier-version\nPINCEL_SECRET=\nPINCEL_ADMIN_TOKEN=mine\n").unwrap();
        let mut vars = DevVars::read(&path).unwrap();
        assert_eq!(Secrets::ensure(&mut vars).unwrap().admin_token, "mine");
        let master = vars.get(MASTER).unwrap().to_owned();
        assert_eq!(master.len(), 43);
        let mut again = DevVars::read(&path).unwrap();
        Secrets::ensure(&mut again).unwrap();
        assert_eq!(again.get(MASTER), Some(master.as_str()));
        fs::remove_file(&path).unwrap();
        assert_ne!(random_secret().unwrap(), random_secret().unwrap());
    }
}
