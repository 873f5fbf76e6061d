//! The simulated world: thousands of schedules, each decided by one seed, in which everything goes wrong that the platform
//! allows, and the promises of the product are checked as it happens.
//!
//! In scope: isolates with stale pointers, objects that crash and lose what was not durable, alarms that come twice, a
//! provider that counts its bills, accounts that are out of reach, restart and turn away, days and months that end, clients
//! that leave, purges that come late, twice and at once, and are undone, and a catalog that forgets its answers. The code under test is the real one, from [`crate::serve`] over [`crate::generate`] to [`crate::account`]. Out of scope: HTTP, and what a platform does against its own documents.

mod accounts;
mod audit;
mod balance;
mod blobs;
mod books;
mod carrier;
mod catalog;
mod checks;
mod client;
mod coverage;
mod disk;
mod executor;
mod faults;
mod isolate;
mod journal;
mod kv;
mod object;
mod object_port;
mod operator;
mod payers;
mod picture;
mod provider;
mod purges;
mod received;
mod records;
mod rng;
mod run;
mod shelf;
mod world;

use std::collections::BTreeMap;

use coverage::Counts;

/// How many schedules every test run plays. `PINCEL_SIM_SCHEDULES` asks for more, for a long night.
const SCHEDULES: u64 = 10_000;

/// `unknown_hold` of every client.
const HOLD_MS: u64 = 10 * 60 * 1_000;

/// How much of a trace a failure shows.
const TAIL: usize = 60;

/// A seed and the rule that its schedule broke.
type Failure = (u64, String);

#[test]
fn schedules() {
    const THREADS: usize = 2;
    let schedules = number("PINCEL_SIM_SCHEDULES").unwrap_or(SCHEDULES).max(SCHEDULES);
    let share = move |first| share((first..schedules).step_by(THREADS));
    let threads: Vec<_> = (0..).take(THREADS).map(|first| std::thread::spawn(move || share(first))).collect();
    let (mut counts, mut failures) = (Counts::default(), Vec::new());
    for thread in threads {
        let (share, failed) = thread.join().unwrap();
        counts.merge(&share);
        failures.extend(failed);
    }
    // Of those that fail the shortest tells most quickly why.
    let some = failures.iter().take(100).map(|(seed, _)| (run::run(*seed, true).trace, *seed));
    let first = some.min_by_key(|(trace, _)| trace.len());
    if let Some((trace, seed)) = first {
        let tail = trace.get(trace.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n");
        let command = format!("PINCEL_SIM_SEED={seed} cargo test -p engine sim::replay -- --nocapture");
        panic!("{tail}\n\n{} of {schedules} schedules fail:\n{}\n{command}", failures.len(), rules(&failures));
    }
    println!("{}", counts.table());
    let missing = counts.missing();
    assert!(missing.is_empty(), "the schedules no longer reach: {missing:?}");
}

fn share(seeds: impl Iterator<Item = u64>) -> (Counts, Vec<Failure>) {
    let (mut counts, mut failures) = (Counts::default(), Vec::new());
    for seed in seeds {
        let run = run::run(seed, false);
        counts.merge(&run.counts);
        failures.extend(run.verdict.err().map(|rule| (seed, rule)));
    }
    (counts, failures)
}

/// Each rule that was broken, how often, and by which seed first. The names of jobs and requests differ and do not count.
fn rules(failures: &[Failure]) -> String {
    let mut rules: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for (seed, rule) in failures {
        let words =
            rule.split(' ').map(|word| if word.starts_with("job_") || word.starts_with("req_") { "…" } else { word });
        let (count, first) = rules.entry(words.collect::<Vec<_>>().join(" ")).or_insert((0, *seed));
        *count += 1;
        *first = (*first).min(*seed);
    }
    let rows = rules.iter().map(|(rule, (count, seed))| format!("{count:>6} × {rule} (seed {seed})"));
    rows.collect::<Vec<_>>().join("\n")
}

/// Plays the schedule of `PINCEL_SIM_SEED` and prints all of it.
#[test]
fn replay() {
    let Some(seed) = number("PINCEL_SIM_SEED") else { return };
    let run = run::run(seed, true);
    println!("{}", run.trace.join("\n"));
    run.verdict.unwrap();
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A seed is a whole schedule: playing it again gives the same trace.
#[test]
fn seeds_repeat() {
    for seed in 0..20 {
        assert_eq!(run::run(seed, true).trace, run::run(seed, true).trace, "{seed}");
    }
}
