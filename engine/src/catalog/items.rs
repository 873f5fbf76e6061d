//! The pictures of a purge, one after the other: which are next, and what their objects said.
//!
//! Each is asked at least once and counted once. What is asked at this moment is remembered only here, so that a
//! crash asks again.

use domain::picture::{PictureKey, Take};
use domain::purge::{PurgeId, PurgeState};

use super::database::{Database, Value};
use super::pictures::Known;
use super::plan::{Scope, Selection};
use super::purge::REMEMBERED_MS;
use super::sql::{Columns, json, named, number, optional, text};
use super::{Catalog, Registration};
use crate::ports::StoreError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ItemId {
    pub purge: i64,
    pub picture: i64,
}

/// One object that is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub id: ItemId,
    pub purge: PurgeId,
    pub key: PictureKey,
    /// `None` is all.
    pub takes: Option<Vec<u32>>,
    pub at_ms: u64,
    /// Until when it can be undone; past for a hard one.
    pub until_ms: u64,
    /// It is to be put back.
    pub back: bool,
}

/// An item that is being asked: nobody else asks while this lives.
pub(super) struct Lease<'a, D> {
    catalog: &'a Catalog<D>,
    pub item: Item,
}

impl<D> Drop for Lease<'_, D> {
    fn drop(&mut self) {
        self.catalog.under_way.borrow_mut().remove(&self.item.id);
    }
}

/// After the first failure, and at most.
const BACK_OFF_MS: u64 = 1_000;
const LONGEST_BACK_OFF_MS: u64 = 300_000;

/// Of purges that ended longer ago than this, single pictures are no longer told.
const KEPT_MS: u64 = 30 * 86_400_000;

