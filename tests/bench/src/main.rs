//! The benchmark of Pincel: `cargo xtask bench`.
//!
//! # How the figures are taken
//!
//! - **Ratios.** Absolute figures say more about the machine than about Pincel. Everything is compared with something that ran
//!   in the same minute: in each round every competitor has its turn, forth in one round and back in the next, so that a
//!   machine that grows slower or faster treats them alike. A ratio is taken within a round; the table has the median of the
//!   rounds, the lowest and the highest.
//! - **Surroundings.** Each Worker runs in a workerd of its own under Miniflare's API (`miniflare/run.mjs`), which has one hop
//!   between the socket and the Worker. `wrangler dev` has another that costs ten times the Worker.
//! - **State** of the simulated KV, R2 and Durable Objects is kept in memory where the machine has a folder for that
//!   (`/dev/shm`). A generation writes through to the disk some thirteen times, so on a disk the figures of misses are mostly
//!   the disk's. With `TMPDIR=FOLDER` they are taken there.
//! - **Load.** `wrk` with eight connections in a closed loop, for requests a second. Its latencies are not used: in a closed
//!   loop a slow reply holds back the requests that would have suffered from it. Latencies come from an open loop, which
//!   sends at a fixed rate and counts from the moment when a request was due (`latency.rs`).
//! - **Processor time** is that of all processes of the server, user and system, divided by the requests. It is the figure that
//!   changes least between machines with and without other work.
//! - **Instructions** are counted by callgrind on this machine's own instruction set; see `instructions.rs`.
//! - **Memory** is what workerd holds at its highest; see `memory.rs`.
//!
//! Pictures come from `fake-openai` and have their exact size by padding. Every reply of the set-up is checked to be what it
//! should be: a hit that is none, or an error, ends the benchmark.

mod bundle;
mod hits;
mod instructions;
mod latency;
mod load;
mod machine;
mod memory;
mod misses;
mod operator;
mod pincel;
mod proc;
mod report;
mod scene;
mod server;
mod spread;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use instructions::Operation;
use report::Report;
use scene::Scene;

/// How fast Pincel is, as ratios of one run.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// What to measure; everything where nothing is named.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Print the figures as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Few and short rounds: shows that it works, and little else.
    #[arg(long)]
    quick: bool,
    /// Fail where a target is missed.
    #[arg(long)]
    check: bool,
    /// Do this and nothing else, under callgrind.
    #[arg(long, hide = true, value_enum, requires = "times")]
    repeat: Option<Operation>,
    #[arg(long, hide = true)]
    times: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Cached pictures a second, against bare Workers.
    Hits,
    /// How long cached pictures take under a steady load.
    Latency,
    /// What Pincel adds to a generation.
    Misses,
    /// Overviews, lists and a purge with a hundred thousand pictures.
    Operator,
    /// What workerd holds for a picture of 20 MB.
    Memory,
    /// What keys and signatures cost.
    Instructions,
    /// What the Worker weighs.
    Bundle,
}

/// How long and how often.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    /// Of one turn of `wrk` and of the open loop.
    seconds: u32,
    /// Generations in one round.
    misses: usize,
}

const FULL: Effort = Effort { rounds: 7, seconds: 4, misses: 24 };
const QUICK: Effort = Effort { rounds: 3, seconds: 1, misses: 8 };

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if let Some((operation, times)) = options.repeat.zip(options.times) {
        operation.repeat(times)?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = measure(&options)?;
    let text = if options.json { report.json() } else { report.markdown() };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(if options.check && !report.met() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn measure(options: &Options) -> Result<Report> {
    let effort = if options.quick { QUICK } else { FULL };
    let mut scene = Scene::default();
    let mut report = Report::new(effort.rounds);
    for part in Part::value_variants() {
        if !options.parts.is_empty() && !options.parts.contains(part) {
            continue;
        }
        match part {
            Part::Hits => hits::measure(&mut scene, effort, &mut report)?,
            Part::Latency => latency::measure(&mut scene, effort, &mut report)?,
            Part::Misses => misses::measure(&mut scene, effort, &mut report)?,
            Part::Operator => operator::measure(effort, &mut report)?,
            Part::Memory => memory::measure(effort, &mut report)?,
            Part::Instructions => instructions::measure(&mut report)?,
            Part::Bundle => bundle::measure(&mut report)?,
        }
    }
    Ok(report)
}
