//! Working coarser rows out of finer ones, and giving up what is old.

use super::levels::{LEVELS, Level, MINUTES, Marks, View};
use super::put::{added, columns, summed};
use super::{Catalog, Database, FLUSHES_KEPT_MS, JOBS_KEPT_MS, Value, integer, number};
use crate::ports::StoreError;

impl<D: Database> Catalog<D> {
    /// Works out what is over. Doing it again changes nothing, and however late it is done, nothing is left out: it goes on where it ended.
    pub fn roll_up(&self, now_ms: u64) -> Result<(), StoreError> {
        self.rolled_up(now_ms).map(drop)
    }

    /// Gives up what is older than it is kept, but nothing out of which a coarser row is yet to be worked out.
    pub fn expire_usage(&self, now_ms: u64) -> Result<(), StoreError> {
        let marks = self.marks()?;
        let coarser = LEVELS.into_iter().skip(1).map(|level| marks.of(level)).chain([u64::MAX]);
        for (level, needed_ms) in LEVELS.into_iter().zip(coarser) {
            let first_ms = level.first_kept_ms(now_ms).min(needed_ms);
            for view in View::EVERY {
                let rows = [Value::Integer(view.number()), integer(level.span_ms), integer(first_ms)];
                self.db.run("DELETE FROM usage WHERE view = ?1 AND span_ms = ?2 AND at_ms < ?3", &rows)?;
            }
        }
        // The newest stays, since it tells when the last one came.
        let flushes = "DELETE FROM usage_flush WHERE at_ms < ?1 AND at_ms < (SELECT max(at_ms) FROM usage_flush)";
        self.db.run(flushes, &[integer(now_ms.saturating_sub(FLUSHES_KEPT_MS))])?;
        self.db.run("DELETE FROM usage_job WHERE at_ms < ?1", &[integer(now_ms.saturating_sub(JOBS_KEPT_MS))])?;
        Ok(())
    }

    pub(in super::super) fn marks(&self) -> Result<Marks, StoreError> {
        let mut marks = Marks::default();
        for row in self.db.run("SELECT span_ms, at_ms FROM usage_mark", &[])? {
            if let (Some(span_ms), Some(at_ms)) = (number(&row, 0), number(&row, 1)) {
                marks.set(span_ms, at_ms);
            }
        }
        Ok(marks)
    }

    pub(super) fn rolled_up(&self, now_ms: u64) -> Result<Marks, StoreError> {
        let mut marks = self.marks()?;
        for level in LEVELS {
            let (from_ms, to_ms) = (marks.of(level), level.over_ms(now_ms));
            if from_ms >= to_ms {
                continue;
            }
            for view in level.views() {
                self.work_out(level, *view, from_ms, to_ms)?;
            }
            if level == MINUTES {
                self.work_out_total(from_ms, to_ms)?;
            }
            let mark = "INSERT OR REPLACE INTO usage_mark (span_ms, at_ms) VALUES (?1, ?2)";
            self.db.run(mark, &[integer(level.span_ms), integer(to_ms)])?;
            marks.set(level.span_ms, to_ms);
        }
        Ok(marks)
    }

    fn work_out(&self, level: Level, view: View, from_ms: u64, to_ms: u64) -> Result<(), StoreError> {
        let (source, finer_ms) = level.source(view);
        let client = if view.has_client() { "client" } else { "''" };
        let model = if view.has_model() { "model" } else { "''" };
        let (columns, summed) = (columns(), summed());
        // Replacing and not adding: there is nothing beyond the mark but what a roll-up left that did not come to its end.
        let sql = format!(
            "INSERT OR REPLACE INTO usage (view, span_ms, at_ms, kind, client, model, outcome, {columns})
             SELECT ?1, ?2, at_ms - at_ms % ?2, kind, {client}, {model}, outcome, {summed}
             FROM usage WHERE view = ?3 AND span_ms = ?4 AND at_ms >= ?5 AND at_ms < ?6
             GROUP BY 3, 4, 5, 6, 7"
        );
        let to = [Value::Integer(view.number()), integer(level.span_ms)];
        let from = [Value::Integer(source.number()), integer(finer_ms), integer(from_ms), integer(to_ms)];
        self.db.run(&sql, &[to.as_slice(), &from].concat())?;
        Ok(())
    }

    fn work_out_total(&self, from_ms: u64, to_ms: u64) -> Result<(), StoreError> {
        let (columns, summed, added) = (columns(), summed(), added());
        let sql = format!(
            "INSERT INTO usage_total (kind, model, outcome, {columns})
             SELECT kind, model, outcome, {summed}
             FROM usage WHERE view = ?1 AND span_ms = ?2 AND at_ms >= ?3 AND at_ms < ?4
             GROUP BY kind, model, outcome ON CONFLICT DO UPDATE SET {added}"
        );
        let from = [Value::Integer(View::Model.number()), integer(MINUTES.span_ms), integer(from_ms), integer(to_ms)];
        self.db.run(&sql, &from)?;
        Ok(())
    }
}
