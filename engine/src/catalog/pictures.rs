//! Pictures and their takes, as the objects tell of them.

use domain::job::Receipt;
use domain::picture::options::Choice as _;
use domain::picture::{Picture, PictureKey, Take};

use super::database::{Database, Value};
use super::sql::{Columns, broken, json, name, number, optional, text};
use super::{Catalog, Registration};
use crate::ports::StoreError;

/// What is listed stands in narrow rows, apart from the prompts and the rest, so that going through all of them stays
/// cheap.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE picture (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        takes INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        cost INTEGER NOT NULL DEFAULT 0,
        purged_takes INTEGER NOT NULL DEFAULT 0,
        purged_bytes INTEGER NOT NULL DEFAULT 0,
        purged_cost INTEGER NOT NULL DEFAULT 0,
        created_ms INTEGER NOT NULL,
        hits INTEGER NOT NULL DEFAULT 0,
        last_hit_ms INTEGER NOT NULL DEFAULT 0,
        width INTEGER,
        height INTEGER,
        format TEXT,
        client TEXT NOT NULL,
        model TEXT NOT NULL,
        namespace TEXT NOT NULL,
        size TEXT NOT NULL,
        quality TEXT NOT NULL,
        tags TEXT NOT NULL,
        preferred INTEGER NOT NULL,
        told_ms INTEGER NOT NULL
    )",
    // None by hits: isolates tell them every few seconds, and each would write an entry. Nor by cost or bytes: with a
    // filter that few pictures
    // pass, their order costs more on the way than sorting at the end.
    "CREATE INDEX picture_created ON picture (created_ms, id) WHERE takes > 0",
    // What is kept in all: an overview reads it whole, and it is a tenth of the table.
    "CREATE INDEX picture_stock ON picture (bytes, takes) WHERE takes > 0",
    "CREATE INDEX picture_purged ON picture (id) WHERE purged_takes > 0",
    "CREATE TABLE picture_tag (tag TEXT NOT NULL, picture INTEGER NOT NULL, PRIMARY KEY (tag, picture)) WITHOUT ROWID",
    // The canonical request without its prompt.
    "CREATE TABLE canonical (id INTEGER PRIMARY KEY, doc TEXT NOT NULL)",
    "CREATE TABLE prompt (id INTEGER PRIMARY KEY, prompt TEXT NOT NULL)",
    // The beginnings of one and two letters, which many words have, have an index of their own.
    "CREATE VIRTUAL TABLE prompt_text USING fts5 (
        prompt, content = 'prompt', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2'
    )",
    // `undo_ms` is until when a purged take can be put back; then its bytes go.
    "CREATE TABLE take (
        picture INTEGER NOT NULL,
        take INTEGER NOT NULL,
        state TEXT NOT NULL,
        purge INTEGER,
        undo_ms INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL,
        cost INTEGER,
        claimed_ms INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        format TEXT NOT NULL,
        client TEXT NOT NULL,
        job TEXT NOT NULL,
        tags TEXT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (picture, take)
    ) WITHOUT ROWID",
    "CREATE INDEX take_digest ON take (digest)",
    "CREATE INDEX take_purged ON take (undo_ms) WHERE state = 'purged'",
    "CREATE INDEX take_of_purge ON take (purge) WHERE purge IS NOT NULL",
];

