//! The live feed: the last thousands of events, by number.

use domain::admin::{Event, Filter};

use super::Catalog;
use super::database::Database;
use super::sql::{Columns, broken, json, number};
use crate::ports::StoreError;

pub(super) const TABLES: &[&str] = &["CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, doc TEXT NOT NULL)"];

/// So many are promised.
const KEPT: u64 = 5_000;

/// Old ones go together: one by one would double what is written.
const TRIMMED: u64 = 250;

impl<D: Database> Catalog<D> {
    /// The number that it got.
    pub(super) fn note(&self, event: &Event) -> Result<u64, StoreError> {
        let rows = self.db.run("INSERT INTO event (doc) VALUES (?1) RETURNING id", &[json(event)?])?;
        let row = rows.into_iter().next().ok_or_else(|| broken("an event was not written"))?;
        let id: u64 = Columns::of(row).number()?;
        if id.is_multiple_of(TRIMMED) {
            self.db.run("DELETE FROM event WHERE id <= ?1", &[number(id.saturating_sub(KEPT))])?;
        }
        Ok(id)
    }

    /// The number of the last event: whoever begins to watch begins after it.
    pub fn last_event(&self) -> Result<u64, StoreError> {
        self.ensure()?;
        let rows = self.db.run("SELECT coalesce(max(id), 0) FROM event", &[])?;
        rows.into_iter().next().map_or(Ok(0), |row| Columns::of(row).number())
    }

    /// Events after a number, and how many after it are no longer kept. Whoever names none has missed none.
    pub(super) fn events(
        &self,
        after: u64,
        filter: &Filter,
        limit: u32,
    ) -> Result<(Vec<(u64, Event)>, u64), StoreError> {
        let limit = usize::try_from(limit).map_err(broken)?;
        let mut events = Vec::new();
        let mut missed = None;
        let mut at = after;
        loop {
            let rows = self
                .db
                .run("SELECT id, doc FROM event WHERE id > ?1 ORDER BY id LIMIT ?2", &[number(at), number(TRIMMED)])?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let mut columns = Columns::of(row);
                at = columns.number()?;
                missed.get_or_insert(at.saturating_sub(after).saturating_sub(1));
                let event: Event = columns.json()?;
                if filter.matches(&event) {
                    events.push((at, event));
                }
                if events.len() >= limit {
                    return Ok((events, missed.filter(|_| after > 0).unwrap_or(0)));
                }
            }
        }
        Ok((events, missed.filter(|_| after > 0).unwrap_or(0)))
    }
}
