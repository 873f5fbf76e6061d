//! What the other commands need: the Wasm target, npm packages, and two tools built from crates.
//!
//! Every command calls [`run`], so it must cost next to nothing when all is there: a handful of
//! file checks and one question to `rustc`. Python for the SDK tests is set up by `python`, only
//! where those tests run.

mod install;
mod npm;
pub(crate) mod python;
mod tools;
mod wasm_target;

use anyhow::Result;

use crate::workspace::Workspace;

pub(crate) use tools::Tools;

/// Brings what is missing; says nothing when nothing is.
pub(crate) fn run(workspace: &Workspace) -> Result<Tools> {
    wasm_target::ensure(workspace)?;
    npm::ensure(workspace)?;
    tools::ensure(workspace)
}
