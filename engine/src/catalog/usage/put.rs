//! Adding counts to rows. A flush is one statement however many cells it has: they are handed over as one JSON text.

use domain::usage::Histogram;
use domain::usage::histogram::BUCKETS;
use serde_json::{Value as Json, json};

use super::levels::{LEVELS, Level, MINUTES, View, floor};
use super::{Catalog, Database, MAX_MODELS, Value, integer};
use crate::ports::StoreError;

/// What is added to the row of one minute.
#[derive(Debug, Clone, Copy)]
pub struct Increment<'a> {
    pub at_ms: u64,
    pub kind: &'static str,
    pub client: &'a str,
    pub model: &'a str,
    pub outcome: &'static str,
    pub count: u64,
    pub bytes: u64,
    pub nano: u64,
    pub latency: &'a Histogram,
}

/// The largest number that is added at once. Beyond it is no count but a fault, which must not break the sums of everything else.
const LARGEST: u64 = 9_007_199_254_740_991;

/// How many are handed over in one text.
const BATCH: usize = 2_000;

impl<D: Database> Catalog<D> {
    pub(super) fn add(&self, increments: &[Increment<'_>], now_ms: u64) -> Result<(), StoreError> {
        if increments.is_empty() {
            return Ok(());
        }
        // First, so that what is too old for minutes is surely below every mark.
        let marks = self.rolled_up(now_ms)?;
        self.name_models(increments)?;
        let those = |wanted: &dyn Fn(u64) -> bool| -> Vec<Increment<'_>> {
            increments.iter().filter(|one| wanted(one.at_ms)).copied().collect()
        };
        self.put(MINUTES, View::Each, &those(&|at_ms| at_ms >= MINUTES.first_kept_ms(now_ms)))?;
        for level in LEVELS {
            let (mark_ms, first_ms) = (marks.of(level), level.first_kept_ms(now_ms));
            let late = those(&|at_ms| at_ms < mark_ms && floor(at_ms, level.span_ms) >= first_ms);
            for view in level.views() {
                self.put(level, *view, &late)?;
            }
        }
        self.put_total(&those(&|at_ms| at_ms < marks.of(MINUTES)))
    }

    fn put(&self, level: Level, view: View, increments: &[Increment<'_>]) -> Result<(), StoreError> {
        let columns = columns();
        let sql = format!(
            "INSERT INTO usage (view, span_ms, at_ms, kind, client, model, outcome, {columns})
             SELECT ?2, ?3, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, {}
             FROM json_each(?1) WHERE true ON CONFLICT DO UPDATE SET {}",
            given(),
            added(),
        );
        for batch in increments.chunks(BATCH) {
            let rows = text(batch, |one| {
                let client = if view.has_client() { one.client } else { "" };
                let model = if view.has_model() { one.model } else { "" };
                (floor(one.at_ms, level.span_ms), client, model)
            });
            self.db.run(&sql, &[rows, Value::Integer(view.number()), integer(level.span_ms)])?;
        }
        Ok(())
    }

    fn put_total(&self, increments: &[Increment<'_>]) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO usage_total (kind, model, outcome, {})
             SELECT value ->> 1, value ->> 3, value ->> 4, {}
             FROM json_each(?1) WHERE true ON CONFLICT DO UPDATE SET {}",
            columns(),
            given(),
            added(),
        );
        for batch in increments.chunks(BATCH) {
            self.db.run(&sql, &[text(batch, |one| (one.at_ms, "", one.model))])?;
        }
        Ok(())
    }

    /// Gives the first models names of their own, for good: a counter whose model became `other` would fall.
    fn name_models(&self, increments: &[Increment<'_>]) -> Result<(), StoreError> {
        let mut models: Vec<&str> = increments.iter().map(|one| one.model).filter(|model| !model.is_empty()).collect();
        models.sort_unstable();
        models.dedup();
        if models.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO usage_model (name)
                   SELECT value FROM json_each(?1) WHERE value NOT IN (SELECT name FROM usage_model)
                   LIMIT max(0, ?2 - (SELECT count(*) FROM usage_model))";
        self.db.run(sql, &[Value::Text(json!(models).to_string()), Value::Integer(MAX_MODELS)])?;
        Ok(())
    }
}

fn text<'a>(increments: &'a [Increment<'a>], place: impl Fn(&Increment<'a>) -> (u64, &'a str, &'a str)) -> Value {
    let counted = |number: u64| Json::from(number.min(LARGEST));
    let row = |one: &Increment<'a>| {
        let (at_ms, client, model) = place(one);
        let names = [Json::from(at_ms), one.kind.into(), client.into(), model.into(), one.outcome.into()];
        let sums = [one.count, one.bytes, one.nano, one.latency.sum_ms].map(counted);
        names.into_iter().chain(sums).chain(one.latency.counts.map(counted)).collect::<Json>()
    };
    Value::Text(increments.iter().map(row).collect::<Json>().to_string())
}

/// Everything that is counted, in the order in which it stands everywhere.
fn measures() -> impl Iterator<Item = String> {
    let sums = ["count", "bytes", "nano", "sum_ms"].map(str::to_owned);
    sums.into_iter().chain((0..BUCKETS).map(|bucket| format!("b{bucket}")))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

pub(super) fn columns() -> String {
    list(measures())
}

pub(super) fn summed() -> String {
    list(measures().map(|name| format!("SUM({name})")))
}

/// Adds what stands in the way of a new row to the one that is there.
pub(super) fn added() -> String {
    list(measures().map(|name| format!("{name} = {name} + excluded.{name}")))
}

/// From the texts of [`text`].
fn given() -> String {
    list(measures().enumerate().map(|(at, _)| format!("value ->> {}", at + 5)))
}