impl<D: Database> Catalog<D> {
    /// Items that are due, each of which nobody else gets meanwhile.
    pub(super) fn lease(
        &self,
        now_ms: u64,
        limit: usize,
        only: Option<&PurgeId>,
    ) -> Result<Vec<Lease<'_, D>>, StoreError> {
        let active = self.active(only)?;
        // Each gets its share, so that a long one does not hold up the others.
        let share = limit.div_ceil(active.len().max(1));
        let mut leases = Vec::new();
        for purge in active {
            let waiting = self.under_way.borrow().len();
            let rows = self.db.run(
                "SELECT i.picture, g.id, p.key, i.takes, g.at_ms, CASE g.mode WHEN 'hard' THEN g.created_ms ELSE g.undo_ms END,
                     i.state = 'undo'
                 FROM purge_item i INDEXED BY purge_item_open CROSS JOIN purge g ON g.row = i.purge CROSS JOIN picture p ON p.id = i.picture
                 WHERE i.purge = ?1 AND i.state IN ('todo', 'undo') AND i.next_ms <= ?2 ORDER BY i.next_ms LIMIT ?3",
                &[Value::Integer(purge), number(now_ms), number((share + waiting) as u64)],
            )?;
            let mut given = 0;
            for row in rows {
                let item = read(purge, Columns::of(row))?;
                if given < share && self.under_way.borrow_mut().insert(item.id) {
                    given += 1;
                    leases.push(Lease { catalog: self, item });
                }
            }
        }
        Ok(leases)
    }

    fn active(&self, only: Option<&PurgeId>) -> Result<Vec<i64>, StoreError> {
        let rows = self.db.run(
            "SELECT row FROM purge WHERE state IN ('running', 'undoing') AND (?1 IS NULL OR id = ?1) ORDER BY row",
            &[optional(only, |id| text(id.as_str()))],
        )?;
        rows.into_iter().map(|row| Columns::of(row).integer()).collect()
    }

    /// When the next item is due that nobody asks at this moment. `None` where there is none.
    pub(super) fn next_due(&self) -> Result<Option<u64>, StoreError> {
        let mut next: Option<u64> = None;
        for purge in self.active(None)? {
            let waiting: Vec<i64> = {
                let under_way = self.under_way.borrow();
                under_way.iter().filter(|id| id.purge == purge).map(|id| id.picture).collect()
            };
            let rows = self.db.run(
                "SELECT picture, next_ms FROM purge_item i INDEXED BY purge_item_open
                 WHERE i.purge = ?1 AND i.state IN ('todo', 'undo') ORDER BY i.next_ms LIMIT ?2",
                &[Value::Integer(purge), number(waiting.len() as u64 + 1)],
            )?;
            for row in rows {
                let mut columns = Columns::of(row);
                if !waiting.contains(&columns.integer()?) {
                    let due: u64 = columns.number()?;
                    next = Some(next.map_or(due, |next| next.min(due)));
                    break;
                }
            }
        }
        Ok(next)
    }

    /// The object has said which takes are gone by this purge. True if that was the last one.
    pub(super) fn taken(&self, item: &Item, said: &[Take], now_ms: u64) -> Result<bool, StoreError> {
        let ItemId { purge, picture } = item.id;
        let undo_ms = self.undo_ms(purge)?;
        for take in said {
            self.take_away(picture, take, purge, undo_ms)?;
        }
        if self.close(item.id, "todo", "taken")? {
            self.resum(item.id)?;
        }
        self.recount(picture)?;
        self.finish(purge, now_ms)
    }

    /// The object has put back what this purge had taken of it.
    pub(super) fn put_back(&self, item: &Item, now_ms: u64) -> Result<bool, StoreError> {
        let ItemId { purge, picture } = item.id;
        self.db.run(
            "UPDATE take SET state = 'live', purge = NULL, undo_ms = 0 WHERE picture = ?1 AND purge = ?2 AND state = 'purged'",
            &[Value::Integer(picture), Value::Integer(purge)],
        )?;
        self.close(item.id, "undo", "back")?;
        self.recount(picture)?;
        self.finish(purge, now_ms)
    }

    /// The object could not be reached. It is tried again, later each time.
    pub(super) fn failed(&self, item: &Item, now_ms: u64) -> Result<(), StoreError> {
        let rows = self.db.run(
            "UPDATE purge_item SET tries = tries + 1, next_ms = ?3 + min(?4 << min(tries, 20), ?5)
             WHERE purge = ?1 AND picture = ?2 AND state IN ('todo', 'undo') RETURNING tries",
            &[
                Value::Integer(item.id.purge),
                Value::Integer(item.id.picture),
                number(now_ms),
                number(BACK_OFF_MS),
                number(LONGEST_BACK_OFF_MS),
            ],
        )?;
        let first = rows.into_iter().next().map_or(Ok(false), |row| Ok(Columns::of(row).integer()? == 1))?;
        if first {
            self.db.run("UPDATE purge SET failing = failing + 1 WHERE row = ?1", &[Value::Integer(item.id.purge)])?;
        }
        Ok(())
    }

    /// The end of an item, counted once.
    fn close(&self, id: ItemId, from: &str, to: &str) -> Result<bool, StoreError> {
        let (purge, picture) = (Value::Integer(id.purge), Value::Integer(id.picture));
        let rows = self.db.run(
            "UPDATE purge_item SET state = ?4 WHERE purge = ?1 AND picture = ?2 AND state = ?3 RETURNING tries",
            &[purge.clone(), picture.clone(), text(from), text(to)],
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(false) };
        let failing = i64::from(Columns::of(row).integer()? > 0);
        self.db.run(
            "UPDATE purge SET done = done + 1, failing = failing - ?2 WHERE row = ?1",
            &[purge, Value::Integer(failing)],
        )?;
        Ok(true)
    }

    fn take_away(&self, picture: i64, take: &Take, purge: i64, undo_ms: u64) -> Result<(), StoreError> {
        let rows = self.db.run("SELECT client FROM picture WHERE id = ?1", &[Value::Integer(picture)])?;
        let client = rows.into_iter().next().map_or(Ok(String::new()), |row| Columns::of(row).text())?;
        let known = Known { claimed_ms: take.created_ms, client: &client, job: "", tags: &[] };
        if !self.insert_take(picture, take, &known, Some((purge, undo_ms)))? {
            self.db.run(
                "UPDATE take SET state = 'purged', purge = ?3, undo_ms = ?4 WHERE picture = ?1 AND take = ?2 AND state <> 'gone'",
                &[Value::Integer(picture), number(u64::from(take.take)), Value::Integer(purge), number(undo_ms)],
            )?;
        }
        Ok(())
    }

    /// Until when a take that this purge takes now can be put back.
    fn undo_ms(&self, purge: i64) -> Result<u64, StoreError> {
        let rows = self.db.run("SELECT state, undo_ms FROM purge WHERE row = ?1", &[Value::Integer(purge)])?;
        let Some(row) = rows.into_iter().next() else { return Ok(0) };
        let mut columns = Columns::of(row);
        let state: PurgeState = columns.parsed(named)?;
        let undo_ms = columns.number()?;
        Ok(match state {
            PurgeState::Running | PurgeState::Done => undo_ms,
            PurgeState::Undoing | PurgeState::Undone => domain::admin::MAX_NUMBER,
        })
    }

    /// Counts again what a purge has taken of a picture, in place of what was planned.
    fn resum(&self, id: ItemId) -> Result<(), StoreError> {
        let bindings = [Value::Integer(id.purge), Value::Integer(id.picture)];
        self.db.run(
            "UPDATE purge SET (takes, bytes, cost, unknown) = (
                 SELECT purge.takes - i.n + t.n, purge.bytes - i.bytes + t.bytes, purge.cost - i.cost + t.cost, purge.unknown - i.unknown + t.unknown
                 FROM purge_item i, (
                     SELECT count(*) AS n, coalesce(sum(bytes), 0) AS bytes, coalesce(sum(cost), 0) AS cost, count(*) - count(cost) AS unknown
                     FROM take WHERE picture = ?2 AND purge = ?1
                 ) t
                 WHERE i.purge = ?1 AND i.picture = ?2)
             WHERE row = ?1",
            &bindings,
        )?;
        self.db.run(
            "UPDATE purge_item SET (n, bytes, cost, unknown) = (
                 SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(cost), 0), count(*) - count(cost) FROM take
                 WHERE picture = ?2 AND purge = ?1)
             WHERE purge = ?1 AND picture = ?2",
            &bindings,
        )?;
        Ok(())
    }

    /// A job has ended whose take a purge took before anybody saw it.
    pub(super) fn join_purged(
        &self,
        picture: i64,
        registration: &Registration,
        purge: &PurgeId,
        take: &Take,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let Some(row) = self.purge_row(purge)? else {
            // Of a purge that nobody knows; its bytes are kept as long as any.
            self.put_take(picture, registration, take, Some((0, now_ms.saturating_add(domain::purge::UNDO_MS))))?;
            return Ok(());
        };
        if !self.put_take(picture, registration, take, Some((row, self.undo_ms(row)?)))? {
            return Ok(());
        }
        let id = ItemId { purge: row, picture };
        let rows = self.db.run("SELECT state FROM purge WHERE row = ?1", &[Value::Integer(row)])?;
        let state: PurgeState =
            rows.into_iter().next().map_or(Ok(PurgeState::Done), |row| Columns::of(row).parsed(named))?;
        match state {
            PurgeState::Running | PurgeState::Done => {
                self.add_item(id, "taken", None)?;
                self.resum(id)
            }
            PurgeState::Undoing | PurgeState::Undone => self.add_item(id, "undo", None),
        }
    }

    /// A job has ended that was claimed before a purge which would have taken what it made, had it been there: it is
    /// taken now.
    pub(super) fn join_purges(&self, picture: i64, registration: &Registration, now_ms: u64) -> Result<(), StoreError> {
        let Some(claimed_ms) = registration.receipts.iter().map(|receipt| receipt.claimed_ms).min() else {
            return Ok(());
        };
        if registration.takes.is_empty() {
            return Ok(());
        }
        let rows = self.db.run(
            "SELECT row, mode, created_ms, selector FROM purge INDEXED BY purge_created
             WHERE created_ms >= ?1 AND at_ms >= ?2 AND state IN ('running', 'done') AND by <> 'retention'",
            &[number(now_ms.saturating_sub(REMEMBERED_MS)), number(claimed_ms)],
        )?;
        for row in rows {
            let mut columns = Columns::of(row);
            let purge = columns.integer()?;
            let (mode, created_ms) = (columns.parsed(named)?, columns.number()?);
            let selector = columns.json()?;
            let job = registration.receipts.first().map_or("", |receipt| receipt.id.as_str());
            let scope = Scope::Job { picture, job };
            let selection = Selection { selector: &selector, mode, created_ms, scope };
            for row in self.db.run(&selection.statement(), &selection.bindings()?)? {
                let mut columns = Columns::of(row);
                columns.integer()?;
                self.add_item(ItemId { purge, picture }, "todo", columns.optional_text()?)?;
            }
        }
        Ok(())
    }

    /// Adds an item to a purge, or opens it again: then `takes` are added to those that were meant before.
    fn add_item(&self, id: ItemId, state: &str, takes: Option<String>) -> Result<(), StoreError> {
        let (purge, picture) = (Value::Integer(id.purge), Value::Integer(id.picture));
        let there = self.db.run(
            "SELECT state, tries, takes FROM purge_item WHERE purge = ?1 AND picture = ?2",
            &[purge.clone(), picture.clone()],
        )?;
        let open = matches!(state, "todo" | "undo");
        if let Some(row) = there.into_iter().next() {
            let mut columns = Columns::of(row);
            let was = columns.text()?;
            let tries = columns.integer()?;
            let meant = columns.optional_text()?;
            if !open {
                return Ok(());
            }
            let takes = joined(meant, takes);
            self.db.run(
                "UPDATE purge_item SET state = ?3, takes = ?4, tries = 0, next_ms = 0 WHERE purge = ?1 AND picture = ?2",
                &[purge.clone(), picture, text(state), takes.as_ref().map_or(Ok(Value::Null), json)?],
            )?;
            let done = matches!(was.as_str(), "taken" | "back");
            let failing = !done && tries > 0;
            self.db.run(
                "UPDATE purge SET done = done - ?2, failing = failing - ?3 WHERE row = ?1",
                &[purge.clone(), Value::Integer(i64::from(done)), Value::Integer(i64::from(failing))],
            )?;
        } else {
            self.db.run(
                "INSERT INTO purge_item (purge, picture, state, n, bytes, cost, unknown, takes) VALUES (?1, ?2, ?3, 0, 0, 0, 0, ?4)",
                &[purge.clone(), picture, text(state), optional(takes, text)],
            )?;
            self.db.run(
                "UPDATE purge SET pictures = pictures + 1, done = done + ?2 WHERE row = ?1",
                &[purge.clone(), Value::Integer(i64::from(!open))],
            )?;
        }
        if open {
            self.stirred.set(true);
            self.db.run(
                r#"UPDATE purge SET state = CASE state WHEN 'done' THEN 'running' WHEN 'undone' THEN 'undoing' ELSE state END, ended_ms = NULL,
                     cdn_round = 0, cdn_due_ms = NULL, cdn_after = 0, cdn = CASE WHEN cdn IS NOT NULL THEN '{"state":"pending"}' END
                 WHERE row = ?1"#,
                std::slice::from_ref(&purge),
            )?;
        }
        Ok(())
    }

    /// Gives up the single pictures of purges that ended long ago.
    pub(super) fn forget_items(&self, now_ms: u64) -> Result<(), StoreError> {
        self.db.run(
            "DELETE FROM purge_item WHERE purge IN (SELECT row FROM purge WHERE ended_ms < ?1)",
            &[number(now_ms.saturating_sub(KEPT_MS))],
        )?;
        Ok(())
    }
}

fn read(purge: i64, mut columns: Columns) -> Result<Item, StoreError> {
    let picture = columns.integer()?;
    Ok(Item {
        id: ItemId { purge, picture },
        purge: columns.parsed(PurgeId::parse)?,
        key: columns.parsed(PictureKey::parse)?,
        takes: columns
            .optional_text()?
            .map(|takes| serde_json::from_str(&takes).map_err(super::sql::broken))
            .transpose()?,
        at_ms: columns.number()?,
        until_ms: columns.number()?,
        back: columns.flag()?,
    })
}

/// All of either; all there is where either meant that.
fn joined(one: Option<String>, other: Option<String>) -> Option<Vec<u32>> {
    let read = |takes: String| serde_json::from_str::<Vec<u32>>(&takes).ok();
    let mut takes = read(one?)?;
    takes.extend(read(other?)?);
    takes.sort_unstable();
    takes.dedup();
    Some(takes)
}
