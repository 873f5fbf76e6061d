//! What a client may: its policy, in the form in which it is stored, sent and shown.
//!
//! In scope: reading it strictly, and holding a picture against it. Out of scope: counting; the account does that.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ApiError;
use crate::money::budget::Budget;
use crate::money::{NanoUsd, decimal};
use crate::picture::options::{Choice as _, Quality};
use crate::picture::{Picture, model};

/// Every member is written out. Both budgets have to be given when a client is made, also where there is none (`null`): that
/// nobody limits a client must be somebody's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    #[serde(flatten)]
    pub limits: Limits,
    /// Names as requests give them; `null` is all.
    pub models: Option<Vec<String>>,
    /// `WxH` or `auto`.
    pub sizes: Option<Vec<String>>,
    pub qualities: Option<Vec<Quality>>,
    pub dedup: Dedup,
    /// Clients of one namespace share pictures; clients of different ones never do.
    pub namespace: String,
    #[serde(rename = "unknown_hold_seconds", with = "hold")]
    pub unknown_hold: UnknownHold,
    /// For the operator's lists and filters.
    pub tags: Vec<String>,
    pub when_suspended: WhenSuspended,
}

/// What an account counts against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    #[serde(rename = "budget_per_day_usd", with = "decimal::option")]
    pub budget_per_day: Option<NanoUsd>,
    #[serde(rename = "budget_per_month_usd", with = "decimal::option")]
    pub budget_per_month: Option<NanoUsd>,
    /// Of requests that have something made.
    pub requests_per_minute: Option<NonZeroU32>,
    pub concurrent_generations: Option<NonZeroU32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dedup {
    On,
    /// Every call gets a fresh take: for SDKs that send identical parallel calls and expect different pictures.
    Off,
}

/// What a suspended client still gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenSuspended {
    /// Pictures that exist.
    Cached,
    Nothing,
}

/// How long a picture whose outcome is unknown may not be bought again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownHold {
    Ms(u64),
    /// Until an operator decides.
    Operator,
}

impl UnknownHold {
    /// When a hold that starts at `now_ms` ends; `None` is never.
    pub fn until_ms(self, now_ms: u64) -> Option<u64> {
        match self {
            Self::Ms(ms) => Some(now_ms.saturating_add(ms)),
            Self::Operator => None,
        }
    }
}

/// What a deployment gives a client whose policy leaves it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    pub namespace: String,
    pub unknown_hold: UnknownHold,
}

/// What has no default.
const BUDGETS: &[&str] = &["budget_per_day_usd", "budget_per_month_usd"];

const MAX_LIST: usize = 100;
const MAX_TAGS: usize = 20;
const MAX_HOLD_S: u64 = 31_536_000;

impl Policy {
    /// The policy of a new client.
    pub fn read(given: &Map<String, Value>, defaults: &Defaults) -> Result<Self, ApiError> {
        let base = json!({
            "models": null, "sizes": null, "qualities": null,
            "requests_per_minute": null, "concurrent_generations": null,
            "dedup": Dedup::On, "namespace": defaults.namespace, "tags": [], "when_suspended": WhenSuspended::Cached,
            "unknown_hold_seconds": hold::shown(defaults.unknown_hold),
        });
        Self::merged(base, given)
    }

    /// This policy with the members that are given (RFC 7396, but that `null` is a value).
    pub fn changed(&self, given: &Map<String, Value>) -> Result<Self, ApiError> {
        Self::merged(json!(self), given)
    }

    fn merged(base: Value, given: &Map<String, Value>) -> Result<Self, ApiError> {
        let policy: Self = merged(base, BUDGETS, given)?;
        policy.check()?;
        Ok(policy)
    }

