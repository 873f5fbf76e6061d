//! Programs that the tests need. Each is found or named as missing; no test passes without its tool.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A path inside the workspace.
pub fn workspace(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(relative)
}

/// The Node that the workspace's npm packages run on.
pub fn node() -> Result<PathBuf> {
    let node = named("PINCEL_NODE").unwrap_or_else(|| workspace("node_modules/.bin/node"));
    existing(node, "Node is missing: run `cargo xtask setup`, or name one by PINCEL_NODE")
}

/// A Python with the packages of `requirements.txt`.
pub fn python() -> Result<PathBuf> {
    let missing = "a Python with the packages of tests/e2e/requirements.txt is missing: run the tests by `cargo xtask test`, \
                   which makes one, or name one by PINCEL_PYTHON";
    existing(named("PINCEL_PYTHON").context(missing)?, missing)
}

/// A Chromium, under any of its names.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = named("PINCEL_CHROMIUM") {
        return existing(path, "PINCEL_CHROMIUM names no program");
    }
    let folders: Vec<PathBuf> = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found =
        names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|at| at.is_file());
    found.context("Chromium is missing. Debian: sudo apt-get install chromium; or name one by PINCEL_CHROMIUM")
}

/// A program of this workspace: the compiled one that the variable names, or by way of Cargo, which is replaced by what it
/// runs, so that the process is the program's either way.
pub(crate) fn ours(variable: &str, package: &str) -> Command {
    if let Some(program) = named(variable) {
        return Command::new(program);
    }
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", package, "--"]).current_dir(workspace(""));
    command
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn existing(path: PathBuf, otherwise: &str) -> Result<PathBuf> {
    if path.exists() {
        return Ok(path);
    }
    bail!("{otherwise} ({} does not exist)", path.display())
}
