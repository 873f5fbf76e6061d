//! The durable state of an Account object: documents by kind and name, in one table.
//!
//! Writes without an await between them are one transaction (`SQLite` storage of Durable Objects), and nothing leaves the
//! object before they are durable.

use engine::account::store::{AccountStore, Kind, Record};
use engine::ports::StoreError;
use serde::Deserialize;
use worker::SqlStorageValue;
use worker::durable::Storage;

use super::table::Table;

pub struct Documents(Table);

#[derive(Deserialize)]
struct Document {
    doc: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    doc: String,
}

const COLUMNS: &str = "kind TEXT NOT NULL, id TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (kind, id)";

impl Documents {
    pub fn new(storage: &Storage) -> Self {
        Self(Table::new(storage, "document", COLUMNS))
    }
}

impl AccountStore for Documents {
    fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
        let query = "SELECT doc FROM document WHERE kind = ? AND id = ?";
        let found: Vec<Document> = self.0.rows(query, vec![text(kind.as_str()), text(id)])?;
        Ok(found.into_iter().next().map(|row| row.doc))
    }

    fn list(&self, kind: Kind, after: &str, limit: u32) -> Result<Vec<(String, String)>, StoreError> {
        let query = "SELECT id, doc FROM document WHERE kind = ? AND id > ? ORDER BY id LIMIT ?";
        let bindings = vec![text(kind.as_str()), text(after), SqlStorageValue::Integer(i64::from(limit))];
        let found: Vec<Named> = self.0.rows(query, bindings)?;
        Ok(found.into_iter().map(|row| (row.id, row.doc)).collect())
    }

    fn save(&self, records: &[Record]) -> Result<(), StoreError> {
        self.0.ensure()?;
        for Record { kind, id, document } in records {
            let (kind, id) = (text(kind.as_str()), text(id));
            if let Some(document) = document {
                let row = vec![kind, id, text(document)];
                self.0.exec("INSERT OR REPLACE INTO document (kind, id, doc) VALUES (?, ?, ?)", row)?;
            } else {
                self.0.exec("DELETE FROM document WHERE kind = ? AND id = ?", vec![kind, id])?;
            }
        }
        Ok(())
    }
}

fn text(text: &str) -> SqlStorageValue {
    SqlStorageValue::String(text.to_owned())
}
