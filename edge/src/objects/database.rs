//! SQL of an object, for the catalog.

use engine::catalog::{Database as Port, Row, Value};
use engine::ports::StoreError;
use worker::durable::Storage;
use worker::{SqlStorage, SqlStorageValue};

use super::table::failed;

pub struct Database(SqlStorage);

impl Database {
    pub fn new(storage: &Storage) -> Self {
        Self(storage.sql())
    }
}

impl Port for Database {
    fn run(&self, sql: &str, bindings: &[Value]) -> Result<Vec<Row>, StoreError> {
        let bindings = bindings.iter().map(bound).collect::<Result<Vec<_>, _>>()?;
        let rows = self.0.exec(sql, bindings).map_err(failed)?.raw();
        rows.map(|row| row.map_err(failed)?.into_iter().map(value).collect()).collect()
    }
}

/// JavaScript carries whole numbers exactly up to 2^53, and one beyond that must not be rounded on the way.
fn bound(value: &Value) -> Result<SqlStorageValue, StoreError> {
    match value {
        Value::Null => Ok(SqlStorageValue::Null),
        Value::Integer(number) => SqlStorageValue::try_from_i64(*number).map_err(failed),
        Value::Text(text) => Ok(SqlStorageValue::String(text.clone())),
    }
}

fn value(value: SqlStorageValue) -> Result<Value, StoreError> {
    match value {
        SqlStorageValue::Null => Ok(Value::Null),
        SqlStorageValue::Boolean(yes) => Ok(Value::Integer(yes.into())),
        SqlStorageValue::Integer(number) => Ok(Value::Integer(number)),
        SqlStorageValue::String(text) => Ok(Value::Text(text)),
        SqlStorageValue::Float(_) => Err(failed("a number that is not whole, or beyond 2^53")),
        SqlStorageValue::Blob(_) => Err(failed("a blob, of which the catalog keeps none")),
    }
}
