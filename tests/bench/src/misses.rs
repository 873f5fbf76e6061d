//! What Pincel adds to a generation: the same call through it and directly, in turn, from the same client.

use std::time::Instant;

use anyhow::Result;

use crate::Effort;
use crate::pincel::decoded;
use crate::report::{Report, Target};
use crate::scene::Scene;
use crate::spread::Spread;

const MOST_MS: f64 = 10.0;
const BYTES: usize = 100_000;

/// In milliseconds, one for each call.
#[derive(Default)]
struct Times {
    through: Vec<f64>,
    directly: Vec<f64>,
}

pub fn measure(scene: &mut Scene, effort: Effort, report: &mut Report) -> Result<()> {
    let pincel = scene.pincel()?;
    pincel.pad(BYTES)?;
    let mut serial = 0..;
    let mut pair = |times: &mut Times| {
        // Never the same prompt twice: each is a miss.
        let number: u32 = serial.next().unwrap_or_default();
        let prompt = format!("a paper boat on a pond, number {number}");
        let mut through = || {
            let start = Instant::now();
            let document = pincel.generate(&prompt, "fwd=uri-miss")?;
            times.through.push(ms(start));
            decoded(&document).map(|_| ())
        };
        let mut directly = || {
            let start = Instant::now();
            let document = pincel.generate_directly(&prompt)?;
            times.directly.push(ms(start));
            decoded(&document).map(|_| ())
        };
        if number.is_multiple_of(2) { through().and_then(|()| directly()) } else { directly().and_then(|()| through()) }
    };
    let mut warming = Times::default();
    for _ in 0..effort.misses {
        pair(&mut warming)?;
    }
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds {
        let mut times = Times::default();
        for _ in 0..effort.misses {
            pair(&mut times)?;
        }
        rounds.push((median(times.directly), median(times.through)));
    }
    report.add(
        "Miss of 100 kB: directly to fake-openai",
        "ms",
        Spread::of(rounds.iter().map(|(directly, _)| *directly)),
    );
    report.add("Miss of 100 kB: through Pincel", "ms", Spread::of(rounds.iter().map(|(_, through)| *through)));
    let more = Spread::of(rounds.iter().map(|(directly, through)| through - directly));
    report.judge("Miss of 100 kB: what Pincel adds", "ms", more, Target::AtMost(MOST_MS));
    Ok(())
}

fn median(times: Vec<f64>) -> f64 {
    Spread::of(times).median
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1_000.0
}
