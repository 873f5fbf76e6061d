//! What caches before the Worker are told to drop, by tag.
//!
//! Twice: at once, and when no isolate can have an old pointer any more, since one that has could hand the picture to
//! such a cache again.

use domain::admin::purges::CdnPurge;
use domain::picture::PictureKey;
use domain::purge::PurgeState;

use super::Catalog;
use super::database::{Database, Value};
use super::purge::POINTERS_GONE_MS;
use super::sql::{Columns, json, named, number, optional};
use crate::ports::StoreError;

/// The tag that every picture has.
pub const EVERY_TAG: &str = "pincel";

/// The tag of one picture.
pub fn tag(key: &PictureKey) -> String {
    format!("{EVERY_TAG}-{}", key.to_string().chars().take(32).collect::<String>())
}

/// As many tags as one call takes.
const TAGS: usize = 100;

const BACK_OFF_MS: u64 = 30_000;

/// A purge some of whose pictures cannot be reached is not done, and what is done of it is dropped now.
const UNDONE_MS: u64 = 60_000;

/// Of the API's own reason.
const REASON_CHARS: usize = 200;

/// One call.
pub(super) struct Drop {
    pub purge: i64,
    pub tags: Vec<String>,
    /// The picture of the last tag.
    last: i64,
    /// Are these the last ones?
    whole: bool,
}

impl<D: Database> Catalog<D> {
    /// The next tags to drop.
    pub(super) fn next_drop(&self, now_ms: u64) -> Result<Option<Drop>, StoreError> {
        self.begin_to_drop(now_ms)?;
        let rows = self.db.run(
            "SELECT row, cdn_after, every_tag OR json_extract(selector, '$.all') IS NOT NULL FROM purge
             WHERE cdn_due_ms <= ?1 ORDER BY cdn_due_ms LIMIT 1",
            &[number(now_ms)],
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut columns = Columns::of(row);
        let (purge, after) = (columns.integer()?, columns.integer()?);
        if columns.flag()? {
            return Ok(Some(Drop { purge, tags: vec![EVERY_TAG.to_owned()], last: after, whole: true }));
        }
        let rows = self.db.run(
            "SELECT p.id, p.key FROM purge_item i CROSS JOIN picture p ON p.id = i.picture
             WHERE i.purge = ?1 AND i.picture > ?2 ORDER BY i.picture LIMIT ?3",
            &[Value::Integer(purge), Value::Integer(after), number(TAGS as u64 + 1)],
        )?;
        let mut drop = Drop { purge, tags: Vec::new(), last: after, whole: rows.len() <= TAGS };
        for row in rows.into_iter().take(TAGS) {
            let mut columns = Columns::of(row);
            drop.last = columns.integer()?;
            drop.tags.push(tag(&columns.parsed(PictureKey::parse)?));
        }
        Ok(Some(drop))
    }

    pub(super) fn dropped(&self, drop: &Drop, now_ms: u64) -> Result<(), StoreError> {
        if !drop.whole {
            self.db.run(
                "UPDATE purge SET cdn_after = ?2 WHERE row = ?1",
                &[Value::Integer(drop.purge), Value::Integer(drop.last)],
            )?;
            return Ok(());
        }
        let rows = self.db.run("SELECT state, cdn_round FROM purge WHERE row = ?1", &[Value::Integer(drop.purge)])?;
        let Some(row) = rows.into_iter().next() else { return Ok(()) };
        let mut columns = Columns::of(row);
        let (state, round): (PurgeState, u64) = (columns.parsed(named)?, columns.number()?);
        let (cdn, round, due_ms) = match (state, round) {
            (PurgeState::Running, round) => (CdnPurge::Pending, round, Some(now_ms.saturating_add(UNDONE_MS))),
            (PurgeState::Done, 0) => (CdnPurge::Done, 1, Some(now_ms.saturating_add(POINTERS_GONE_MS))),
            _ => (CdnPurge::Done, 2, None),
        };
        self.db.run(
            "UPDATE purge SET cdn = ?2, cdn_round = ?3, cdn_due_ms = ?4, cdn_after = 0 WHERE row = ?1",
            &[Value::Integer(drop.purge), json(&cdn)?, number(round), optional(due_ms, number)],
        )?;
        Ok(())
    }

    pub(super) fn not_dropped(&self, drop: &Drop, reason: &str, now_ms: u64) -> Result<(), StoreError> {
        let reason = reason.chars().take(REASON_CHARS).collect();
        self.db.run(
            "UPDATE purge SET cdn = ?2, cdn_due_ms = ?3 WHERE row = ?1",
            &[
                Value::Integer(drop.purge),
                json(&CdnPurge::Failing { reason })?,
                number(now_ms.saturating_add(BACK_OFF_MS)),
            ],
        )?;
        Ok(())
    }

    pub(super) fn next_drop_ms(&self, now_ms: u64) -> Result<Option<u64>, StoreError> {
        self.begin_to_drop(now_ms)?;
        let rows = self.db.run("SELECT min(cdn_due_ms) FROM purge", &[])?;
        rows.into_iter().next().map_or(Ok(None), |row| Columns::of(row).optional_number())
    }

    /// A purge is dropped as soon as each of its pictures was tried once.
    fn begin_to_drop(&self, now_ms: u64) -> Result<(), StoreError> {
        self.db.run(
            "UPDATE purge SET cdn_due_ms = ?1
             WHERE cdn IS NOT NULL AND cdn_round = 0 AND cdn_due_ms IS NULL AND state IN ('running', 'done')
                 AND NOT EXISTS (
                     SELECT 1 FROM purge_item i INDEXED BY purge_item_open
                     WHERE i.purge = purge.row AND i.state IN ('todo', 'undo') AND i.tries = 0)",
            &[number(now_ms)],
        )?;
        Ok(())
    }
}
