//! The folder where the simulated KV, R2 and Durable Objects live.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::key_file;

/// What such a folder holds: what wrangler makes there, and the keys of the first client.
const OURS: [&str; 2] = ["v3", key_file::NAME];

/// Empties the folder where that is wanted.
pub(crate) fn prepare(folder: &Path, fresh: bool) -> Result<()> {
    if !fresh {
        return Ok(());
    }
    match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot list {}", folder.display())),
        Ok(entries) => {
            for entry in entries {
                // A mistyped --state must not cost anybody their files.
                let name = entry?.file_name();
                if OURS.iter().all(|ours| name != *ours) {
                    bail!(
                        "{} holds more than the state of a local Worker: --fresh would delete it. \
                         Choose another --state",
                        folder.display()
                    );
                }
            }
            fs::remove_dir_all(folder).with_context(|| format!("cannot delete {}", folder.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_state_is_deleted() {
        let folder = std::env::temp_dir().join(format!("pincel-state-{}", std::process::id()));
        prepare(&folder, true).unwrap();
        fs::create_dir_all(folder.join("v3/kv")).unwrap();
        prepare(&folder, false).unwrap();
        assert!(folder.exists());
        fs::write(folder.join("letter.txt"), "dear").unwrap();
        prepare(&folder, true).unwrap_err();
        fs::remove_file(folder.join("letter.txt")).unwrap();
        fs::write(folder.join("pincel-client.json"), "{}").unwrap();
        prepare(&folder, true).unwrap();
        assert!(!folder.exists());
    }
}
