//! How long cached pictures take under a steady load.
//!
//! An open loop: requests are due at a fixed rate, whether or not earlier ones were answered, and each is timed from the moment
//! it was due. A server that stalls is charged for all that had to wait.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::blocking::Client;

use crate::Effort;
use crate::load::Target;
use crate::report::Report;
use crate::scene::Scene;
use crate::spread::{Spread, quantile, sorted};

/// A fraction of what one core serves.
const PER_SECOND: u32 = 200;
/// So many requests can be under way at once.
const SENDERS: u32 = 16;

pub fn measure(scene: &mut Scene, effort: Effort, report: &mut Report) -> Result<()> {
    let (_, hits) = scene.hits()?;
    let mut competitors = [
        ("bare Worker, from the Cache API", &hits.cache.target, Vec::new()),
        ("Pincel, API key", &hits.by_key, Vec::new()),
        ("Pincel, signed URL", &hits.signed, Vec::new()),
    ];
    for (_, target, _) in &competitors {
        run(target, effort.seconds)?;
    }
    let mut order = [0, 1, 2];
    for _ in 0..effort.rounds {
        for at in order {
            if let Some((_, target, rounds)) = competitors.get_mut(at) {
                rounds.push(run(target, effort.seconds)?);
            }
        }
        order.reverse();
    }
    for (name, _, rounds) in competitors {
        for (share, unit) in [(0.5, "ms at the median"), (0.99, "ms at the 99th percentile")] {
            let spread = Spread::of(rounds.iter().map(|times| quantile(times, share)));
            report.add(format!("Hit of 100 kB, {PER_SECOND} a second: {name}"), unit, spread);
        }
    }
    Ok(())
}

/// The times of all requests in milliseconds, sorted.
fn run(target: &Target, seconds: u32) -> Result<Vec<f64>> {
    let (next, times) = (AtomicU32::new(0), Mutex::new(Vec::new()));
    let start = Instant::now();
    thread::scope(|scope| {
        let send = || -> Result<()> {
            let client = Client::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= PER_SECOND * seconds {
                    return Ok(());
                }
                let due = start + Duration::from_secs(1) * number / PER_SECOND;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let mut request = client.get(&target.url);
                if let Some(authorization) = &target.authorization {
                    request = request.header("authorization", authorization);
                }
                request.send()?.error_for_status()?.bytes()?;
                let ms = due.elapsed().as_secs_f64() * 1_000.0;
                times.lock().ok().context("another sender failed")?.push(ms);
            }
        };
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
        senders.into_iter().try_for_each(|sender| sender.join().ok().context("a sender failed")?)
    })?;
    Ok(sorted(times.into_inner().ok().context("a sender failed")?))
}