    fn check(&self) -> Result<(), ApiError> {
        let listed = |name: &'static str, list: &Option<Vec<String>>, good: fn(&str) -> bool| match list {
            Some(list) if list.len() > MAX_LIST => Err(wrong(name, &format!("takes up to {MAX_LIST} values."))),
            Some(list) => match list.iter().find(|value| !good(value)) {
                Some(value) => Err(wrong(name, &format!("has no value {value:?}."))),
                None => Ok(()),
            },
            None => Ok(()),
        };
        listed("models", &self.models, |model| model::find(model).is_some())?;
        listed("sizes", &self.sizes, is_size)?;
        if !is_name(&self.namespace) {
            return Err(wrong("namespace", "is 1 to 64 letters, digits, '-' or '_'."));
        }
        let sound = |tag: &String| (1..=64).contains(&tag.len()) && !tag.chars().any(char::is_control);
        if self.tags.len() > MAX_TAGS || !self.tags.iter().all(sound) {
            return Err(wrong("tags", &format!("takes up to {MAX_TAGS} texts of 1 to 64 bytes.")));
        }
        Ok(())
    }

    /// May the client ask for this picture? The same whether it exists or not, so that nobody learns by luck.
    pub fn permits(&self, picture: &Picture) -> Result<(), ApiError> {
        if let Some(models) = &self.models {
            within("model", "model_not_allowed", models, &picture.model)?;
        }
        if let Some(sizes) = &self.sizes {
            within("size", "size_not_allowed", sizes, &picture.size.to_string())?;
        }
        if let Some(qualities) = &self.qualities {
            let names: Vec<&str> = qualities.iter().map(|quality| quality.as_str()).collect();
            within("quality", "quality_not_allowed", &names, picture.quality.as_str())?;
        }
        Ok(())
    }
}

impl Limits {
    pub fn changed(&self, given: &Map<String, Value>) -> Result<Self, ApiError> {
        merged(json!(self), &[], given)
    }

    pub fn budget(&self) -> Budget {
        Budget { per_day: self.budget_per_day, per_month: self.budget_per_month }
    }
}

/// 1 to 64 letters, digits, `-` or `_`.
pub fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    plain && (1..=64).contains(&text.len())
}

fn is_size(text: &str) -> bool {
    let edge = |edge: &str| (3..=4).contains(&edge.len()) && edge.bytes().all(|byte| byte.is_ascii_digit());
    text == "auto" || text.split_once('x').is_some_and(|(width, height)| edge(width) && edge(height))
}

/// The members of `base`, with those that are given; `required` are those that `base` need not have.
fn merged<T: serde::de::DeserializeOwned>(
    base: Value,
    required: &[&str],
    given: &Map<String, Value>,
) -> Result<T, ApiError> {
    let Value::Object(mut members) = base else { return Err(wrong("policy", "cannot be read.")) };
    let known = |name: &String| members.contains_key(name) || required.contains(&name.as_str());
    if let Some(name) = given.keys().find(|name| !known(name)) {
        let message = format!("Unknown parameter: 'policy.{name}'.");
        return Err(ApiError::invalid(format!("policy.{name}"), "unknown_parameter", message));
    }
    members.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    serde_json::from_value(Value::Object(members))
        .map_err(|error| ApiError::invalid("policy", "invalid_value", format!("The policy cannot be read: {error}.")))
}

fn within<T: AsRef<str>>(param: &'static str, code: &'static str, allowed: &[T], given: &str) -> Result<(), ApiError> {
    if allowed.iter().any(|value| value.as_ref() == given) {
        return Ok(());
    }
    let names: Vec<String> = allowed.iter().map(|value| format!("'{}'", value.as_ref())).collect();
    let message = format!("This client may not use {param} '{given}'. Allowed are: {}.", names.join(", "));
    let mut error = ApiError::new(403, "invalid_request_error", code, message);
    error.param = Some(param.into());
    Err(error)
}

fn wrong(member: &'static str, what: &str) -> ApiError {
    ApiError::invalid(member, "invalid_value", format!("'policy.{member}' {what}"))
}

/// Whole seconds, or `operator`.
mod hold {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};
    use serde_json::Value;

    use super::{MAX_HOLD_S, UnknownHold};

    pub fn shown(hold: UnknownHold) -> Value {
        match hold {
            UnknownHold::Ms(ms) => Value::from(ms / 1_000),
            UnknownHold::Operator => Value::from("operator"),
        }
    }

    pub fn serialize<S: Serializer>(hold: &UnknownHold, serializer: S) -> Result<S::Ok, S::Error> {
        shown(*hold).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnknownHold, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) if word == "operator" => Ok(UnknownHold::Operator),
            value => match value.as_u64() {
                Some(seconds) if seconds <= MAX_HOLD_S => Ok(UnknownHold::Ms(seconds * 1_000)),
                _ => Err(D::Error::custom(format!(
                    "'unknown_hold_seconds' is 0 to {MAX_HOLD_S} seconds, or \"operator\""
                ))),
            },
        }
    }
}

#[cfg(test)]
mod tests;
