//! The bytes of purged takes: which may go, and that they are gone.

use domain::hex;
use domain::picture::Digest;

use super::Catalog;
use super::database::{Database, Value};
use super::sql::{Columns, number, text};
use crate::ports::StoreError;

impl<D: Database> Catalog<D> {
    /// Blobs that nothing needs any more: purged, and past being put back, and the picture of no other take that is
    /// there or may be put
    /// back. The same bytes may be the take of several keys.
    pub(super) fn doomed(&self, now_ms: u64, limit: usize) -> Result<Vec<Digest>, StoreError> {
        let rows = self.db.run(
            "SELECT DISTINCT t.digest FROM take t INDEXED BY take_purged
             WHERE t.state = 'purged' AND t.undo_ms <= ?1
                 AND NOT EXISTS (
                     SELECT 1 FROM take o INDEXED BY take_digest
                     WHERE o.digest = t.digest AND (o.state = 'live' OR (o.state = 'purged' AND o.undo_ms > ?1)))
             LIMIT ?2",
            &[number(now_ms), number(limit as u64)],
        )?;
        rows.into_iter().map(|row| Columns::of(row).parsed(|digest| hex::decode_32(digest).map(Digest))).collect()
    }

    /// The store has deleted the blob, or did not have it.
    pub(super) fn bytes_gone(&self, digest: &Digest) -> Result<(), StoreError> {
        let rows = self.db.run(
            "UPDATE take SET state = 'gone' WHERE digest = ?1 AND state = 'purged' RETURNING picture",
            &[text(digest)],
        )?;
        for row in rows {
            self.recount(Columns::of(row).integer()?)?;
        }
        Ok(())
    }

    /// When the next takes can no longer be put back.
    pub(super) fn next_doom(&self, now_ms: u64) -> Result<Option<u64>, StoreError> {
        let rows = self.db.run(
            "SELECT min(undo_ms) FROM take INDEXED BY take_purged WHERE state = 'purged' AND undo_ms > ?1 AND undo_ms < ?2",
            &[number(now_ms), number(domain::admin::MAX_NUMBER)],
        )?;
        rows.into_iter().next().map_or(Ok(None), |row: Vec<Value>| Columns::of(row).optional_number())
    }
}
