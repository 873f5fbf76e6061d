//! Is what was built still what the sources say?
//!
//! Contents are hashed, not times: a fresh clone, a branch that was visited and left, and a
//! restored cache all keep or change times without a meaning.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Collects files into one digest.
#[derive(Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds a text that decides about the outcome, such as a version.
    pub(crate) fn text(&mut self, text: &str) {
        self.field(text.as_bytes());
    }

    /// Adds one file; a missing one is a state of its own.
    pub(crate) fn file(&mut self, path: &Path) -> Result<()> {
        self.field(path.as_os_str().as_encoded_bytes());
        if path.exists() {
            self.field(&fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
        }
        Ok(())
    }

    /// Adds every file below a folder, but for files and folders of the given names.
    pub(crate) fn folder(&mut self, path: &Path, except: &[&str]) -> Result<()> {
        let mut entries = Vec::new();
        let listing = fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
        for entry in listing {
            entries.push(entry?.path());
        }
        // The order of a listing is the file system's affair.
        entries.sort();
        for entry in entries {
            self.entry(&entry, except)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, except: &[&str]) -> Result<()> {
        if path.file_name().is_some_and(|name| except.iter().any(|other| name == *other)) {
            Ok(())
        } else if path.is_dir() {
            self.folder(path, except)
        } else {
            self.file(path)
        }
    }

    fn field(&mut self, bytes: &[u8]) {
        // With its length before it, so that two fields never read as one.
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// The digest in hexadecimal.
    pub(crate) fn finish(self) -> String {
        domain::hex::encode(&self.0.finalize())
    }
}

/// A stamp file that says with which fingerprint something was made.
pub(crate) fn is_stamped(stamp: &Path, fingerprint: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|found| found == fingerprint)
}

pub(crate) fn write_stamp(stamp: &Path, fingerprint: &str) -> Result<()> {
    fs::write(stamp, fingerprint).with_context(|| format!("cannot write {}", stamp.display()))
}
