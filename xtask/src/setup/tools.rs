//! worker-build and the wasm-bindgen command line, kept in the user's cache for all clones.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::install::{self, Staging};
use crate::lock;
use crate::workspace::Workspace;

/// The same minor version as the `worker` crate: each emits what the other expects.
const WORKER_BUILD: &str = "0.8.7";

/// Programs that are neither in cargo's nor in npm's folders of this workspace.
pub(crate) struct Tools {
    pub(crate) worker_build: PathBuf,
    pub(crate) wasm_bindgen: PathBuf,
    /// Names and versions, part of what a build depends on.
    pub(crate) versions: String,
}

pub(crate) fn ensure(workspace: &Workspace) -> Result<Tools> {
    let bindgen = locked_version(&workspace.path("Cargo.lock"), "wasm-bindgen")?;
    let home = workspace.tools();
    let worker_build = ensure_one(home, "worker-build", WORKER_BUILD, |staging| {
        eprintln!("building worker-build {WORKER_BUILD}: about 5 minutes, once per machine");
        install::from_crate(staging, "worker-build", WORKER_BUILD, true)
    })?;
    let wasm_bindgen = ensure_one(home, "wasm-bindgen", &bindgen, |staging| install::wasm_bindgen(staging, &bindgen))?;
    Ok(Tools { worker_build, wasm_bindgen, versions: format!("worker-build {WORKER_BUILD}, wasm-bindgen {bindgen}") })
}

/// The program's path, after `install` where it is missing.
fn ensure_one(home: &Path, name: &str, version: &str, install: impl FnOnce(&Staging) -> Result<()>) -> Result<PathBuf> {
    let folder = home.join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if program.exists() {
        return Ok(program);
    }
    let _lock = lock::acquire(&home.join(format!(".{name}.lock")), "set-up")?;
    if !program.exists() {
        let staging = Staging::beside(&folder)?;
        install(&staging)?;
        staging.finish(&folder)?;
    }
    Ok(program)
}

/// The version of a crate in the lock file. wasm-bindgen's command line refuses a Wasm file that
/// was made with any other version of its library.
fn locked_version(lock_file: &Path, name: &str) -> Result<String> {
    let text = fs::read_to_string(lock_file).with_context(|| format!("cannot read {}", lock_file.display()))?;
    version_in(&text, name).with_context(|| format!("{} names no {name}", lock_file.display()))
}

fn version_in(lock_file: &str, name: &str) -> Option<String> {
    let wanted = format!("name = \"{name}\"");
    let mut lines = lock_file.lines();
    lines.find(|line| *line == wanted)?;
    let version = lines.next()?.strip_prefix("version = \"")?;
    version.strip_suffix('"').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::version_in;

    const LOCK: &str = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n\
        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";

    #[test]
    fn the_version_is_that_of_the_exact_name() {
        assert_eq!(version_in(LOCK, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(LOCK, "wasm-bindgen-futures").as_deref(), Some("0.4.1"));
        assert_eq!(version_in(LOCK, "wasm"), None);
    }
}
