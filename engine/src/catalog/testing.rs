//! A real `SQLite` in memory, with what the one of a Durable Object does not do refused here as well.

use std::rc::Rc;

use rusqlite::Connection;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;

use super::database::{Database, Row, Value};
use crate::ports::StoreError;

/// Clones are the same database, as for an object that starts again.
#[derive(Clone)]
pub(super) struct Sqlite(Rc<Connection>);

/// Whole numbers beyond this are not exact in JavaScript, through which they pass.
const EXACT: i64 = 1 << 53;

/// What `workerd` allows.
const LIMITS: [(Limit, i32); 5] = [
    (Limit::SQLITE_LIMIT_COLUMN, 100),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 32),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
];

impl Sqlite {
    pub(super) fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.set_prepared_statement_cache_capacity(500);
        for (limit, most) in LIMITS {
            connection.set_limit(limit, most).unwrap();
        }
        Self(Rc::new(connection))
    }

    /// The steps of a statement's plan.
    pub(super) fn plan(&self, sql: &str) -> Vec<String> {
        let mut statement = self.0.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = statement.parameter_count();
        let rows =
            statement.query_map(rusqlite::params_from_iter(vec![rusqlite::types::Null; count]), |row| row.get(3));
        rows.unwrap().map(Result::unwrap).collect()
    }
}

impl Database for Sqlite {
    fn run(&self, sql: &str, bindings: &[Value]) -> Result<Vec<Row>, StoreError> {
        let failed = |error: rusqlite::Error| StoreError(format!("{error}: {sql}"));
        assert!(bindings.len() <= 100, "too many bindings: {sql}");
        for word in ["sqlite_version", "PRAGMA", "BEGIN", "COMMIT", "SAVEPOINT", "ATTACH", "TEMP"] {
            assert!(!sql.contains(word), "{word} is not allowed: {sql}");
        }
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        assert_eq!(statement.parameter_count(), bindings.len(), "{sql}");
        for (at, value) in bindings.iter().enumerate() {
            let bound = match value {
                Value::Null => statement.raw_bind_parameter(at + 1, rusqlite::types::Null),
                Value::Integer(number) => {
                    assert!((-EXACT..=EXACT).contains(number), "{number} is not exact: {sql}");
                    // JavaScript knows no other numbers.
                    #[expect(clippy::cast_precision_loss, reason = "exact, as was just seen")]
                    statement.raw_bind_parameter(at + 1, *number as f64)
                }
                Value::Text(text) => statement.raw_bind_parameter(at + 1, text),
            };
            bound.map_err(failed)?;
        }
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let value = |at: usize| match row.get_ref(at).unwrap() {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => {
                    assert!((-EXACT..=EXACT).contains(&number), "{number} is not exact: {sql}");
                    Value::Integer(number)
                }
                ValueRef::Real(number) => {
                    assert!(number.fract() == 0.0, "{number} is not whole: {sql}");
                    #[expect(clippy::cast_possible_truncation, reason = "whole, as was just seen")]
                    Value::Integer(number as i64)
                }
                ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
                ValueRef::Blob(_) => panic!("there are no blobs: {sql}"),
            };
            all.push((0..columns).map(value).collect());
        }
        Ok(all)
    }
}

/// An empty catalog.
pub(super) fn catalog() -> super::Catalog<Sqlite> {
    let catalog = super::Catalog::new(Sqlite::new());
    catalog.ensure().unwrap();
    catalog
}
