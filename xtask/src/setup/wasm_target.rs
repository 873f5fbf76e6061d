//! The standard library for `wasm32-unknown-unknown`.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::Workspace;

const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    if is_there(workspace)? {
        return Ok(());
    }
    if !process::on_path("rustup") {
        bail!(
            "Rust's {TARGET} target is missing and there is no rustup to add it: install rustup \
             from https://rustup.rs, or your distribution's package of that target \
             (Debian: libstd-rust-dev-wasm32)"
        );
    }
    eprintln!("adding Rust's {TARGET} target");
    process::run(
        process::command("rustup").args(["target", "add", TARGET]).current_dir(workspace.root()),
        "rustup target add",
    )
}

fn is_there(workspace: &Workspace) -> Result<bool> {
    // Asked in the workspace, where rust-toolchain.toml decides which toolchain answers.
    let folder = process::ask(
        Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).current_dir(workspace.root()),
        "rustc --print target-libdir",
    )?;
    Ok(Path::new(&folder).exists())
}
