//! Purges: begun, shown, undone.

use domain::ApiError;
use domain::admin::cursor::invalid_cursor;
use domain::admin::events::PurgeEvent;
use domain::admin::purges::CdnPurge;
use domain::admin::{Bounds, Event, MAX_NUMBER, Purge, PurgePage, PurgePlan, PurgeRequest};
use domain::money::NanoUsd;
use domain::purge::{Mode, PurgeId, PurgeState, Selector, UNDO_MS};

use super::database::{Database, Row, Value};
use super::plan::{Scope, Selection, at_ms};
use super::sql::{Columns, flag, json, name, named, number, text};
use super::{Catalog, Reach};
use crate::ports::StoreError;
use crate::settings::MEMO_MS;

/// A purge, and what is left to do of it. The wide columns come last, so that what goes through the rows does not
/// read them.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE purge (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        mode TEXT NOT NULL,
        state TEXT NOT NULL,
        by TEXT NOT NULL,
        undone_by TEXT,
        created_ms INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        undo_ms INTEGER NOT NULL,
        ended_ms INTEGER,
        pictures INTEGER NOT NULL DEFAULT 0,
        takes INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        cost INTEGER NOT NULL DEFAULT 0,
        unknown INTEGER NOT NULL DEFAULT 0,
        done INTEGER NOT NULL DEFAULT 0,
        failing INTEGER NOT NULL DEFAULT 0,
        cdn_due_ms INTEGER,
        cdn_after INTEGER NOT NULL DEFAULT 0,
        cdn_round INTEGER NOT NULL DEFAULT 0,
        every_tag INTEGER NOT NULL DEFAULT 0,
        cdn TEXT,
        reach TEXT NOT NULL,
        sample TEXT NOT NULL,
        selector TEXT NOT NULL
    )",
    "CREATE INDEX purge_created ON purge (created_ms)",
    // `todo` and `taken`; of an undo, `undo` and `back`. Without `takes`, all of the picture are meant.
    "CREATE TABLE purge_item (
        purge INTEGER NOT NULL,
        picture INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'todo',
        tries INTEGER NOT NULL DEFAULT 0,
        next_ms INTEGER NOT NULL DEFAULT 0,
        n INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        cost INTEGER NOT NULL,
        unknown INTEGER NOT NULL,
        takes TEXT,
        PRIMARY KEY (purge, picture)
    ) WITHOUT ROWID",
    "CREATE INDEX purge_item_open ON purge_item (purge, next_ms, tries) WHERE state IN ('todo', 'undo')",
];

/// The pointer store's own promise, and how long a data centre may keep what it read.
const KV_SECONDS: u32 = 60 + 30;

const MEMO_SECONDS: u32 = 10;
const _: () = assert!(MEMO_MS == 1_000 * MEMO_SECONDS as u64);

/// By the time that nobody has an old pointer any more, caches before the Worker are told to drop it once again.
pub(super) const POINTERS_GONE_MS: u64 = 1_000 * (KV_SECONDS as u64 + MEMO_SECONDS as u64);

/// A list shows no more keys of a selector than this.
const LISTED_KEYS: usize = 100;

/// Above this, every picture's tag is dropped at once.
const FEW_TAGS: u64 = 2_000;

/// How old the name of a purge may be so that what was being made when it began is still added to it.
pub(super) const REMEMBERED_MS: u64 = 3_600_000;

const COLUMNS: &str = "row, id, mode, state, by, created_ms, undo_ms, ended_ms, pictures, takes, bytes, CAST(cost AS TEXT), unknown, done,
    failing, cdn, reach, sample, selector";

impl<D: Database> Catalog<D> {
    /// A dry run, or the beginning of a purge. Beginning it twice is beginning it once.
    pub(super) fn purge(
        &self,
        request: &PurgeRequest,
        id: &PurgeId,
        by: &str,
        reach: Reach,
        now_ms: u64,
    ) -> Result<Result<Purge, ApiError>, StoreError> {
        let PurgeRequest { selector, mode, dry_run } = request;
        if let Err(error) = selector.check() {
            return Ok(Err(error));
        }
        let selection = Selection { selector, mode: *mode, created_ms: now_ms, scope: Scope::Everywhere };
        if *dry_run {
            let plan = self.plan(&selection)?;
            return Ok(Ok(Purge {
                id: None,
                dry_run: true,
                selector: selector.clone(),
                mode: *mode,
                state: None,
                by: by.to_owned(),
                created_ms: now_ms,
                ended_ms: None,
                plan,
                done: 0,
                failing: 0,
                undo_until_ms: None,
                bounds: bounds(reach, None),
            }));
        }
        if self.purge_row(id)?.is_none() {
            let purge = self.open(id, selector, *mode, by, reach, now_ms)?;
            let items = format!(
                "INSERT INTO purge_item (purge, picture, takes, n, bytes, cost, unknown)
                 SELECT ?12, picture, takes, n, bytes, cost, unknown FROM ({})",
                selection.statement()
            );
            let mut bindings = selection.bindings()?;
            bindings.push(Value::Integer(purge));
            self.db.run(&items, &bindings)?;
            self.begun(purge, now_ms)?;
        }
        self.show_purge(id)
    }

