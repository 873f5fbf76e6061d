//! The npm packages of `package-lock.json`: wrangler with workerd, Node, esbuild, wasm-opt.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::fingerprint::{self, Fingerprint};
use crate::workspace::Workspace;
use crate::{lock, process};

const MISSING_NPM: &str = "npm is missing; it fetches wrangler and workerd. \
    Debian and Ubuntu: sudo apt-get install npm. macOS: brew install node. \
    Others: https://nodejs.org/en/download. Any Node from 18 on will do: the project brings the \
    one that wrangler needs";

pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    let wanted = wanted(workspace)?;
    if fingerprint::is_stamped(&stamp(workspace), &wanted) {
        return Ok(());
    }
    // Outside node_modules, which npm deletes.
    let _lock = lock::acquire(&workspace.path(".wrangler/npm.lock"), "npm ci")?;
    if fingerprint::is_stamped(&stamp(workspace), &wanted) {
        return Ok(());
    }
    install(workspace)?;
    fingerprint::write_stamp(&stamp(workspace), &wanted)
}

fn install(workspace: &Workspace) -> Result<()> {
    if !process::on_path("npm") {
        bail!(MISSING_NPM);
    }
    eprintln!("fetching npm packages (about 300 MB on disk, once)");
    process::run(
        process::command("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(workspace.root()),
        "npm ci",
    )?;
    if !workspace.npm_bin("node").exists() {
        bail!(
            "npm did not bring Node: its package `node` does so in an install script. \
             If your npm is told to ignore scripts, run `npm ci --ignore-scripts=false` once"
        );
    }
    Ok(())
}

fn wanted(workspace: &Workspace) -> Result<String> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.file(&workspace.path("package-lock.json"))?;
    Ok(fingerprint.finish())
}

fn stamp(workspace: &Workspace) -> PathBuf {
    workspace.path("node_modules/.pincel-stamp")
}
