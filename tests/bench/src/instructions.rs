//! What keys and signatures cost, in instructions.
//!
//! callgrind counts this program while it does an operation so many times, and once more while it does none; the difference is
//! the operation's. It runs the code of `domain` compiled for this machine, without the processor's SHA instructions, which
//! callgrind does not know and Wasm does not have.

use std::hint::black_box;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use domain::access::api_key::{self, PresentedKey};
use domain::access::{ClientId, Masters, SigningKey, signature};
use domain::picture::request::Defaults;
use domain::picture::{Asked, PictureKey};
use domain::query::Query;

use crate::report::{Report, Target};
use crate::spread::Spread;

const TIMES: u32 = 200;

const NOW_S: u64 = 1_800_000_000;
const PROMPT: &str = "a red bicycle leaning against a white wall, late afternoon light, long shadows";
/// The longest prompt that the API takes.
const LONGEST: usize = 32_000;

/// Where the secret of `pcl_bench_…` stands, and how long it is.
const SECRET_AT: usize = 10;
const SECRET_CHARS: usize = 43;

/// What is repeated.
#[derive(Clone, Copy, ValueEnum)]
pub enum Operation {
    Key,
    LongKey,
    Signature,
    ApiKey,
    /// An API key of which the first character of the secret is wrong, and nothing else.
    WrongFirst,
    /// The same of the last one.
    WrongLast,
}

pub fn measure(report: &mut Report) -> Result<()> {
    for (operation, name) in [
        (Operation::Key, "Query to picture key, a typical request"),
        (Operation::LongKey, "Query to picture key, a prompt of 32,000 characters"),
        (Operation::Signature, "Signature check, a typical URL"),
        (Operation::ApiKey, "API key check"),
    ] {
        report.add(name, "instructions", Spread::one(each(operation)?));
    }
    // What a forger can see by a clock must not depend on how much of a guess is right.
    let (first, last) = (each(Operation::WrongFirst)?, each(Operation::WrongLast)?);
    let name = "Refusal of an API key: wrong in its last character over wrong in its first";
    report.judge(name, "instructions, ratio", Spread::one((last / first).max(first / last)), Target::AtMost(1.001));
    Ok(())
}

impl Operation {
    pub fn repeat(self, times: u32) -> Result<()> {
        match self {
            Self::Key => repeat_key(PROMPT, times),
            Self::LongKey => {
                // Spaces and letters that are encoded, as a text has them.
                let prompt: String =
                    "a fox and an owl beside the sea, déjà vu, ".chars().cycle().take(LONGEST).collect();
                repeat_key(&prompt, times)
            }
            Self::Signature => repeat_signature(times),
            Self::ApiKey => repeat_api_key(None, times),
            Self::WrongFirst => repeat_api_key(Some(SECRET_AT), times),
            Self::WrongLast => repeat_api_key(Some(SECRET_AT + SECRET_CHARS - 1), times),
        }
    }
}

fn repeat_key(prompt: &str, times: u32) -> Result<()> {
    let text = format!("prompt={}&quality=low&size=1024x1024", domain::query::encode(prompt));
    let defaults = Defaults { namespace: "default", model: "gpt-image-2.6-flare", now_s: NOW_S };
    for _ in 0..times {
        let query = Query::parse(black_box(&text))?;
        black_box(PictureKey::of(&Asked::from_query(&query, &defaults)?.picture));
    }
    Ok(())
}

fn repeat_signature(times: u32) -> Result<()> {
    const PATH: &str = "/v1/image";
    let masters = Masters::parse("mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm").context("no master secret")?;
    let key = SigningKey::derived(masters.first(), "bench-00000000");
    let pairs = [("prompt", PROMPT), ("quality", "low"), ("size", "1024x1024")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let text = key.sign_query(PATH, &pairs, NOW_S + 1);
    for _ in 0..times {
        let query = Query::parse(black_box(&text))?;
        black_box(signature::verify(&masters, "GET", PATH, &query, NOW_S)?);
    }
    Ok(())
}

/// With another character at this place, if one is given.
fn repeat_api_key(wrong: Option<usize>, times: u32) -> Result<()> {
    let masters = Masters::parse("mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm").context("no master secret")?;
    let client = ClientId::parse("bench").context("no client")?;
    let mut text = api_key::mint(&masters, &client, [7; 24]);
    if let Some(at) = wrong {
        let other = if text.get(at..=at) == Some("A") { "B" } else { "A" };
        text.replace_range(at..=at, other);
    }
    for _ in 0..times {
        anyhow::ensure!(PresentedKey::read(&masters, black_box(&text)).is_some() == wrong.is_none());
    }
    Ok(())
}

fn each(operation: Operation) -> Result<f64> {
    Ok((count(operation, TIMES)? - count(operation, 0)?) / f64::from(TIMES))
}

fn count(operation: Operation, times: u32) -> Result<f64> {
    let name = operation.to_possible_value().context("an operation without a name")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--repeat", name.get_name(), "--times", &times.to_string()])
        .output()
        .context("cannot start valgrind (Debian: apt-get install valgrind)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed: {said}");
    }
    collected(&said).with_context(|| format!("valgrind said {said:?}"))
}

fn collected(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_works() {
        for operation in Operation::value_variants() {
            operation.repeat(2).unwrap();
        }
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 225466\n"), Some(225_466.0));
    }
}
