//! The price of a token, per model, as data that an operator can replace without a deploy.
//!
//! In scope: the table, its built-in state and looking up a model. Not in scope: which models a
//! deployment allows. Prices are nano-dollars per token, so that every published price, given in dollars
//! per million tokens, is a whole number: 0.20 USD per million is 200.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use super::day::Day;
use super::token_rule::TokenRule;

/// All known prices. An unknown field is refused: a misspelt price must not be a missing one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// Where the figures come from, for whoever checks them.
    pub source: String,
    pub as_of: Day,
    pub models: BTreeMap<String, Price>,
}

/// Nano-dollars per token. None can be zero, so that no mistake in the table makes a picture free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// How many tokens a picture of this model takes, for bounds before the call.
    pub token_rule: TokenRule,
    pub text_in: NonZeroU64,
    pub cached_text_in: NonZeroU64,
    pub image_in: NonZeroU64,
    pub cached_image_in: NonZeroU64,
    pub image_out: NonZeroU64,
    /// Absent where no price is published; text is then counted as image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_out: Option<NonZeroU64>,
    /// The day on which the provider stops serving the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shutdown_date: Option<Day>,
}

#[derive(Debug, Error)]
pub enum PriceError {
    #[error("no price is known for the model `{model}`")]
    UnknownModel { model: String },
    #[error("the price table cannot be read: {0}")]
    Table(#[from] serde_json::Error),
    /// A member of a table that somebody has written, by its path.
    #[error("`{member}` {what}")]
    Member { member: String, what: String },
}

/// The prices of a model, as the table names them.
const PRICES: &[&str] = &["text_in", "cached_text_in", "image_in", "cached_image_in", "image_out", "text_out"];

const MAX_MODELS: usize = 200;
const MAX_SOURCE: usize = 1_000;
const MAX_NAME: usize = 100;

impl PriceTable {
    /// The prices as they were published when this was compiled.
    pub fn built_in() -> Result<Self, PriceError> {
        Self::from_json(include_str!("prices.json"))
    }

    pub fn from_json(json: &str) -> Result<Self, PriceError> {
        Ok(serde_json::from_str(json)?)
    }

    /// Reads a table that an operator has written. A refusal names the member, which the plain reading of a document cannot.
    pub fn read(value: &Value) -> Result<Self, PriceError> {
        let table = object("", value, "an object with 'source', 'as_of' and 'models'")?;
        if let Some(name) = table.keys().find(|name| !matches!(name.as_str(), "source" | "as_of" | "models")) {
            return Err(wrong(name, "is no member of a price table"));
        }
        let source = table.get("source").and_then(Value::as_str).map(str::trim);
        let source = source.filter(|source| (1..=MAX_SOURCE).contains(&source.len()));
        let source =
            source.ok_or_else(|| wrong("source", "must say where the prices come from, in 1 to 1000 bytes"))?;
        let as_of = table.get("as_of").and_then(Value::as_str).and_then(|day| Day::parse(day).ok());
        let as_of = as_of.ok_or_else(|| wrong("as_of", "must be the day of the prices, YYYY-MM-DD"))?;
        let models = object("models", table.get("models").unwrap_or(&Value::Null), "an object of models and prices")?;
        if models.is_empty() || models.len() > MAX_MODELS {
            return Err(wrong("models", &format!("must have the prices of 1 to {MAX_MODELS} models")));
        }
        let models: Result<_, PriceError> =
            models.iter().map(|(name, price)| Ok((name.clone(), Price::read(name, price)?))).collect();
        Ok(Self { source: source.to_owned(), as_of, models: models? })
    }

    /// The price of a model or of a dated snapshot of it (`gpt-image-2-2026-04-21`). A snapshot that has
    /// an entry of its own is priced by that one.
    pub fn price(&self, model: &str) -> Result<&Price, PriceError> {
        self.models
            .get(model)
            .or_else(|| self.models.get(without_date(model)?))
            .ok_or_else(|| PriceError::UnknownModel { model: model.to_owned() })
    }
}

impl Price {
    fn read(model: &str, value: &Value) -> Result<Self, PriceError> {
        let path = format!("models.{model}");
        if model.is_empty() || model.len() > MAX_NAME {
            return Err(wrong(&path, &format!("must be named in 1 to {MAX_NAME} bytes")));
        }
        let members = object(&path, value, "an object of prices")?;
        let prices = PRICES.iter().filter_map(|name| Some((name, members.get(*name)?)));
        for (name, price) in prices.filter(|(name, price)| **name != "text_out" || !price.is_null()) {
            if price.as_u64().is_none_or(|price| price == 0) {
                return Err(wrong(
                    &format!("{path}.{name}"),
                    "must be a whole number of nano-dollars per token, above 0",
                ));
            }
        }
        serde_json::from_value(value.clone()).map_err(|error| wrong(&path, &format!("cannot be read: {error}")))
    }

    /// What the dearest kind of input token costs.
    pub fn dearest_in(&self) -> NonZeroU64 {
        self.text_in.max(self.image_in)
    }

    /// What a text token in the reply costs.
    pub fn text_out_or_image(&self) -> NonZeroU64 {
        self.text_out.unwrap_or(self.image_out)
    }

    /// What the dearest kind of output token costs.
    pub fn dearest_out(&self) -> NonZeroU64 {
        self.image_out.max(self.text_out_or_image())
    }

    /// Whether the provider has stopped serving the model by the given day.
    pub fn is_shut_down(&self, today: &Day) -> bool {
        self.shutdown_date.as_ref().is_some_and(|day| day <= today)
    }
}

fn object<'a>(member: &str, value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, PriceError> {
    value.as_object().ok_or_else(|| wrong(member, &format!("must be {what}")))
}

fn wrong(member: &str, what: &str) -> PriceError {
    PriceError::Member { member: member.to_owned(), what: what.to_owned() }
}

/// The name of a model without the day of its snapshot: the provider's lists name now one and now the other.
pub fn undated(model: &str) -> &str {
    without_date(model).unwrap_or(model)
}

fn without_date(model: &str) -> Option<&str> {
    let at = model.len().checked_sub("-YYYY-MM-DD".len())?;
    let (name, date) = model.split_at_checked(at)?;
    Day::parse(date.strip_prefix('-')?).ok()?;
    Some(name)
}

#[cfg(test)]
mod tests;
