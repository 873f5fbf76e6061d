//! Values on their way into statements, and rows on their way out.

use std::fmt::Display;
use std::vec::IntoIter;

use domain::admin::MAX_NUMBER;
use domain::money::NanoUsd;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::{Row, Value};
use crate::ports::StoreError;

/// A number of a store that passes through JavaScript. What is larger becomes the largest that is exact there.
pub(super) fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number.min(MAX_NUMBER)).unwrap_or(i64::MAX))
}

pub(super) fn text(text: impl Display) -> Value {
    Value::Text(text.to_string())
}

pub(super) fn flag(flag: bool) -> Value {
    Value::Integer(i64::from(flag))
}

pub(super) fn optional<T>(value: Option<T>, how: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, how)
}

pub(super) fn json(document: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_string(document).map(Value::Text).map_err(broken)
}

pub(super) fn broken(why: impl Display) -> StoreError {
    StoreError(format!("the catalog: {why}"))
}

/// The columns of one row, taken in their order.
pub(super) struct Columns(IntoIter<Value>);

impl Columns {
    pub(super) fn of(row: Row) -> Self {
        Self(row.into_iter())
    }

    pub(super) fn integer(&mut self) -> Result<i64, StoreError> {
        self.optional_integer()?.ok_or_else(|| broken("a number is missing"))
    }

    pub(super) fn optional_integer(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(broken("a column is not a number")),
        }
    }

    /// A number that is never below zero.
    pub(super) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        T::try_from(self.integer()?).map_err(|_| broken("a number is out of its range"))
    }

    pub(super) fn optional_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, StoreError> {
        let number = self.optional_integer()?;
        number.map(|number| T::try_from(number).map_err(|_| broken("a number is out of its range"))).transpose()
    }

    pub(super) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.integer()? != 0)
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.optional_text()?.ok_or_else(|| broken("a text is missing"))
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(broken("a column is not a text")),
        }
    }

    /// What `parse` makes of a text.
    pub(super) fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(&self.text()?).ok_or_else(|| broken("a text cannot be read"))
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        serde_json::from_str(&self.text()?).map_err(broken)
    }

    /// A sum of money, which is told as text: it may be more than a number of JavaScript holds.
    pub(super) fn amount(&mut self) -> Result<NanoUsd, StoreError> {
        self.parsed(|text| text.parse().ok()).map(NanoUsd)
    }
}

/// A name as it stands in documents, for an enum whose variants are names.
pub(super) fn name(value: &impl Serialize) -> Result<Value, StoreError> {
    match serde_json::to_value(value).map_err(broken)? {
        serde_json::Value::String(name) => Ok(Value::Text(name)),
        _ => Err(broken("a value has no name")),
    }
}

pub(super) fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}
