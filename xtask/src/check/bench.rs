//! `cargo xtask bench`: `tests/bench`, with what it needs.

use anyhow::{Result, bail};

use super::{cargo, surroundings};
use crate::dev::fake_openai;
use crate::setup;
use crate::workspace::Workspace;
use crate::{bundle, process};

/// Programs that measure, and why.
const METERS: [(&str, &str); 2] = [("wrk", "drives the load"), ("valgrind", "counts instructions")];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// For the benchmark: what to measure, and its options.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    for (program, purpose) in METERS {
        if !process::on_path(program) {
            bail!("{program} is missing; it {purpose}. Debian and Ubuntu: sudo apt-get install {program}");
        }
    }
    let tools = setup::run(workspace)?;
    bundle::ensure(workspace, &tools, &bundle::Options::default())?;
    // Optimised like the Worker: a slow stand-in would be measured along with it.
    let fake_openai = fake_openai::build(workspace, &["--release"])?;
    let mut command = cargo(workspace);
    command.args(["run", "--quiet", "--release", "-p", "bench", "--"]).args(&options.args);
    surroundings(&mut command, workspace, &fake_openai);
    process::run(&mut command, "the benchmark")
}
