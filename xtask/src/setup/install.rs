//! Ways to get a tool, each into a staging folder that is renamed when it is complete.
//!
//! A set-up that was interrupted leaves a staging folder behind, which is never mistaken for the
//! finished tool and is removed by the next one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// A folder beside the final one, on the same file system, so that a rename is enough.
pub(crate) struct Staging(PathBuf);

impl Staging {
    pub(crate) fn beside(folder: &Path) -> Result<Self> {
        let mut name = folder.as_os_str().to_owned();
        name.push(".incomplete");
        let path = PathBuf::from(name);
        remove(&path)?;
        fs::create_dir_all(path.join("bin")).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn finish(self, folder: &Path) -> Result<()> {
        // Something without the program in it: it cannot be what is wanted.
        remove(folder)?;
        fs::rename(&self.0, folder).with_context(|| format!("cannot move {} into place", self.0.display()))
    }

    fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }
}

/// Compiles a tool from its crate.
pub(crate) fn from_crate(staging: &Staging, name: &str, version: &str, locked: bool) -> Result<()> {
    let mut command = process::command("cargo");
    command
        .args(["install", name, "--version", version, "--root"])
        .arg(&staging.0)
        .args(locked.then_some("--locked"))
        // Not in the workspace: its profiles and its target folder are for its own crates.
        .current_dir(&staging.0)
        .env_remove("CARGO_TARGET_DIR");
    process::run(&mut command, &format!("cargo install {name}")).with_context(|| {
        format!("{name} {version} could not be built; a C compiler and access to crates.io are needed")
    })
}

/// The released program where this machine has one and can reach it, else compiled.
pub(crate) fn wasm_bindgen(staging: &Staging, version: &str) -> Result<()> {
    if let Some(target) = release_target() {
        eprintln!("fetching wasm-bindgen {version}");
        match released_wasm_bindgen(staging, version, target) {
            Ok(()) => return Ok(()),
            Err(error) => eprintln!("no released wasm-bindgen here: {error:#}"),
        }
    }
    eprintln!("building wasm-bindgen {version}: about 3 minutes, once per machine");
    from_crate(staging, "wasm-bindgen-cli", version, false)
}

fn released_wasm_bindgen(staging: &Staging, version: &str, target: &str) -> Result<()> {
    let archive = staging.0.join("archive.tar.gz");
    let url = format!(
        "https://github.com/wasm-bindgen/wasm-bindgen/releases/download/{version}/\
         wasm-bindgen-{version}-{target}.tar.gz"
    );
    process::run(
        process::command("curl")
            .args(["-fsSL", "--connect-timeout", "3", "--max-time", "60", "-o"])
            .args([archive.as_os_str(), url.as_ref()]),
        "curl",
    )?;
    process::run(
        process::command("tar")
            .args(["-xzf".as_ref(), archive.as_os_str(), "-C".as_ref(), staging.bin().as_os_str()])
            .arg("--strip-components=1"),
        "tar",
    )?;
    let said =
        process::ask(Command::new(staging.bin().join("wasm-bindgen")).arg("--version"), "wasm-bindgen --version")?;
    if said != format!("wasm-bindgen {version}") {
        bail!("the download calls itself {said:?}");
    }
    fs::remove_file(&archive).context("cannot remove the archive")
}

/// The name under which a program for this machine is released.
fn release_target() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("x86_64-unknown-linux-musl"),
        ("linux", "aarch64") => Some("aarch64-unknown-linux-gnu"),
        ("macos", "x86_64") => Some("x86_64-apple-darwin"),
        ("macos", "aarch64") => Some("aarch64-apple-darwin"),
        _ => None,
    }
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
