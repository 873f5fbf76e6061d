//! The query of a list, read strictly: a name that is not known, or a value that cannot be read, is refused and not passed over.

use crate::ApiError;
use crate::query::Query;

pub struct Parameters<'a>(&'a Query);

/// Whole numbers up to here survive JSON and every store that they pass.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

impl<'a> Parameters<'a> {
    pub fn new(query: &'a Query, known: &[&str]) -> Result<Self, ApiError> {
        query.only(known).map(|()| Self(query))
    }

    /// What `read` makes of the value; `rule` says what it has to be.
    pub fn read<T>(
        &self,
        name: &'static str,
        rule: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| ApiError::invalid(name, "invalid_value", format!("'{name}' is {rule}.")))
    }

    pub fn text(&self, name: &'static str) -> Result<Option<String>, ApiError> {
        self.read(name, "blank: give a value, or leave it out", |text| {
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        })
    }

    pub fn number(&self, name: &'static str, rule: &str) -> Result<Option<u64>, ApiError> {
        self.read(name, rule, whole)
    }

    pub fn limit(&self, default: u32) -> Result<u32, ApiError> {
        self.0.limit(default, 200)
    }
}

/// Digits and nothing else.
pub fn whole(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok().filter(|number| *number <= MAX_NUMBER) } else { None }
}