    /// The row of a new purge, which takes nothing yet.
    pub(super) fn open(
        &self,
        id: &PurgeId,
        selector: &Selector,
        mode: Mode,
        by: &str,
        reach: Reach,
        now_ms: u64,
    ) -> Result<i64, StoreError> {
        let undo_ms = match mode {
            Mode::Soft => now_ms.saturating_add(UNDO_MS),
            Mode::Hard => 0,
        };
        let rows = self.db.run(
            "INSERT INTO purge (id, mode, state, by, created_ms, at_ms, undo_ms, cdn, reach, sample, selector)
             VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7, ?8, '[]', ?9) RETURNING row",
            &[
                text(id.as_str()),
                name(&mode)?,
                text(by),
                number(now_ms),
                number(at_ms(selector, now_ms)),
                number(undo_ms),
                if reach.cdn { json(&CdnPurge::Pending)? } else { Value::Null },
                json(&reach)?,
                json(selector)?,
            ],
        )?;
        rows.into_iter().next().map_or(Ok(0), |row| Columns::of(row).integer())
    }

    /// Its items are there: what they come to stands in its row from here on.
    pub(super) fn begun(&self, purge: i64, now_ms: u64) -> Result<(), StoreError> {
        let PurgePlan { pictures, takes, bytes, regeneration, takes_of_unknown_cost, sample } = self.planned(purge)?;
        self.db.run(
            "UPDATE purge SET pictures = ?2, takes = ?3, bytes = ?4, cost = ?5, unknown = ?6, sample = ?7, every_tag = ?8,
                 cdn_round = CASE WHEN ?2 = 0 THEN 2 ELSE 0 END
             WHERE row = ?1",
            &[
                Value::Integer(purge),
                number(pictures),
                number(takes),
                number(bytes),
                number(regeneration.0),
                number(takes_of_unknown_cost),
                json(&sample)?,
                flag(pictures > FEW_TAGS),
            ],
        )?;
        self.stirred.set(true);
        self.finish(purge, now_ms)?;
        Ok(())
    }

    pub(super) fn purge_row(&self, id: &PurgeId) -> Result<Option<i64>, StoreError> {
        let rows = self.db.run("SELECT row FROM purge WHERE id = ?1", &[text(id.as_str())])?;
        rows.into_iter().next().map(|row| Columns::of(row).integer()).transpose()
    }

    pub(super) fn show_purge(&self, id: &PurgeId) -> Result<Result<Purge, ApiError>, StoreError> {
        let rows = self.db.run(&format!("SELECT {COLUMNS} FROM purge WHERE id = ?1"), &[text(id.as_str())])?;
        match rows.into_iter().next() {
            Some(row) => Ok(Ok(read(row)?.1)),
            None => Ok(Err(no_such_purge())),
        }
    }

    /// The newest first.
    pub(super) fn purges(&self, after: Option<&str>, limit: u32) -> Result<Result<PurgePage, ApiError>, StoreError> {
        let before = match after {
            None => number(MAX_NUMBER),
            Some(after) => match PurgeId::parse(after).map(|id| self.purge_row(&id)).transpose()?.flatten() {
                Some(row) => Value::Integer(row),
                None => return Ok(Err(invalid_cursor())),
            },
        };
        let rows = self.db.run(
            &format!("SELECT {COLUMNS} FROM purge WHERE row < ?1 ORDER BY row DESC LIMIT ?2"),
            &[before, number(u64::from(limit).saturating_add(1))],
        )?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        let mut purges = Vec::new();
        for row in rows.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
            let mut purge = read(row)?.1;
            if let Some(keys) = &mut purge.selector.keys {
                keys.truncate(LISTED_KEYS);
            }
            purges.push(purge);
        }
        let last = purges.last().and_then(|purge| purge.id.as_ref()).map(|id| id.as_str().to_owned());
        Ok(Ok(PurgePage { purges, next: last.filter(|_| more) }))
    }

    /// Puts back what a soft purge took. Asking again is asking once.
    pub(super) fn undo(&self, id: &PurgeId, by: &str, now_ms: u64) -> Result<Result<Purge, ApiError>, StoreError> {
        let rows = self.db.run(&format!("SELECT {COLUMNS} FROM purge WHERE id = ?1"), &[text(id.as_str())])?;
        let Some(row) = rows.into_iter().next() else { return Ok(Err(no_such_purge())) };
        let (row, purge) = read(row)?;
        if purge.mode == Mode::Hard {
            let message = "This purge was a hard one: the bytes are gone, or on their way. It cannot be undone.";
            return Ok(Err(ApiError::new(409, "invalid_request_error", "not_undoable", message)));
        }
        if matches!(purge.state, Some(PurgeState::Undoing | PurgeState::Undone)) {
            return Ok(Ok(purge));
        }
        if purge.undo_until_ms.is_none_or(|until_ms| until_ms <= now_ms) {
            let message =
                "A purge can be undone for a day. This one is older, and the bytes are gone, or on their way.";
            return Ok(Err(ApiError::new(409, "invalid_request_error", "undo_expired", message)));
        }
        let row = Value::Integer(row);
        self.db.run(
            "UPDATE purge SET state = 'undoing', undone_by = ?2, done = 0, failing = 0, ended_ms = NULL, cdn_due_ms = NULL WHERE row = ?1",
            &[row.clone(), text(by)],
        )?;
        self.db.run(
            "UPDATE purge_item SET state = 'undo', tries = 0, next_ms = 0 WHERE purge = ?1",
            std::slice::from_ref(&row),
        )?;
        // However long an object is out of reach, the bytes wait for it.
        self.db.run(
            "UPDATE take SET undo_ms = ?2 WHERE purge = ?1 AND state = 'purged'",
            &[row.clone(), number(MAX_NUMBER)],
        )?;
        if let Value::Integer(row) = row {
            self.finish(row, now_ms)?;
        }
        self.stirred.set(true);
        self.show_purge(id)
    }

    /// Ends it if nothing is left to do. True if that is new.
    pub(super) fn finish(&self, purge: i64, now_ms: u64) -> Result<bool, StoreError> {
        let ended = self.db.run(
            "UPDATE purge SET state = CASE state WHEN 'running' THEN 'done' ELSE 'undone' END, ended_ms = ?2
             WHERE row = ?1 AND state IN ('running', 'undoing')
                 AND NOT EXISTS (SELECT 1 FROM purge_item i INDEXED BY purge_item_open WHERE i.purge = ?1 AND i.state IN ('todo', 'undo'))
             RETURNING 1",
            &[Value::Integer(purge), number(now_ms)],
        )?;
        Ok(!ended.is_empty())
    }

    /// How far it has come, for the feed.
    pub(super) fn progress(&self, purge: i64, now_ms: u64) -> Result<Option<(u64, Event)>, StoreError> {
        let rows =
            self.db.run("SELECT id, state, pictures, done FROM purge WHERE row = ?1", &[Value::Integer(purge)])?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut columns = Columns::of(row);
        let event = Event::Purge(PurgeEvent {
            at_ms: now_ms,
            id: columns.parsed(PurgeId::parse)?,
            state: columns.parsed(named)?,
            pictures: columns.number()?,
            done: columns.number()?,
        });
        Ok(Some((self.note(&event)?, event)))
    }
}

