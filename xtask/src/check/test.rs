//! `cargo xtask test`: native, and end to end, where the golden vectors of the picture key run in the Worker's Wasm.

use anyhow::Result;

use super::{cargo, surroundings};
use crate::bundle;
use crate::dev::fake_openai;
use crate::process;
use crate::setup::{self, python};
use crate::workspace::Workspace;

/// Two end-to-end tests keep the processor busy, more would only wait for it. The third is for those that
/// sleep until a minute or a hold is over.
const THREADS: &str = "--test-threads=3";

#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Only the tests that need no Worker: rules, simulation, golden vectors.
    #[arg(long, conflicts_with = "e2e")]
    native: bool,
    /// Only the tests against the real Worker in workerd.
    #[arg(long)]
    e2e: bool,
    /// For the test programs: a filter, --nocapture, ….
    #[arg(last = true)]
    args: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let tools = setup::run(workspace)?;
    if !options.e2e {
        native(workspace, &options.args)?;
    }
    if !options.native {
        bundle::ensure(workspace, &tools, &bundle::Options::default())?;
        end_to_end(workspace, &options.args)?;
    }
    Ok(())
}

fn native(workspace: &Workspace, args: &[String]) -> Result<()> {
    process::run(cargo(workspace).args(["test", "--workspace", "--exclude", "e2e", "--"]).args(args), "cargo test")
}

fn end_to_end(workspace: &Workspace, args: &[String]) -> Result<()> {
    let python = python::ensure(workspace)?;
    let fake_openai = fake_openai::build(workspace, &[])?;
    let mut command = cargo(workspace);
    command.args(["test", "-p", "e2e", "--", THREADS]).args(args).env("PINCEL_PYTHON", python);
    surroundings(&mut command, workspace, &fake_openai);
    process::run(&mut command, "the end-to-end tests")
}
