//! The commands that judge the work.

pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod test;

use std::path::Path;
use std::process::{Command, Stdio};

use crate::process;
use crate::workspace::Workspace;

/// Cargo, whose standard output is ours: test results are what the user asked for.
fn cargo(workspace: &Workspace) -> Command {
    let mut command = process::command("cargo");
    command.stdout(Stdio::inherit()).current_dir(workspace.root());
    command
}

/// The surroundings in which tests and benchmarks start a Pincel of their own.
fn surroundings(command: &mut Command, workspace: &Workspace, fake_openai: &Path) {
    command
        .env("PINCEL_FAKE_OPENAI_BIN", fake_openai)
        .env("PINCEL_XTASK", workspace.program())
        .env("PINCEL_NODE", workspace.npm_bin("node"))
        // A real key must never reach a test: it would buy pictures.
        .env_remove("OPENAI_API_KEY")
        .env_remove("OPENAI_BASE_URL");
}
