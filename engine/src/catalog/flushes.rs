//! What isolates have counted.

use domain::admin::Event;
use domain::usage::Flush;
use domain::usage::tally::Looked;

use super::Catalog;
use super::database::Database;
use super::sql::{number, text};
use crate::ports::StoreError;

impl<D: Database> Catalog<D> {
    /// Nothing waits between noting the flush and counting it, so neither is there without the other.
    pub(super) fn count_once(&self, flush: &Flush, now_ms: u64) -> Result<(), StoreError> {
        if !self.flush(flush, now_ms)? {
            return Ok(());
        }
        self.looked(&flush.pictures)?;
        for finished in &flush.requests {
            self.note(&Event::Request(finished.clone()))?;
        }
        Ok(())
    }

    /// How often pictures were served. A picture that is not known is one that was made before there was a catalog.
    pub(super) fn looked(&self, pictures: &[Looked]) -> Result<(), StoreError> {
        for Looked { key, hits, last_ms } in pictures {
            self.db.run(
                "UPDATE picture SET hits = hits + ?2, last_hit_ms = max(last_hit_ms, ?3) WHERE key = ?1",
                &[text(key), number(*hits), number(*last_ms)],
            )?;
        }
        Ok(())
    }
}
