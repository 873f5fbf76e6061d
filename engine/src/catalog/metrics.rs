//! `GET /admin/v1/metrics`: counters and gauges in the text format of Prometheus (0.0.4).
//!
//! In scope: what the catalog knows, and the deployment's account as it is handed over. Labels are few and bounded: an outcome, a state, a
//! mode, a window, and a model. Neither a client nor a key nor a prompt is ever one.

mod text;

use std::collections::{BTreeMap, BTreeSet};

use domain::admin::overview::{Now, Stock};
use domain::money::NanoUsd;
use domain::purge::Mode;
use domain::runtime::Generation;
use domain::usage::{Billed, Histogram, Outcome};

use self::text::{Family, Kind, seconds};
use super::sql::Columns;
use super::{Catalog, Database, Value};
use crate::ports::StoreError;

/// Of requests that name no model, or none that is known.
const NONE: &str = "none";
/// All models after the first ones.
const OTHER: &str = "other";

/// Everything that was ever counted.
#[derive(Debug, Default)]
struct Counters {
    requests: BTreeMap<(Outcome, String), u64>,
    durations: BTreeMap<Outcome, Histogram>,
    bytes: u64,
    saved: BTreeMap<String, NanoUsd>,
    generations: BTreeMap<(String, Billed), u64>,
    spent: BTreeMap<String, NanoUsd>,
    unknown: BTreeMap<String, NanoUsd>,
    provider: Histogram,
}

impl<D: Database> Catalog<D> {
    /// Everything but what only the deployment's account knows: see [`append`].
    pub fn metrics(&self, now_ms: u64) -> Result<String, StoreError> {
        // So that what is added up here is the last minutes and not more.
        self.roll_up(now_ms)?;
        let counters = self.counters()?;
        let mut out = String::new();
        counters.write(&mut out);
        write_stock(&mut out, &self.stock()?);
        let mut purges = Family::of(&mut out, Kind::Counter, "pincel_purges_total", "Purges that were begun.");
        for (mode, count) in self.purges_begun()? {
            let mode = match mode {
                Mode::Soft => "soft",
                Mode::Hard => "hard",
            };
            purges.sample(&[("mode", mode)], count);
        }
        let help = "When an isolate last told what it counted; 0 if none ever did.";
        let mut flush = Family::of(&mut out, Kind::Gauge, "pincel_last_flush_timestamp_seconds", help);
        flush.sample(&[], seconds(self.last_flush_ms()?));
        let mut build = Family::of(&mut out, Kind::Gauge, "pincel_build_info", "Always 1; what runs is the label.");
        build.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        Ok(out)
    }

    /// Since the beginning.
    fn purges_begun(&self) -> Result<[(Mode, u64); 2], StoreError> {
        let count = "SELECT coalesce(sum(mode = 'soft'), 0), coalesce(sum(mode = 'hard'), 0) FROM purge";
        let mut columns = Columns::of(self.db.run(count, &[])?.into_iter().next().unwrap_or_default());
        Ok([(Mode::Soft, columns.number()?), (Mode::Hard, columns.number()?)])
    }

    fn counters(&self) -> Result<Counters, StoreError> {
        let rows = self.db.run("SELECT name FROM usage_model", &[])?;
        let named = rows.iter().filter_map(|row| match row.first() {
            Some(Value::Text(name)) => Some(name.as_str()),
            _ => None,
        });
        let models: BTreeSet<&str> = named.collect();
        let mut counters = Counters::default();
        self.totals(|row| {
            let model = match row.name.as_str() {
                "" => NONE,
                name if models.contains(name) => name,
                _ => OTHER,
            };
            if let Some(outcome) = row.outcome() {
                *counters.requests.entry((outcome, model.to_owned())).or_default() += row.count;
                counters.durations.entry(outcome).or_default().merge(&row.latency());
                counters.bytes += row.bytes;
                add(&mut counters.saved, model, row.nano);
            } else if let Some(billed) = row.billed() {
                *counters.generations.entry((model.to_owned(), billed)).or_default() += row.count;
                counters.provider.merge(&row.latency());
                match billed {
                    Billed::Settled => add(&mut counters.spent, model, row.nano),
                    Billed::Untold | Billed::Unknown => add(&mut counters.unknown, model, row.nano),
                    Billed::Failed => {}
                }
            }
        })?;
        counters.fill();
        Ok(counters)
    }
}

fn add(sums: &mut BTreeMap<String, NanoUsd>, model: &str, nano: u64) {
    let sum = sums.entry(model.to_owned()).or_default();
    *sum = NanoUsd::saturating_sum([*sum, NanoUsd(nano)]);
}

