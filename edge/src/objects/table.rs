//! The one table of an object. It is made by the first write, so that an object which was only asked costs none.

use std::cell::Cell;

use engine::ports::StoreError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use worker::durable::Storage;
use worker::{SqlStorage, SqlStorageValue};

pub struct Table {
    sql: SqlStorage,
    name: &'static str,
    columns: &'static str,
    /// Looked up once.
    there: Cell<Option<bool>>,
}

#[derive(Deserialize)]
struct Count {
    count: u32,
}

impl Table {
    pub fn new(storage: &Storage, name: &'static str, columns: &'static str) -> Self {
        Self { sql: storage.sql(), name, columns, there: Cell::new(None) }
    }

    /// Makes it where it is missing.
    pub fn ensure(&self) -> Result<(), StoreError> {
        if !self.is_there()? {
            self.exec(&format!("CREATE TABLE IF NOT EXISTS {} ({}) WITHOUT ROWID", self.name, self.columns), vec![])?;
            self.there.set(Some(true));
        }
        Ok(())
    }

    /// The rows of a query; none where there is no table.
    pub fn rows<T: DeserializeOwned>(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Vec<T>, StoreError> {
        if self.is_there()? { self.query(query, bindings) } else { Ok(Vec::new()) }
    }

    /// A change of a table that is there.
    pub fn exec(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<(), StoreError> {
        self.sql.exec(query, bindings).map(|_| ()).map_err(failed)
    }

    fn is_there(&self) -> Result<bool, StoreError> {
        if let Some(there) = self.there.get() {
            return Ok(there);
        }
        let name = vec![SqlStorageValue::String(self.name.to_owned())];
        let tables: Vec<Count> = self.query("SELECT count(*) AS count FROM sqlite_master WHERE name = ?", name)?;
        let there = tables.first().is_some_and(|row| row.count > 0);
        self.there.set(Some(there));
        Ok(there)
    }

    fn query<T: DeserializeOwned>(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Vec<T>, StoreError> {
        self.sql.exec(query, bindings).and_then(|cursor| cursor.to_array()).map_err(failed)
    }
}

pub fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError(error.to_string())
}
