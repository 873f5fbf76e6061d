//! Rows of usage, added up to figures.

use domain::admin::overview::{Figures, Latency, Quantiles};
use domain::money::NanoUsd;
use domain::usage::{Billed, Histogram, Outcome};

use super::rows::Counted;

#[derive(Debug, Default)]
pub struct Sum {
    figures: Figures,
    all: Histogram,
    /// Of what was there.
    hits: Histogram,
    /// Of what had something made. Who waited for another's picture did neither.
    misses: Histogram,
    provider: Histogram,
}

impl Sum {
    pub fn add(&mut self, row: &Counted) {
        if let Some(outcome) = row.outcome() {
            self.request(outcome, row);
        } else if let Some(billed) = row.billed() {
            self.job(billed, row);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        let (ours, theirs) = (&mut self.figures, &other.figures);
        ours.requests += theirs.requests;
        ours.hits += theirs.hits;
        ours.coalesced += theirs.coalesced;
        ours.misses += theirs.misses;
        ours.bypassed += theirs.bypassed;
        ours.refused += theirs.refused;
        ours.failed += theirs.failed;
        ours.bytes += theirs.bytes;
        add(&mut ours.spent, theirs.spent);
        add(&mut ours.unknown, theirs.unknown);
        add(&mut ours.saved, theirs.saved);
        ours.generations.settled += theirs.generations.settled;
        ours.generations.untold += theirs.generations.untold;
        ours.generations.failed += theirs.generations.failed;
        ours.generations.unknown += theirs.generations.unknown;
        self.all.merge(&other.all);
        self.hits.merge(&other.hits);
        self.misses.merge(&other.misses);
        self.provider.merge(&other.provider);
    }

    pub fn figures(&self) -> Figures {
        let latency = Latency {
            all: quantiles(&self.all),
            hits: quantiles(&self.hits),
            misses: quantiles(&self.misses),
            provider: quantiles(&self.provider),
        };
        Figures { hit_ratio: hit_ratio(&self.figures), latency, ..self.figures.clone() }
    }

    fn request(&mut self, outcome: Outcome, row: &Counted) {
        let latency = row.latency();
        let figures = &mut self.figures;
        let count = match outcome {
            Outcome::Hit => &mut figures.hits,
            Outcome::Coalesced => &mut figures.coalesced,
            Outcome::Miss => &mut figures.misses,
            Outcome::Bypass => &mut figures.bypassed,
            Outcome::Refused => &mut figures.refused,
            Outcome::Failed => &mut figures.failed,
        };
        *count += row.count;
        figures.requests += row.count;
        figures.bytes += row.bytes;
        add(&mut figures.saved, NanoUsd(row.nano));
        self.all.merge(&latency);
        match outcome {
            Outcome::Hit => self.hits.merge(&latency),
            Outcome::Miss | Outcome::Bypass => self.misses.merge(&latency),
            Outcome::Coalesced | Outcome::Refused | Outcome::Failed => {}
        }
    }

    fn job(&mut self, billed: Billed, row: &Counted) {
        let Figures { spent, unknown, generations, .. } = &mut self.figures;
        let (count, money) = match billed {
            Billed::Settled => (&mut generations.settled, spent),
            Billed::Untold => (&mut generations.untold, unknown),
            Billed::Failed => (&mut generations.failed, spent),
            Billed::Unknown => (&mut generations.unknown, unknown),
        };
        *count += row.count;
        add(money, NanoUsd(row.nano));
        self.provider.merge(&row.latency());
    }
}

fn add(sum: &mut NanoUsd, more: NanoUsd) {
    *sum = NanoUsd::saturating_sum([*sum, more]);
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is shown, and not counted with")]
fn hit_ratio(figures: &Figures) -> Option<f64> {
    let free = figures.hits + figures.coalesced;
    let answered = free + figures.misses + figures.bypassed;
    (answered > 0).then(|| free as f64 / answered as f64)
}

fn quantiles(histogram: &Histogram) -> Quantiles {
    let [p50_ms, p95_ms, p99_ms] = [500, 950, 990].map(|permille| histogram.quantile(permille));
    Quantiles { p50_ms, p95_ms, p99_ms }
}
