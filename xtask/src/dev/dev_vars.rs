//! `.dev.vars`: the Worker's secrets on this machine, which git ignores and wrangler reads.
//!
//! `KEY=VALUE` lines, quotes optional. What a user wrote there stays as it is, comments included;
//! names that are missing are added at the end.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub(crate) struct DevVars {
    path: PathBuf,
    text: String,
}

impl DevVars {
    /// A missing file is an empty one.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Ok(Self { path: path.to_path_buf(), text })
    }

    /// The value of a name; the last line wins, as it does for wrangler.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.text.lines().filter_map(assignment).rfind(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Adds a line to the file.
    pub(crate) fn add(&mut self, name: &str, value: &str) -> Result<()> {
        let mut addition = String::new();
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            addition.push('\n');
        }
        addition.push_str(name);
        addition.push('=');
        addition.push_str(value);
        addition.push('\n');
        append(&self.path, &addition).with_context(|| format!("cannot write {}", self.path.display()))?;
        self.text.push_str(&addition);
        Ok(())
    }
}

/// Creates the file for its owner only.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    Some((name.trim(), unquoted(value.trim())))
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\'', '`'] {
        let inner = value.strip_prefix(quote);
        if let Some((inner, _)) = inner.and_then(|inner| inner.split_once(quote)) {
            return inner;
        }
    }
    // Without quotes, what follows a number sign is a comment.
    value.split_once('#').map_or(value, |(value, _)| value.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, name: &str, expect: Option<&str>) {
        let vars = DevVars { path: PathBuf::new(), text: text.to_owned() };
        assert_eq!(vars.get(name), expect, "{name} in {text:?}");
    }

    #[test]
    fn a_value_is_read_as_wrangler_reads_it() {
        check("A=1\nB=2", "B", Some("2"));
        check("A=1\nA=2", "A", Some("2"));
        check("A = \"with # inside\" # after", "A", Some("with # inside"));
        check("A='x=y'", "A", Some("x=y"));
        check("export A=1 # why", "A", Some("1"));
        check("# A=1", "A", None);
        check("AB=1", "A", None);
        check("A=", "A", Some(""));
    }

    #[test]
    fn what_a_user_wrote_stays_and_the_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("pincel-dev-vars-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        DevVars::read(&path).unwrap().add("A", "1").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "# mine\nA=1").unwrap();
        DevVars::read(&path).unwrap().add("B", "2").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "# mine\nA=1\nB=2\n");
        fs::remove_file(&path).unwrap();
    }
}
