//! The price of a token, per model, as data that an operator can replace without a deploy.
//!
//! In scope: the table, its built-in state and looking up a model. Not in scope: which models a
//! deployment allows. Prices are nano-dollars per token, so that every published price, given in dollars
//! per million tokens, is a whole number: 0.20 USD per million is 200.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
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
}

impl PriceTable {
    /// The prices as they were published when this was compiled.
    pub fn built_in() -> Result<Self, PriceError> {
        Self::from_json(include_str!("prices.json"))
    }

    pub fn from_json(json: &str) -> Result<Self, PriceError> {
        Ok(serde_json::from_str(json)?)
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

fn without_date(model: &str) -> Option<&str> {
    let at = model.len().checked_sub("-YYYY-MM-DD".len())?;
    let (name, date) = model.split_at_checked(at)?;
    Day::parse(date.strip_prefix('-')?).ok()?;
    Some(name)
}

#[cfg(test)]
mod tests;
