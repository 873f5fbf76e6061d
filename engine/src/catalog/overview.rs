//! The overview: what happened in a window, as totals, step by step, by client and by model.

mod rows;
mod sum;

use std::collections::BTreeMap;

use domain::admin::overview::{Point, Share, Stock};
use domain::admin::{Overview, Window};
use domain::usage::Billed;

use self::rows::{By, Counted};
use self::sum::Sum;
use super::sql::Columns;
use super::usage::levels::{DAYS, EIGHTS, HOURS, Level, MINUTES, Marks, Piece, View, ceil, floor};
use super::usage::{JOB, integer, number};
use super::{Catalog, Database, Value};
use crate::ports::StoreError;

/// Isolates tell what they counted every five seconds.
const LAG_SECONDS: u32 = 5;

/// Shares beyond this many are left out, those that spent and asked the least.
pub const MAX_SHARES: usize = 200;

/// Each step with the longest window that is shown in it, so that a series has about four hundred points at most.
const STEPS: [(Level, u64); 3] = [(MINUTES, 6 * HOURS.span_ms), (HOURS, 7 * DAYS.span_ms), (DAYS, 400 * DAYS.span_ms)];

impl<D: Database> Catalog<D> {
    /// What the window shows, but for what only the deployment's account knows. The window is told as it was read: in whole steps, and in
    /// coarser ones where the finer are not kept any more.
    pub fn overview(&self, window: &Window, now_ms: u64) -> Result<Overview, StoreError> {
        let (window, step) = fit(window, now_ms);
        let points = window.to_ms.saturating_sub(window.from_ms) / step.span_ms;
        let mut series: Vec<Sum> = (0..points).map(|_| Sum::default()).collect();
        let mut in_series = |row: &Counted| {
            let point = row.at_ms.saturating_sub(window.from_ms) / step.span_ms;
            if let Some(sum) = usize::try_from(point).ok().and_then(|point| series.get_mut(point)) {
                sum.add(row);
            }
        };
        let (mut clients, mut models) = (Shares::default(), Shares::default());
        let marks = self.marks()?;
        self.worked_out(By::Time, &marks.cover(View::All, step, window.from_ms, window.to_ms), &mut in_series)?;
        for (by, shares) in [(By::Client, &mut clients), (By::Model, &mut models)] {
            let pieces = marks.cover(by.view(), EIGHTS, window.from_ms, window.to_ms);
            self.worked_out(by, &pieces, |row| shares.add(&row.name, row))?;
        }
        // What is not worked out yet is the same for all three, and is read once.
        if let Some(piece) = rest(&marks, &window) {
            self.written(&piece, |row, client, model| {
                in_series(row);
                clients.add(client, row);
                models.add(model, row);
            })?;
        }
        let mut totals = Sum::default();
        for sum in &series {
            totals.merge(sum);
        }
        let starts = (0..points).map(|point| window.from_ms + point * step.span_ms);
        Ok(Overview {
            window,
            as_of_ms: now_ms,
            lag_seconds: LAG_SECONDS,
            totals: totals.figures(),
            series: starts.zip(&series).map(|(at_ms, sum)| Point { at_ms, figures: sum.figures() }).collect(),
            by_client: clients.figures(),
            by_model: models.figures(),
            pictures: self.stock()?,
            now: None,
        })
    }

    /// What is kept.
    pub(super) fn stock(&self) -> Result<Stock, StoreError> {
        // The index has all three, and is a tenth of the table.
        let rows = self.db.run(
            "SELECT count(*), coalesce(sum(takes), 0), coalesce(sum(bytes), 0) FROM picture INDEXED BY picture_stock WHERE takes > 0",
            &[],
        )?;
        let mut columns = Columns::of(rows.into_iter().next().unwrap_or_default());
        Ok(Stock {
            pictures: columns.number()?,
            takes: columns.number()?,
            bytes: columns.number()?,
            unknown_outcomes: self.unknown_outcomes()?,
        })
    }

    /// Calls whose outcome is unknown, of all time.
    pub(super) fn unknown_outcomes(&self) -> Result<u64, StoreError> {
        let kind = [Value::Text(JOB.to_owned()), Value::Text(Billed::Unknown.as_str().to_owned())];
        let before = "SELECT SUM(count) FROM usage_total WHERE kind = ?1 AND outcome = ?2";
        let since = "SELECT SUM(count) FROM usage WHERE kind = ?1 AND outcome = ?2 AND view = ?3 AND span_ms = ?4 AND at_ms >= ?5";
        let rest = [Value::Integer(View::Each.number()), integer(MINUTES.span_ms), integer(self.marks()?.of(MINUTES))];
        let rows = [self.db.run(before, &kind)?, self.db.run(since, &[kind.as_slice(), &rest].concat())?].concat();
        Ok(rows.iter().filter_map(|row| number(row, 0)).sum())
    }

    fn worked_out(&self, by: By, pieces: &[Piece], mut tell: impl FnMut(&Counted)) -> Result<(), StoreError> {
        let mut worked_out = pieces.iter().filter(|piece| piece.view != View::Each);
        worked_out.try_for_each(|piece| self.counted(by, piece, |row| tell(&row)))
    }
}

/// What of the window is not worked out yet.
fn rest(marks: &Marks, window: &Window) -> Option<Piece> {
    marks.cover(View::All, MINUTES, window.from_ms, window.to_ms).pop().filter(|piece| piece.view == View::Each)
}

#[derive(Default)]
struct Shares(BTreeMap<String, Sum>);

impl Shares {
    fn add(&mut self, name: &str, row: &Counted) {
        if let Some(sum) = self.0.get_mut(name) {
            sum.add(row);
        } else {
            self.0.entry(name.to_owned()).or_default().add(row);
        }
    }

    fn figures(self) -> Vec<Share> {
        let named = |name: String| (!name.is_empty()).then_some(name);
        let share = |(name, sum): (String, Sum)| Share { name: named(name), figures: sum.figures() };
        let mut shares: Vec<Share> = self.0.into_iter().map(share).collect();
        // Stable: among equals the order is that of the names.
        shares.sort_by_key(|share| std::cmp::Reverse((share.figures.spent, share.figures.requests)));
        shares.truncate(MAX_SHARES);
        shares
    }
}

/// The window in whole steps that there are rows for.
fn fit(window: &Window, now_ms: u64) -> (Window, Level) {
    let to_ms = window.to_ms.min(now_ms.saturating_add(DAYS.span_ms));
    let longest = |from_ms: u64, most_ms: u64| from_ms.max(to_ms.saturating_sub(most_ms));
    let from_ms = longest(window.from_ms, 400 * DAYS.span_ms).min(to_ms);
    let serves = |(level, most_ms): &(Level, u64)| {
        level.span_ms >= window.step_ms
            && to_ms - from_ms <= *most_ms
            && floor(from_ms, level.span_ms) >= level.first_kept_ms(now_ms)
    };
    let step = STEPS.into_iter().find(serves).map_or(DAYS, |(level, _)| level);
    let (from_ms, to_ms) = (floor(from_ms, step.span_ms), ceil(to_ms, step.span_ms));
    (Window { from_ms, to_ms, step_ms: step.span_ms }, step)
}

#[cfg(test)]
mod tests;
