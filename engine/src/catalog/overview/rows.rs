//! Rows of usage, as they are read.

use domain::usage::histogram::BUCKETS;
use domain::usage::{Billed, Histogram, Outcome};
use serde::Deserialize;

use super::super::usage::levels::{MINUTES, Piece, View};
use super::super::usage::{JOB, REQUEST, integer};
use super::super::{Catalog, Database, Row, Value};
use crate::ports::StoreError;

/// What rows are told apart by, besides their kind and outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Time,
    Client,
    Model,
}

/// A row, or the sum of several.
#[derive(Debug, Deserialize)]
pub struct Counted {
    pub at_ms: u64,
    pub name: String,
    kind: String,
    outcome: String,
    pub count: u64,
    pub bytes: u64,
    pub nano: u64,
    sum_ms: u64,
    buckets: [u64; BUCKETS],
}

impl By {
    pub fn view(self) -> View {
        match self {
            Self::Time => View::All,
            Self::Client => View::Client,
            Self::Model => View::Model,
        }
    }

    /// As `at_ms` and `name`.
    fn columns(self) -> &'static str {
        match self {
            Self::Time => "at_ms, ''",
            Self::Client => "0, client",
            Self::Model => "0, model",
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::Time => "at_ms",
            Self::Client => "client",
            Self::Model => "model",
        }
    }
}

impl Counted {
    pub fn outcome(&self) -> Option<Outcome> {
        if self.kind == REQUEST { Outcome::parse(&self.outcome) } else { None }
    }

    pub fn billed(&self) -> Option<Billed> {
        if self.kind == JOB { Billed::parse(&self.outcome) } else { None }
    }

    pub fn latency(&self) -> Histogram {
        Histogram { counts: self.buckets, sum_ms: self.sum_ms }
    }
}

impl<D: Database> Catalog<D> {
    /// Tells the rows of a piece, added up as far as they are the same. By time, they are of [`View::All`].
    pub(in super::super) fn counted(&self, by: By, piece: &Piece, tell: impl FnMut(Counted)) -> Result<(), StoreError> {
        let rows = "FROM usage WHERE view = ?1 AND span_ms = ?2 AND at_ms >= ?3 AND at_ms < ?4";
        // One row a moment: nothing to add up.
        let sql = if by == By::Time {
            format!("SELECT {} {rows}", line(by.columns(), ""))
        } else {
            format!("SELECT {} {rows} GROUP BY {}, kind, outcome", line(by.columns(), "SUM"), by.group())
        };
        each(&self.db.run(&sql, &place(piece))?, tell)
    }

    /// Tells every row of a piece as it was written, with its client and its model.
    pub(in super::super) fn written(
        &self,
        piece: &Piece,
        mut tell: impl FnMut(&Counted, &str, &str),
    ) -> Result<(), StoreError> {
        let line = line("at_ms, client", "");
        let sql =
            format!("SELECT {line}, model FROM usage WHERE view = ?1 AND span_ms = ?2 AND at_ms >= ?3 AND at_ms < ?4");
        for row in self.db.run(&sql, &place(piece))? {
            let [Value::Text(text), Value::Text(model)] = row.as_slice() else { continue };
            let counted = read(text)?;
            tell(&counted, &counted.name, model);
        }
        Ok(())
    }

    /// Tells everything that was ever counted, by model.
    pub(in super::super) fn totals(&self, mut tell: impl FnMut(Counted)) -> Result<(), StoreError> {
        let sql = format!("SELECT {} FROM usage_total", line("0, model", ""));
        each(&self.db.run(&sql, &[])?, &mut tell)?;
        let from_ms = self.marks()?.of(MINUTES);
        let rest = Piece { view: View::Each, span_ms: MINUTES.span_ms, from_ms, to_ms: u64::MAX };
        self.counted(By::Model, &rest, tell)
    }
}

/// A row as one JSON text: between the store and this, each value has a price. Sums of money stay exact in it.
fn line(place: &str, sum: &str) -> String {
    let summed = |name: &str| format!("{sum}({name})");
    let sums = ["count", "bytes", "nano", "sum_ms"].map(summed).join(", ");
    let buckets = (0..BUCKETS).map(|bucket| summed(&format!("b{bucket}"))).collect::<Vec<_>>().join(", ");
    format!("json_array({place}, kind, outcome, {sums}, json_array({buckets}))")
}

fn each(rows: &[Row], mut tell: impl FnMut(Counted)) -> Result<(), StoreError> {
    for row in rows {
        let Some(Value::Text(text)) = row.first() else { continue };
        tell(read(text)?);
    }
    Ok(())
}

fn read(text: &str) -> Result<Counted, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError(error.to_string()))
}

fn place(piece: &Piece) -> [Value; 4] {
    let Piece { view, span_ms, from_ms, to_ms } = *piece;
    [Value::Integer(view.number()), integer(span_ms), integer(from_ms), integer(to_ms)]
}
