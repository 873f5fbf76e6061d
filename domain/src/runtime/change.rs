//! A change of the settings: what is not given stays, and `null` resets where nothing is a value.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{Generation, Retention, RuntimeSettings};
use crate::ApiError;
use crate::money::{PriceError, PriceTable};
use crate::picture::model::{self, MODELS};

const MEMBERS: &[&str] = &["generation", "default_model", "models", "prices", "retention"];

/// Less than a picture would give up whatever was made a moment ago.
const MAX_BYTES: RangeInclusive<u64> = 1_000_000..=u64::MAX;
const MAX_IDLE_DAYS: RangeInclusive<u64> = 1..=3_650;

impl RuntimeSettings {
    /// These settings with the members that are given. Nothing is changed where one of them is wrong.
    pub fn changed(&self, body: &Map<String, Value>) -> Result<Self, ApiError> {
        known("", body, MEMBERS)?;
        let mut next = self.clone();
        if let Some(given) = body.get("generation") {
            next.generation = match given.as_str() {
                Some("on") => Generation::On,
                Some("off") => Generation::Off,
                _ => return Err(wrong("generation", "must be 'on' or 'off'")),
            };
        }
        if let Some(given) = body.get("default_model") {
            next.default_model = optional(given, |given| name("default_model", given))?;
        }
        if let Some(given) = body.get("models") {
            next.models = optional(given, names)?;
        }
        if let Some(given) = body.get("prices") {
            next.prices = optional(given, |given| PriceTable::read(given).map_err(|error| prices(&error)))?;
        }
        if let Some(given) = body.get("retention") {
            next.retention = self.retention.changed(given)?;
        }
        next.check()?;
        Ok(next)
    }

    /// What has to be true of the settings as a whole, whichever of them was changed.
    fn check(&self) -> Result<(), ApiError> {
        if let Some(model) = self.default_model.as_ref().filter(|model| !self.allows(model)) {
            return Err(wrong("default_model", &format!("is '{model}', which is not among 'models'")));
        }
        let Some(table) = &self.prices else { return Ok(()) };
        let named = self.default_model.iter().map(|model| ("default_model", model));
        let mut named = named.chain(self.models.iter().flatten().map(|model| ("models", model)));
        if let Some((member, model)) = named.find(|(_, model)| table.price(model).is_err()) {
            let what = format!("names '{model}', for which 'prices' has no price, so nothing could be bought");
            return Err(wrong(member, &what));
        }
        Ok(())
    }
}

impl Retention {
    fn changed(self, given: &Value) -> Result<Self, ApiError> {
        let members = given.as_object().ok_or_else(|| {
            wrong("retention", "must be an object with 'max_bytes' or 'max_idle_days'; null in it keeps everything")
        })?;
        known("retention.", members, &["max_bytes", "max_idle_days"])?;
        let mut next = self;
        if let Some(given) = members.get("max_bytes") {
            next.max_bytes = optional(given, |given| number("retention.max_bytes", given, &MAX_BYTES))?;
        }
        if let Some(given) = members.get("max_idle_days") {
            let days = optional(given, |given| number("retention.max_idle_days", given, &MAX_IDLE_DAYS))?;
            next.max_idle_days = days.and_then(|days| u32::try_from(days).ok());
        }
        Ok(next)
    }
}

fn optional<T>(given: &Value, read: impl FnOnce(&Value) -> Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    if given.is_null() { Ok(None) } else { read(given).map(Some) }
}

fn name(member: &'static str, given: &Value) -> Result<String, ApiError> {
    let text = given.as_str().ok_or_else(|| wrong(member, "must name a model, or be null"))?;
    if let Some(model) = model::find(text) {
        Ok(model.name.to_owned())
    } else {
        let shown: String = text.chars().take(60).collect();
        let known: Vec<&str> = MODELS.iter().map(|model| model.name).collect();
        Err(wrong(member, &format!("names '{shown}', which is no known model. Known are: {}", known.join(", "))))
    }
}

fn names(given: &Value) -> Result<Vec<String>, ApiError> {
    let list = given.as_array().filter(|list| !list.is_empty() && list.len() <= MODELS.len());
    let list = list.ok_or_else(|| {
        wrong(
            "models",
            "must be a list of one model or more, or null for all. 'generation': 'off' is how nothing is made",
        )
    })?;
    let names = list.iter().map(|given| name("models", given)).collect::<Result<Vec<_>, _>>()?;
    let twice = names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|other| other == *name));
    match twice {
        Some((_, name)) => Err(wrong("models", &format!("names '{name}' twice"))),
        None => Ok(names),
    }
}

fn number(member: &'static str, given: &Value, allowed: &RangeInclusive<u64>) -> Result<u64, ApiError> {
    given.as_u64().filter(|number| allowed.contains(number)).ok_or_else(|| {
        let bounds = match *allowed.end() {
            u64::MAX => format!("from {}", allowed.start()),
            end => format!("from {} to {end}", allowed.start()),
        };
        wrong(member, &format!("must be a whole number {bounds}, or null"))
    })
}

fn prices(error: &PriceError) -> ApiError {
    match error {
        PriceError::Member { member, what } => {
            let path = if member.is_empty() { "prices".to_owned() } else { format!("prices.{member}") };
            ApiError::invalid(path.clone(), "invalid_value", format!("'{path}' {what}."))
        }
        error => wrong("prices", &format!("cannot be read: {error}")),
    }
}

fn known(path: &str, body: &Map<String, Value>, members: &[&str]) -> Result<(), ApiError> {
    match body.keys().find(|name| !members.contains(&name.as_str())) {
        Some(name) => {
            let shown: String = name.chars().take(60).collect();
            let path = format!("{path}{shown}");
            let message = format!("Unknown parameter: '{path}'. Known here are: '{}'.", members.join("', '"));
            Err(ApiError::invalid(path, "unknown_parameter", message))
        }
        None => Ok(()),
    }
}

fn wrong(member: &'static str, what: &str) -> ApiError {
    ApiError::invalid(member, "invalid_value", format!("'{member}' {what}."))
}
