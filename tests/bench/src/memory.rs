//! What a picture of 20 MB costs in memory.
//!
//! The figure is that of the whole workerd process, in which the simulators of R2, KV and the Cache API live beside the isolate,
//! and it counts garbage until it is collected: an upper bound of what the isolate holds. The highest is the kernel's, which
//! misses nothing between two looks.

use anyhow::{Result, ensure};

use crate::Effort;
use crate::pincel::{Pincel, decoded};
use crate::proc;
use crate::report::{Report, Target};
use crate::spread::Spread;

const BYTES: usize = 20_000_000;
const TIMES: f64 = 3.0;

const STEPS: [&str; 5] = [
    "made by POST",
    "then GET, from R2",
    "then GET, from the Cache API",
    "then POST, from the Cache API",
    "then GET once more",
];

pub fn measure(effort: Effort, report: &mut Report) -> Result<()> {
    // Each round has a workerd of its own, whose memory no load has stretched.
    let rounds = (0..effort.rounds).map(|_| round()).collect::<Result<Vec<_>>>()?;
    for (at, step) in STEPS.iter().enumerate() {
        let times = rounds.iter().filter_map(|round| round.get(at).copied());
        report.add(format!("Memory over a picture of 20 MB, {step}"), "times its size", Spread::of(times));
    }
    let most = Spread::of(rounds.into_iter().map(|round| round.into_iter().fold(0.0, f64::max)));
    report.judge("Memory over a picture of 20 MB, at most", "times its size", most, Target::AtMost(TIMES));
    Ok(())
}

/// How much workerd grew in each step at its highest, in sizes of the picture.
fn round() -> Result<Vec<f64>> {
    let pincel = Pincel::start()?;
    let workerd = pincel.worker.workerd()?;
    // Every kind of request some times, so that the memory of code and compilers is not counted as the picture's.
    pincel.pad(0)?;
    for at in 0..20 {
        for step in 0..STEPS.len() {
            bytes_of(step, &pincel, &format!("a warming fire, number {at}"))?;
        }
    }
    pincel.pad(BYTES)?;
    let before = proc::resident(workerd)?;
    let mut growth = Vec::new();
    for step in 0..STEPS.len() {
        proc::reset_peak(workerd)?;
        let bytes = bytes_of(step, &pincel, "a lighthouse at night")?;
        ensure!(bytes == BYTES, "the picture has {bytes} bytes");
        #[expect(clippy::cast_precision_loss, reason = "the picture has fewer than 2^53 bytes")]
        growth.push((proc::peak(workerd)? - before) / BYTES as f64);
    }
    Ok(growth)
}

/// Does one of the steps; how many bytes the picture has that came.
fn bytes_of(step: usize, pincel: &Pincel, prompt: &str) -> Result<usize> {
    let picture = match step {
        0 => decoded(&pincel.generate(prompt, "fwd=uri-miss")?)?,
        1 | 2 => pincel.get(&pincel.by_key(prompt), "; hit")?,
        3 => decoded(&pincel.generate(prompt, "; hit")?)?,
        _ => pincel.get(&pincel.signed(prompt), "; hit")?,
    };
    Ok(picture.len())
}
