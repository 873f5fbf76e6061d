//! The tables of the catalog, made by the first ask.
//!
//! Each file of the catalog names its own. What is written often has few indices, since every entry of one is a row
//! that is written.

use super::database::Database;
use super::sql::{Columns, number, text};
use super::{Catalog, feed, pictures, purge, receipts, usage};
use crate::ports::StoreError;

const META: &str = "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID";

/// Goes up with each change of a table; the change itself then stands here, by the version that it leads to.
const VERSION: u64 = 1;

impl<D: Database> Catalog<D> {
    /// Makes the tables where there are none.
    pub(super) fn ensure(&self) -> Result<(), StoreError> {
        if self.ready.get() {
            return Ok(());
        }
        if self.version()?.is_none() {
            self.db.run(META, &[])?;
            let tables = [pictures::TABLES, receipts::TABLES, purge::TABLES, feed::TABLES, usage::TABLES];
            for table in tables.into_iter().flatten() {
                self.db.run(table, &[])?;
            }
            self.db.run("INSERT INTO meta (name, value) VALUES (?1, ?2)", &[text("version"), number(VERSION)])?;
        }
        self.ready.set(true);
        Ok(())
    }

    fn version(&self) -> Result<Option<u64>, StoreError> {
        let tables = self.db.run("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'", &[])?;
        if tables.is_empty() {
            return Ok(None);
        }
        let rows = self.db.run("SELECT value FROM meta WHERE name = 'version'", &[])?;
        rows.into_iter().next().map(|row| Columns::of(row).number()).transpose()
    }
}
