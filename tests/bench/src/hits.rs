//! Cached pictures a second: Pincel against bare Workers, and what Pincel's own parts cost.

use anyhow::Result;

use crate::Effort;
use crate::load::{self, Load, Target as Address};
use crate::report::{Report, Target};
use crate::scene::Scene;
use crate::server::Server;
use crate::spread::Spread;

/// Of the requests a second of a bare Worker over the same cache: with an API key or a signed URL, and with an access token, whose
/// text is long and has to be hashed.
const SHARE: f64 = 0.85;
const SHARE_BY_TOKEN: f64 = 0.8;

/// What counting may add to a hit.
const COUNTING: f64 = 1.03;

struct Competitor<'a> {
    name: &'static str,
    server: &'a Server,
    address: &'a Address,
    turns: Vec<Load>,
}

pub fn measure(scene: &mut Scene, effort: Effort, report: &mut Report) -> Result<()> {
    let (pincel, hits) = scene.hits()?;
    let mut memory = Competitor::new("bare Worker, from memory", &hits.memory.worker, &hits.memory.target);
    let mut cache = Competitor::new("bare Worker, from the Cache API", &hits.cache.worker, &hits.cache.target);
    let mut by_key = Competitor::new("Pincel, API key", &pincel.worker, &hits.by_key);
    let mut signed = Competitor::new("Pincel, signed URL", &pincel.worker, &hits.signed);
    let mut by_token = Competitor::new("Pincel, access token", &pincel.worker, &hits.by_token);
    let mut uncounted = Competitor::new("Pincel, counting nothing", &hits.uncounted.worker, &hits.uncounted_by_key);
    let mut turns = [&mut memory, &mut cache, &mut by_key, &mut uncounted, &mut signed, &mut by_token];
    // Once for the compilers of JavaScript and Wasm, and for the memory that grows with the first load.
    for competitor in &mut turns {
        load::run(competitor.server, competitor.address, effort.seconds)?;
    }
    for _ in 0..effort.rounds {
        for competitor in &mut turns {
            competitor.turns.push(load::run(competitor.server, competitor.address, effort.seconds)?);
        }
        turns.reverse();
    }
    for competitor in [&memory, &cache, &by_key, &uncounted, &signed, &by_token] {
        let name = competitor.name;
        report.add(
            format!("Hit of 100 kB: {name}"),
            "requests/s",
            Spread::of(competitor.figures(|turn| turn.requests_per_s)),
        );
        let processor = Spread::of(competitor.figures(|turn| turn.processor_ms_per_request));
        report.add(format!("Hit of 100 kB: {name}"), "CPU ms a request", processor);
    }
    for (competitor, least) in [(&by_key, SHARE), (&signed, SHARE), (&by_token, SHARE_BY_TOKEN)] {
        let share = competitor.over(&cache, |turn| turn.requests_per_s);
        let name = format!("Hit of 100 kB: {} over bare Worker with Cache API", competitor.name);
        report.judge(name.clone(), "requests/s, ratio", share, Target::AtLeast(least));
        report.add(name, "CPU, ratio", competitor.over(&cache, |turn| turn.processor_ms_per_request));
    }
    let counting = by_key.over(&uncounted, |turn| turn.processor_ms_per_request);
    report.judge("Hit of 100 kB: counting", "CPU, ratio", counting, Target::AtMost(COUNTING));
    Ok(())
}

impl<'a> Competitor<'a> {
    fn new(name: &'static str, server: &'a Server, address: &'a Address) -> Self {
        Self { name, server, address, turns: Vec::new() }
    }

    fn figures(&self, figure: impl Fn(&Load) -> f64) -> impl Iterator<Item = f64> {
        self.turns.iter().map(figure)
    }

    /// The ratio of each round.
    fn over(&self, other: &Self, figure: impl Fn(&Load) -> f64) -> Spread {
        Spread::of(self.turns.iter().zip(&other.turns).map(|(own, theirs)| figure(own) / figure(theirs)))
    }
}
