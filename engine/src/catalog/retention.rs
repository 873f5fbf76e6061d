//! What is given up by itself: the pictures that nobody has looked at for the longest time. It is a hard purge as any
//! other.

use domain::purge::{Mode, PurgeId, Selector};
use domain::runtime::Retention;

use super::database::{Database, Value};
use super::sql::{Columns, number};
use super::{Catalog, Reach};
use crate::ports::StoreError;

/// Who asked for such a purge.
pub const BY: &str = "retention";

/// At once. What is left goes the next time.
const MOST: u64 = 5_000;

const DAY_MS: u64 = 86_400_000;

impl<D: Database> Catalog<D> {
    /// Begins a purge of what is beyond the limits, unless one is running: that has yet to take what would be found
    /// again.
    pub(super) fn evict(
        &self,
        retention: &Retention,
        id: &PurgeId,
        reach: Reach,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let running =
            self.db.run("SELECT 1 FROM purge WHERE by = ?1 AND state = 'running'", &[Value::Text(BY.to_owned())])?;
        if !running.is_empty() || self.purge_row(id)?.is_some() {
            return Ok(());
        }
        let pictures = self.evictable(retention, now_ms)?;
        if pictures.is_empty() {
            return Ok(());
        }
        let purge = self.open(id, &Selector::default(), Mode::Hard, BY, reach, now_ms)?;
        for picture in pictures {
            self.db.run(
                "INSERT INTO purge_item (purge, picture, n, bytes, cost, unknown)
                 SELECT ?1, ?2, count(*), coalesce(sum(bytes), 0), coalesce(sum(cost), 0), count(*) - count(cost) FROM take
                 WHERE picture = ?2 AND state = 'live'",
                &[Value::Integer(purge), Value::Integer(picture)],
            )?;
        }
        self.begun(purge, now_ms)
    }

    /// The rows of pictures beyond the limits, the one that was not looked at for the longest time first.
    pub(super) fn evictable(&self, retention: &Retention, now_ms: u64) -> Result<Vec<i64>, StoreError> {
        let Retention { max_bytes, max_idle_days } = retention;
        let mut surplus = match max_bytes {
            Some(max) => self.live_bytes()?.saturating_sub(*max),
            None => 0,
        };
        let idle_ms = max_idle_days.map(|days| now_ms.saturating_sub(u64::from(days).saturating_mul(DAY_MS)));
        if surplus == 0 && idle_ms.is_none() {
            return Ok(Vec::new());
        }
        let rows = self.db.run(
            "SELECT id, bytes, max(last_hit_ms, created_ms) FROM picture WHERE takes > 0 ORDER BY 3, id LIMIT ?1",
            &[number(MOST)],
        )?;
        let mut pictures = Vec::new();
        for row in rows {
            let mut columns = Columns::of(row);
            let (id, bytes, used_ms) = (columns.integer()?, columns.number::<u64>()?, columns.number::<u64>()?);
            if surplus == 0 && idle_ms.is_none_or(|idle_ms| used_ms >= idle_ms) {
                break;
            }
            surplus = surplus.saturating_sub(bytes);
            pictures.push(id);
        }
        Ok(pictures)
    }

    fn live_bytes(&self) -> Result<u64, StoreError> {
        let rows = self.db.run("SELECT coalesce(sum(bytes), 0) FROM picture WHERE takes > 0", &[])?;
        rows.into_iter().next().map_or(Ok(0), |row| Columns::of(row).number())
    }
}
