//! The keys of the first client, kept beside the state that knows them: `pincel-client.json` in the state folder.
//!
//! The Worker shows a key once, when it is made, so whoever wants to use it tomorrow has to keep it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub(crate) const NAME: &str = "pincel-client.json";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub(crate) api_key: String,
    pub(crate) signing_key_id: String,
    pub(crate) signing_secret: String,
}

pub(crate) struct KeyFile(PathBuf);

impl KeyFile {
    pub(crate) fn of(state: &Path) -> Self {
        Self(state.join(NAME))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The keys, if there are any.
    pub(crate) fn read(&self) -> Result<Option<Keys>> {
        let text = match fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.0.display())),
        };
        let keys = serde_json::from_str(&text);
        keys.map(Some).with_context(|| format!("{} cannot be read: remove it to have new keys made", self.0.display()))
    }

    /// For their owner only. What was there is replaced as a whole, so that half a file is never read.
    pub(crate) fn write(&self, keys: &Keys) -> Result<()> {
        let whole = self.0.with_extension(format!("{}.new", std::process::id()));
        let text = serde_json::to_string_pretty(keys)?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&whole)
            .and_then(|mut file| writeln!(file, "{text}"))
            .and_then(|()| fs::rename(&whole, &self.0))
            .with_context(|| format!("cannot write {}", self.0.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_kept_for_their_owner() {
        let folder = std::env::temp_dir().join(format!("pincel-key-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = KeyFile::of(&folder);
        assert_eq!(file.read().unwrap(), None);
        for api_key in ["a", "b"] {
            let keys =
                Keys { api_key: api_key.to_owned(), signing_key_id: "k".to_owned(), signing_secret: "s".to_owned() };
            file.write(&keys).unwrap();
            assert_eq!(file.read().unwrap(), Some(keys));
        }
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "something is left");
        fs::write(file.path(), "{").unwrap();
        assert!(format!("{:#}", file.read().unwrap_err()).contains("remove it"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
