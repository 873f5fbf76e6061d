//! Reading single fields: scope is types, ranges and lists of values, with the API's errors.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// The fields of a request. An explicit `null` counts as absent.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    /// The value of a field that is there.
    pub(super) fn present(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let Some(value) = self.present(name) else {
            return Ok(None);
        };
        match value.as_str() {
            Some(text) => Ok(Some(text)),
            None => Err(wrong_type(name, "a string", value)),
        }
    }

    /// A text out of a list.
    pub(super) fn choice(&self, name: &str, supported: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match supported.iter().find(|value| **value == text) {
            Some(value) => Ok(Some(value)),
            None => Err(ApiError::invalid_value(name, text, supported)),
        }
    }

    /// A whole number within limits that are both allowed.
    pub(super) fn integer(&self, name: &str, (least, most): (u32, u32)) -> Result<Option<u32>, ApiError> {
        let Some(value) = self.present(name) else {
            return Ok(None);
        };
        if !value.is_i64() && !value.is_u64() {
            return Err(wrong_type(name, "an integer", value));
        }
        // A negative or huge number is outside the limits as well, on the side its sign tells.
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ if value.as_i64().is_some_and(|number| number < i64::from(least)) => {
                let message = format!(
                    "Invalid '{name}': integer below minimum value. Expected a value >= {least}, \
                     but got {value} instead."
                );
                let code = "integer_below_min_value";
                Err(ApiError::invalid(code, Some(name), message))
            }
            _ => {
                let message = format!(
                    "Invalid '{name}': integer above maximum value. Expected a value <= {most}, \
                     but got {value} instead."
                );
                let code = "integer_above_max_value";
                Err(ApiError::invalid(code, Some(name), message))
            }
        }
    }

    /// A yes or no, which is a no when it is absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let Some(value) = self.present(name) else {
            return Ok(false);
        };
        value.as_bool().ok_or_else(|| wrong_type(name, "a boolean", value))
    }
}

/// The error for a value of another type than the one a field takes.
pub(super) fn wrong_type(name: &str, expected: &str, value: &Value) -> ApiError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let message = format!("Invalid type for '{name}': expected {expected}, but got {found} instead.");
    ApiError::invalid("invalid_type", Some(name), message)
}