impl<D: Database> Catalog<D> {
    /// Notes what became of a job. The receipts that are new as final ones come back, each exactly once.
    pub(super) fn register<'a>(
        &self,
        registration: &'a Registration,
        now_ms: u64,
    ) -> Result<Vec<&'a Receipt>, StoreError> {
        let picture = self.enter(registration)?;
        let noted = self.note_receipts(picture, registration)?;
        for take in &registration.takes {
            self.put_take(picture, registration, take, None)?;
        }
        for (purge, take) in &registration.purged {
            self.join_purged(picture, registration, purge, take, now_ms)?;
        }
        if !noted.finals.is_empty() {
            self.join_purges(picture, registration, now_ms)?;
        }
        self.recount(picture)?;
        if let Some(event) = noted.event {
            self.note(&event)?;
        }
        Ok(noted.finals)
    }

    pub(super) fn find(&self, key: &PictureKey) -> Result<Option<i64>, StoreError> {
        let rows = self.db.run("SELECT id FROM picture WHERE key = ?1", &[text(key)])?;
        rows.into_iter().next().map(|row| Columns::of(row).integer()).transpose()
    }

    /// The row of the picture, made where there is none.
    fn enter(&self, registration: &Registration) -> Result<i64, StoreError> {
        let Registration { key, picture, preferred, .. } = registration;
        let receipt = registration.receipts.first().ok_or_else(|| broken("a registration without receipts"))?;
        if let Some(id) = self.find(key)? {
            // An older job that is told of late says nothing of what is preferred now.
            self.db.run(
                "UPDATE picture SET preferred = ?2, told_ms = ?3 WHERE id = ?1 AND told_ms <= ?3",
                &[Value::Integer(id), number(u64::from(*preferred)), number(receipt.claimed_ms)],
            )?;
            return Ok(id);
        }
        let rows = self.db.run(
            "INSERT INTO picture (key, created_ms, client, model, namespace, size, quality, tags, preferred, told_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '[]', ?8, ?2) RETURNING id",
            &[
                text(key),
                number(receipt.claimed_ms),
                text(receipt.client.as_str()),
                text(&picture.model),
                text(&picture.namespace),
                text(picture.size),
                text(picture.quality.as_str()),
                number(u64::from(*preferred)),
            ],
        )?;
        let row = rows.into_iter().next().ok_or_else(|| broken("a row was not written"))?;
        let id = Columns::of(row).integer()?;
        let prompt = [Value::Integer(id), text(picture.prompt.as_str())];
        self.db.run("INSERT INTO prompt (id, prompt) VALUES (?1, ?2)", &prompt)?;
        self.db.run("INSERT INTO prompt_text (rowid, prompt) VALUES (?1, ?2)", &prompt)?;
        self.db.run(
            "INSERT INTO canonical (id, doc) VALUES (?1, ?2)",
            &[Value::Integer(id), json(&without_prompt(picture)?)?],
        )?;
        Ok(id)
    }

    /// Enters a take, with the purge that took it and until when that can be undone. Takes never change, and what is
    /// known of where one is now is
    /// newer than what is told of it again: so a row that is there stays, unless a purge is named.
    pub(super) fn put_take(
        &self,
        picture: i64,
        registration: &Registration,
        take: &Take,
        purged: Option<(i64, u64)>,
    ) -> Result<bool, StoreError> {
        let of_it = |receipt: &&Receipt| receipt.take == Some(take.take);
        let receipt = registration.receipts.iter().find(of_it).or(registration.receipts.first());
        let receipt = receipt.ok_or_else(|| broken("a registration without receipts"))?;
        let known = Known {
            claimed_ms: receipt.claimed_ms,
            client: receipt.client.as_str(),
            job: receipt.id.as_str(),
            tags: &registration.tags,
        };
        self.insert_take(picture, take, &known, purged)
    }

    /// True if it was not there.
    pub(super) fn insert_take(
        &self,
        picture: i64,
        take: &Take,
        known: &Known<'_>,
        purged: Option<(i64, u64)>,
    ) -> Result<bool, StoreError> {
        let rows = self.db.run(
            "INSERT INTO take (picture, take, state, purge, undo_ms, bytes, cost, claimed_ms, created_ms, width, height, format, client, job,
                 tags, digest)
             VALUES (?1, ?2, CASE WHEN ?3 IS NULL THEN 'live' ELSE 'purged' END, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT DO NOTHING RETURNING 1",
            &[
                Value::Integer(picture),
                number(u64::from(take.take)),
                optional(purged, |(purge, _)| Value::Integer(purge)),
                number(purged.map_or(0, |(_, undo_ms)| undo_ms)),
                number(take.bytes),
                optional(take.cost, |cost| number(cost.0)),
                number(known.claimed_ms),
                number(take.created_ms),
                number(u64::from(take.width)),
                number(u64::from(take.height)),
                name(&take.format)?,
                text(known.client),
                text(known.job),
                json(&known.tags)?,
                text(take.digest),
            ],
        )?;
        Ok(!rows.is_empty())
    }

    /// Works out again what a picture's row says of its takes.
    pub(super) fn recount(&self, picture: i64) -> Result<(), StoreError> {
        let id = Value::Integer(picture);
        self.db.run(
            "UPDATE picture SET (takes, bytes, cost, purged_takes, purged_bytes, purged_cost) = (
                 SELECT count(*) FILTER (WHERE state = 'live'),
                     coalesce(sum(bytes) FILTER (WHERE state = 'live'), 0),
                     coalesce(sum(cost) FILTER (WHERE state = 'live'), 0),
                     count(*) FILTER (WHERE state = 'purged' AND undo_ms > 0),
                     coalesce(sum(bytes) FILTER (WHERE state = 'purged' AND undo_ms > 0), 0),
                     coalesce(sum(cost) FILTER (WHERE state = 'purged' AND undo_ms > 0), 0)
                 FROM take WHERE picture = ?1)
             WHERE id = ?1",
            std::slice::from_ref(&id),
        )?;
        // The newest that is there; failing that, the newest that can be put back.
        self.db.run(
            "UPDATE picture SET (client, created_ms, width, height, format) = (newest.client, newest.created_ms, newest.width, newest.height,
                 newest.format)
             FROM (SELECT * FROM take WHERE picture = ?1 AND state <> 'gone' ORDER BY state, created_ms DESC, take DESC LIMIT 1) newest
             WHERE id = ?1",
            std::slice::from_ref(&id),
        )?;
        self.tag(picture)
    }

    /// The tags of all takes that are there or can be put back.
    fn tag(&self, picture: i64) -> Result<(), StoreError> {
        const OLD: &str =
            "SELECT tag.value FROM picture CROSS JOIN json_each(picture.tags) tag WHERE picture.id = ?1 ORDER BY 1";
        const NOW: &str = "SELECT DISTINCT tag.value FROM take CROSS JOIN json_each(take.tags) tag
            WHERE take.picture = ?1 AND take.state <> 'gone' ORDER BY 1";
        let read = |sql: &str| -> Result<Vec<String>, StoreError> {
            self.db.run(sql, &[Value::Integer(picture)])?.into_iter().map(|row| Columns::of(row).text()).collect()
        };
        let (old, now) = (read(OLD)?, read(NOW)?);
        if old == now {
            return Ok(());
        }
        for tag in &old {
            self.db.run(
                "DELETE FROM picture_tag WHERE tag = ?1 AND picture = ?2",
                &[text(tag), Value::Integer(picture)],
            )?;
        }
        for tag in &now {
            self.db
                .run("INSERT INTO picture_tag (tag, picture) VALUES (?1, ?2)", &[text(tag), Value::Integer(picture)])?;
        }
        self.db.run("UPDATE picture SET tags = ?2 WHERE id = ?1", &[Value::Integer(picture), json(&now)?])?;
        Ok(())
    }
}

/// What is known of a take besides what it says itself.
pub(super) struct Known<'a> {
    pub claimed_ms: u64,
    pub client: &'a str,
    pub job: &'a str,
    pub tags: &'a [String],
}

fn without_prompt(picture: &Picture) -> Result<serde_json::Value, StoreError> {
    let mut document = serde_json::to_value(picture).map_err(broken)?;
    if let Some(members) = document.as_object_mut() {
        members.remove("prompt");
    }
    Ok(document)
}

/// A picture of its parts.
pub(super) fn with_prompt(document: &str, prompt: String) -> Result<Picture, StoreError> {
    let mut document: serde_json::Map<String, serde_json::Value> = serde_json::from_str(document).map_err(broken)?;
    document.insert("prompt".to_owned(), serde_json::Value::String(prompt));
    serde_json::from_value(serde_json::Value::Object(document)).map_err(broken)
}
