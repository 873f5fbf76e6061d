//! The catalog: every picture, take, receipt and purge of a deployment, and its usage.
//!
//! In scope: what operators look for, count and take back. It is a table of contents: the object of a key is what is
//! true of a
//! picture, the accounts of money. Everything is told to it at least once and is counted once. Every ask is answered
//! in one step, without an await;
//! only [`runner`] waits for others. Out of scope: who may ask, and HTTP.

pub mod ask;
mod bytes;
mod cdn;
pub mod database;
mod feed;
mod flushes;
mod items;
pub mod metrics;
mod near;
mod overview;
mod pictures;
mod plan;
mod purge;
mod receipts;
mod retention;
pub mod runner;
mod schema;
mod search;
mod sql;
mod summary;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod usage;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use domain::ApiError;

pub use ask::{CatalogAnswer, CatalogAsk, Reach, Registration};
pub use database::{Database, Row, Value};

use crate::ports::StoreError;

pub struct Catalog<D> {
    db: D,
    /// Are the tables there?
    ready: Cell<bool>,
    /// Does anybody watch the feed?
    watched: Cell<bool>,
    /// What the runner waits for at this moment, so that no second turn asks the same.
    under_way: RefCell<BTreeSet<items::ItemId>>,
    /// Is there something to do that the runner has not seen?
    stirred: Cell<bool>,
    /// When the progress of a purge was last told.
    told: RefCell<BTreeMap<i64, u64>>,
}

impl<D: Database> Catalog<D> {
    pub fn new(db: D) -> Self {
        Self {
            db,
            ready: Cell::new(false),
            watched: Cell::new(false),
            under_way: RefCell::default(),
            stirred: Cell::new(false),
            told: RefCell::default(),
        }
    }

    /// Isolates send single requests only while somebody watches.
    pub fn watch(&self, watched: bool) {
        self.watched.set(watched);
    }

    /// Answers. An error is the store's.
    pub fn ask(&self, ask: CatalogAsk, now_ms: u64) -> Result<CatalogAnswer, StoreError> {
        self.ensure()?;
        Ok(match ask {
            CatalogAsk::Register { registration } => {
                for receipt in self.register(&registration, now_ms)? {
                    self.ledger(receipt, now_ms)?;
                }
                CatalogAnswer::Done
            }
            CatalogAsk::Flush { flush } => {
                self.count_once(&flush, now_ms)?;
                CatalogAnswer::Flushed { watched: self.watched.get() }
            }
            CatalogAsk::Note { event } => {
                self.note(&event)?;
                CatalogAnswer::Done
            }
            CatalogAsk::Overview { window } => {
                CatalogAnswer::Overview { overview: Box::new(self.overview(&window, now_ms)?) }
            }
            CatalogAsk::Metrics => CatalogAnswer::Metrics { text: self.metrics(now_ms)? },
            CatalogAsk::Images { query } => CatalogAnswer::Images { page: Box::new(self.images(&query)?) },
            CatalogAsk::Summary { key } => CatalogAnswer::Summary { summary: self.summary(&key)?.map(Box::new) },
            CatalogAsk::Near { picture } => CatalogAnswer::Near { pictures: self.near(&picture)? },
            CatalogAsk::Receipts { from_ms, to_ms, after } => {
                let (receipts, next) = self.receipts(from_ms, to_ms, after)?;
                CatalogAnswer::Receipts { receipts, next }
            }
            CatalogAsk::Purge { request, id, by, reach } => purged(self.purge(&request, &id, &by, reach, now_ms)?),
            CatalogAsk::Purges { after, limit } => match self.purges(after.as_deref(), limit)? {
                Ok(page) => CatalogAnswer::Purges { page: Box::new(page) },
                Err(error) => refused(error),
            },
            CatalogAsk::ShowPurge { id } => purged(self.show_purge(&id)?),
            CatalogAsk::Undo { id, by } => purged(self.undo(&id, &by, now_ms)?),
            CatalogAsk::Events { after, filter, limit } => {
                let (events, missed) = self.events(after, &filter, limit)?;
                CatalogAnswer::Events { events, missed }
            }
            CatalogAsk::Maintain { retention, id, reach } => {
                self.roll_up(now_ms)?;
                self.expire_usage(now_ms)?;
                self.forget_items(now_ms)?;
                self.evict(&retention, &id, reach, now_ms)?;
                CatalogAnswer::Done
            }
        })
    }
}

fn purged(purge: Result<domain::admin::Purge, ApiError>) -> CatalogAnswer {
    purge.map_or_else(refused, |purge| CatalogAnswer::Purge { purge: Box::new(purge) })
}

fn refused(error: ApiError) -> CatalogAnswer {
    CatalogAnswer::Refused { error: Box::new(error) }
}