impl Counters {
    /// Adds the zeros of every model that was counted: a counter that appears with its first event hides that event from `rate`.
    fn fill(&mut self) {
        let requested: BTreeSet<String> = self.requests.keys().map(|(_, model)| model.clone()).collect();
        let generated: BTreeSet<String> = self.generations.keys().map(|(model, _)| model.clone()).collect();
        for model in requested.iter().chain(&generated).chain([&NONE.to_owned()]) {
            for outcome in Outcome::ALL {
                self.requests.entry((outcome, model.clone())).or_default();
            }
        }
        for model in requested.iter().chain(&generated).filter(|model| *model != NONE) {
            for billed in Billed::ALL {
                self.generations.entry((model.clone(), billed)).or_default();
            }
            for sums in [&mut self.saved, &mut self.spent, &mut self.unknown] {
                sums.entry(model.clone()).or_default();
            }
        }
        for outcome in Outcome::ALL {
            self.durations.entry(outcome).or_default();
        }
    }

    fn write(&self, out: &mut String) {
        let help = "Requests for pictures that were answered, by how they ended.";
        let mut family = Family::of(out, Kind::Counter, "pincel_requests_total", help);
        for ((outcome, model), count) in &self.requests {
            family.sample(&[("outcome", outcome.as_str()), ("model", model)], count);
        }
        let help = "How long it took until the head of the reply was told.";
        let mut family = Family::of(out, Kind::Histogram, "pincel_request_duration_seconds", help);
        for (outcome, durations) in &self.durations {
            family.histogram(&[("outcome", outcome.as_str())], durations);
        }
        let help = "Bytes of pictures that were handed to clients.";
        Family::of(out, Kind::Counter, "pincel_served_bytes_total", help).sample(&[], self.bytes);
        let help = "What the provider billed, by receipts.";
        money(&mut Family::of(out, Kind::Counter, "pincel_spent_usd_total", help), &self.spent);
        let help = "What the pictures had cost that were handed over without a call of the provider.";
        money(&mut Family::of(out, Kind::Counter, "pincel_saved_usd_total", help), &self.saved);
        let help = "Set aside for calls of which it is not known whether, or how much, the provider billed.";
        money(&mut Family::of(out, Kind::Counter, "pincel_unknown_usd_total", help), &self.unknown);
        let help = "Calls of the provider that ended, by what is known of their bill.";
        let mut family = Family::of(out, Kind::Counter, "pincel_generations_total", help);
        for ((model, billed), count) in &self.generations {
            family.sample(&[("model", model), ("state", billed.as_str())], count);
        }
        let help = "How long calls of the provider took.";
        let mut family = Family::of(out, Kind::Histogram, "pincel_provider_duration_seconds", help);
        family.histogram(&[], &self.provider);
    }
}

fn money(family: &mut Family<'_>, sums: &BTreeMap<String, NanoUsd>) {
    for (model, sum) in sums {
        family.sample(&[("model", model)], sum);
    }
}

fn write_stock(out: &mut String, stock: &Stock) {
    let Stock { pictures, takes, bytes, unknown_outcomes } = stock;
    let all = [
        ("pincel_pictures", "Pictures that are kept.", pictures),
        ("pincel_takes", "Takes that are kept.", takes),
        ("pincel_stored_bytes", "Bytes of the takes that are kept.", bytes),
        ("pincel_unknown_outcomes", "Calls whose outcome is unknown, of all time.", unknown_outcomes),
    ];
    for (name, help, value) in all {
        Family::of(out, Kind::Gauge, name, help).sample(&[], value);
    }
}

/// Appends what the deployment's account says of this moment.
pub fn append(out: &mut String, now: &Now) {
    let Now { in_flight, generation, day, month } = now;
    let help = "Calls of the provider for which money is set aside.";
    Family::of(out, Kind::Gauge, "pincel_generations_in_flight", help).sample(&[], in_flight);
    let help = "Is anything made: 1, or 0 while the kill switch is on.";
    let on = u8::from(*generation == Generation::On);
    Family::of(out, Kind::Gauge, "pincel_generation_enabled", help).sample(&[], on);
    let windows = [("day", day), ("month", month)];
    let help = "What the deployment may spend in this UTC day and calendar month; absent where there is no limit.";
    let mut family = Family::of(out, Kind::Gauge, "pincel_budget_limit_usd", help);
    for (window, budget) in windows {
        if let Some(limit) = budget.limit {
            family.sample(&[("window", window)], limit);
        }
    }
    let help = "What of the deployment's budget is spent.";
    let mut family = Family::of(out, Kind::Gauge, "pincel_budget_spent_usd", help);
    for (window, budget) in windows {
        family.sample(&[("window", window)], budget.spent);
    }
    let help = "What of the deployment's budget is set aside for calls that have not ended.";
    let mut family = Family::of(out, Kind::Gauge, "pincel_budget_reserved_usd", help);
    for (window, budget) in windows {
        family.sample(&[("window", window)], budget.reserved);
    }
}

#[cfg(test)]
mod tests;