fn read(row: Row) -> Result<(i64, Purge), StoreError> {
    let mut columns = Columns::of(row);
    let row = columns.integer()?;
    let id = columns.parsed(PurgeId::parse)?;
    let mode: Mode = columns.parsed(named)?;
    let state: PurgeState = columns.parsed(named)?;
    let by = columns.text()?;
    let created_ms = columns.number()?;
    let undo_ms = columns.number()?;
    let ended_ms = columns.optional_number()?;
    let (pictures, takes, bytes) = (columns.number()?, columns.number()?, columns.number()?);
    let regeneration: NanoUsd = columns.amount()?;
    let takes_of_unknown_cost = columns.number()?;
    let (done, failing) = (columns.number()?, columns.number()?);
    let cdn = columns.optional_text()?.and_then(|cdn| serde_json::from_str(&cdn).ok());
    let reach: Reach = columns.json()?;
    let sample = columns.json()?;
    let undoable = mode == Mode::Soft && matches!(state, PurgeState::Running | PurgeState::Done);
    let purge = Purge {
        id: Some(id),
        dry_run: false,
        selector: columns.json()?,
        mode,
        state: Some(state),
        by,
        created_ms,
        ended_ms,
        plan: PurgePlan { pictures, takes, bytes, regeneration, takes_of_unknown_cost, sample },
        done,
        failing,
        undo_until_ms: undoable.then_some(undo_ms),
        bounds: bounds(reach, cdn),
    };
    Ok((row, purge))
}

fn bounds(reach: Reach, cdn: Option<CdnPurge>) -> Bounds {
    Bounds {
        object_seconds: 0,
        memo_seconds: MEMO_SECONDS,
        kv_seconds: KV_SECONDS,
        browser_seconds: reach.browser_s,
        cdn_seconds: if reach.cdn { 0 } else { reach.edge_s },
        cdn,
    }
}

fn no_such_purge() -> ApiError {
    ApiError::new(404, "invalid_request_error", "purge_not_found", "There is no such purge.")
}
