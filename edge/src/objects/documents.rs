//! The durable state of an Account object: documents by kind and name, in one table.
//!
//! Writes without an await between them are one transaction (`SQLite` storage of Durable Objects), and nothing leaves the
//! object before they are durable.

use std::cell::Cell;

use engine::account::store::{AccountStore, Kind, Record};
use engine::ports::StoreError;
use serde::Deserialize;
use worker::durable::Storage;
use worker::{SqlStorage, SqlStorageValue};

pub struct Documents {
    sql: SqlStorage,
    /// The table is there; looked up once.
    there: Cell<Option<bool>>,
}

#[derive(Deserialize)]
struct Document {
    doc: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    doc: String,
}

#[derive(Deserialize)]
struct Count {
    count: u32,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS document (
    kind TEXT NOT NULL, id TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID";

impl Documents {
    pub fn new(storage: &Storage) -> Self {
        Self { sql: storage.sql(), there: Cell::new(None) }
    }

    /// An account that was only asked for has no table: asking for a client that does not exist costs no write.
    fn is_there(&self) -> Result<bool, StoreError> {
        if let Some(there) = self.there.get() {
            return Ok(there);
        }
        let tables: Vec<Count> =
            self.query("SELECT count(*) AS count FROM sqlite_master WHERE name = 'document'", vec![])?;
        let there = tables.first().is_some_and(|row| row.count > 0);
        self.there.set(Some(there));
        Ok(there)
    }

    fn query<T: serde::de::DeserializeOwned>(
        &self,
        query: &str,
        bindings: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>, StoreError> {
        self.sql.exec(query, bindings).and_then(|cursor| cursor.to_array()).map_err(failed)
    }

    fn exec(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<(), StoreError> {
        self.sql.exec(query, bindings).map(|_| ()).map_err(failed)
    }
}

impl AccountStore for Documents {
    fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
        if !self.is_there()? {
            return Ok(None);
        }
        let found: Vec<Document> =
            self.query("SELECT doc FROM document WHERE kind = ? AND id = ?", vec![text(kind.as_str()), text(id)])?;
        Ok(found.into_iter().next().map(|row| row.doc))
    }

    fn list(&self, kind: Kind, after: &str, limit: u32) -> Result<Vec<(String, String)>, StoreError> {
        if !self.is_there()? {
            return Ok(Vec::new());
        }
        let found: Vec<Named> = self.query(
            "SELECT id, doc FROM document WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
            vec![text(kind.as_str()), text(after), SqlStorageValue::Integer(i64::from(limit))],
        )?;
        Ok(found.into_iter().map(|row| (row.id, row.doc)).collect())
    }

    fn save(&self, records: &[Record]) -> Result<(), StoreError> {
        if !self.is_there()? {
            self.exec(TABLE, vec![])?;
            self.there.set(Some(true));
        }
        for Record { kind, id, document } in records {
            let (kind, id) = (text(kind.as_str()), text(id));
            if let Some(document) = document {
                let row = vec![kind, id, text(document)];
                self.exec("INSERT OR REPLACE INTO document (kind, id, doc) VALUES (?, ?, ?)", row)?;
            } else {
                self.exec("DELETE FROM document WHERE kind = ? AND id = ?", vec![kind, id])?;
            }
        }
        Ok(())
    }
}

fn text(text: &str) -> SqlStorageValue {
    SqlStorageValue::String(text.to_owned())
}

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError(error.to_string())
}
