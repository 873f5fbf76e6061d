//! `cargo xtask ci`: all that must hold before a change lands, cheapest first.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{cargo, test};
use crate::setup::{self, Tools};
use crate::workspace::Workspace;
use crate::{bundle, process};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    let outcome = all(workspace, &mut steps);
    steps.print();
    outcome
}

fn all(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    steps.step("format", || run_cargo(workspace, &["fmt", "--all", "--check"]))?;
    let tools: Tools = steps.step("set-up", || setup::run(workspace))?;
    steps.step("lints", || run_cargo(workspace, &["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"]))?;
    steps.step("lints of the Worker", || {
        run_cargo(
            workspace,
            &["clippy", "--target=wasm32-unknown-unknown", "-pdomain", "-pengine", "-pedge", "--", "-Dwarnings"],
        )
    })?;
    steps.step("documentation", || {
        let mut command = cargo(workspace);
        command.args(["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-Dwarnings");
        process::run(&mut command, "cargo doc")
    })?;
    steps.step("the Worker and its size", || bundle::run(workspace, &tools, &bundle::Options::default()))?;
    steps.step("tests", || test::run(workspace, &test::Options::default()))
}

fn run_cargo(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let name = args.first().copied().unwrap_or_default();
    process::run(cargo(workspace).args(args), &format!("cargo {name}"))
}

/// How long each step took.
#[derive(Default)]
struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("== {name}");
        let start = Instant::now();
        let outcome = work();
        self.0.push((name, start.elapsed()));
        outcome.with_context(|| format!("step {name:?} failed"))
    }

    fn print(&self) {
        for (name, time) in &self.0 {
            eprintln!("{:7.1} s  {name}", time.as_secs_f64());
        }
    }
}
