//! The durable state of a Generation object: one row for each job, take and the rest, each a JSON document.
//!
//! Documents and not columns: the object reads its whole state at once and asks nothing else of it, and a field that is added
//! to a document needs no migration. Writes without an await between them are one transaction (`SQLite` storage of Durable
//! Objects), and nothing leaves the object before they are durable.

use std::cell::Cell;

use domain::job::Pool;
use domain::picture::PictureKey;
use engine::ports::{Change, StoreError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use worker::durable::Storage;
use worker::{SqlStorage, SqlStorageValue};

pub struct JobStore {
    sql: SqlStorage,
    /// The tables are there.
    ready: Cell<bool>,
}

#[derive(Deserialize)]
struct Row {
    doc: String,
}

#[derive(Deserialize)]
struct Count {
    count: u32,
}

const TABLES: &str =
    "CREATE TABLE IF NOT EXISTS meta (id INTEGER PRIMARY KEY CHECK (id = 0), key TEXT NOT NULL, doc TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, doc TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS take (id INTEGER PRIMARY KEY, doc TEXT NOT NULL);";

impl JobStore {
    pub fn new(storage: &Storage) -> Self {
        Self { sql: storage.sql(), ready: Cell::new(false) }
    }

    /// The key under which this object saved.
    pub fn key(storage: &Storage) -> Option<PictureKey> {
        let store = Self::new(storage);
        if !store.exists().ok()? {
            return None;
        }
        let rows: Vec<Row> = store.rows("SELECT key AS doc FROM meta").ok()?;
        PictureKey::parse(&rows.first()?.doc)
    }

    /// An object that was only looked at has no tables: looking costs no write.
    pub fn load(&self) -> Result<Pool, StoreError> {
        if !self.exists()? {
            return Ok(Pool::default());
        }
        let takes: Vec<domain::picture::Take> = self.documents("SELECT doc FROM take ORDER BY id")?;
        Ok(Pool {
            meta: self.documents("SELECT doc FROM meta")?.pop().unwrap_or_default(),
            takes: takes.into_iter().map(|take| (take.take, take)).collect(),
            jobs: self.documents("SELECT doc FROM job ORDER BY id")?,
        })
    }

    pub fn save(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        // No await in here: all of it is one transaction.
        if !self.ready.get() {
            self.exec(TABLES, vec![])?;
            self.ready.set(true);
        }
        for change in changes {
            match change {
                Change::Meta { key, meta } => self.exec(
                    "INSERT OR REPLACE INTO meta (id, key, doc) VALUES (0, ?, ?)",
                    vec![text(&key.to_string()), document(meta)?],
                )?,
                Change::Job(job) => {
                    self.exec("INSERT OR REPLACE INTO job (id, doc) VALUES (?, ?)", vec![id(job.seq), document(job)?])?;
                }
                Change::Forget(seq) => self.exec("DELETE FROM job WHERE id = ?", vec![id(*seq)])?,
                Change::Take(take) => {
                    self.exec(
                        "INSERT OR REPLACE INTO take (id, doc) VALUES (?, ?)",
                        vec![id(u64::from(take.take)), document(take)?],
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Asked before anything is read, since an object may have been looked at and never written.
    fn exists(&self) -> Result<bool, StoreError> {
        let rows: Vec<Count> =
            self.rows("SELECT count(*) AS count FROM sqlite_master WHERE type = 'table' AND name = 'meta'")?;
        self.ready.set(rows.first().is_some_and(|row| row.count > 0));
        Ok(self.ready.get())
    }

    fn documents<T: DeserializeOwned>(&self, query: &str) -> Result<Vec<T>, StoreError> {
        let rows: Vec<Row> = self.rows(query)?;
        rows.iter().map(|row| serde_json::from_str(&row.doc).map_err(|error| StoreError(error.to_string()))).collect()
    }

    fn rows<T: DeserializeOwned>(&self, query: &str) -> Result<Vec<T>, StoreError> {
        let cursor = self.sql.exec(query, None).map_err(|error| StoreError(error.to_string()))?;
        cursor.to_array().map_err(|error| StoreError(error.to_string()))
    }

    fn exec(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<(), StoreError> {
        self.sql.exec(query, bindings).map(|_| ()).map_err(|error| StoreError(error.to_string()))
    }
}

fn text(value: &str) -> SqlStorageValue {
    SqlStorageValue::String(value.to_owned())
}

fn document(value: &impl serde::Serialize) -> Result<SqlStorageValue, StoreError> {
    serde_json::to_string(value).map(SqlStorageValue::String).map_err(|error| StoreError(error.to_string()))
}

fn id(at: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(at).unwrap_or(i64::MAX))
}
