//! How Pincel is built, run and tested: `cargo xtask setup | dev | build | test | bench | ci`.
//!
//! # Layout
//!
//! - `setup/` brings what the other commands need and does nothing when all of it is there.
//! - `bundle` makes the Worker; `dev/` runs it beside the stand-in for OpenAI.
//! - `check/` holds the commands that judge the work: `test`, `bench` and `ci`.
//! - `process` starts programs so that none outlives this one; `stop` is the wish to end.
//!
//! Out of scope: deployment. `wrangler deploy` does that, and calls `cargo xtask build` for the Worker.

mod bundle;
mod check;
mod dev;
mod fingerprint;
mod lock;
mod process;
mod setup;
mod stop;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

/// How Pincel is built, run and tested.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Bring the tools that the other commands need; each of them does this by itself.
    Setup,
    /// Run the Worker on this machine, with pictures from a stand-in unless an OpenAI key is set.
    Dev(dev::Options),
    /// Build the Worker into edge/build/ and print its size.
    Build(bundle::Options),
    /// Run the tests: native, in Wasm, and end to end against the real Worker.
    Test(check::test::Options),
    /// Measure the Worker in workerd; arguments go to the benchmark.
    Bench(check::bench::Options),
    /// What the continuous integration runs: format, lints, docs, build, size, tests.
    Ci,
    /// Start a program that ends when the process PARENT does.
    #[command(hide = true)]
    Tied(process::Tied),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<stop::Stopped>() => {
            eprintln!("stopped");
            // 128 + SIGINT, what a shell expects of a program that was interrupted.
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    if let Task::Tied(tied) = task {
        return tied.exec();
    }
    stop::listen()?;
    let workspace = Workspace::locate()?;
    match task {
        Task::Setup => setup::run(&workspace).map(drop),
        Task::Dev(options) => dev::run(&workspace, &options),
        Task::Build(options) => {
            let tools = setup::run(&workspace)?;
            bundle::run(&workspace, &tools, &options)
        }
        Task::Test(options) => check::test::run(&workspace, &options),
        Task::Bench(options) => check::bench::run(&workspace, &options),
        Task::Ci => check::ci::run(&workspace),
        Task::Tied(tied) => tied.exec(),
    }
}
