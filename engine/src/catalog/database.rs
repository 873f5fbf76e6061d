//! What the catalog needs of its store: SQL of `SQLite`, with its full-text search.

use crate::ports::StoreError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
}

pub type Row = Vec<Value>;

/// Nothing here waits: what is written between two awaits is one transaction, which a crash leaves whole or undone.
pub trait Database {
    /// Runs one statement. The same text is compiled once.
    fn run(&self, sql: &str, bindings: &[Value]) -> Result<Vec<Row>, StoreError>;
}
