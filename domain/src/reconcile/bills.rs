//! One call as the provider billed it.

use std::borrow::Cow;

use super::amount::Exact;
use super::fault;
use crate::ApiError;
use crate::moment;
use crate::money::{NanoUsd, Price, Usage};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bill {
    pub at_ms: u64,
    /// The provider's name of the call, where the export has it.
    pub id: Option<String>,
    pub model: String,
    pub cost: NanoUsd,
}

/// One entry of an export, whichever form it came in. What is null or empty is not in it.
pub(super) struct Row<'a> {
    pub line: usize,
    pub cells: Vec<(Cow<'a, str>, Cell<'a>)>,
}

pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    /// As it is written.
    Number(&'a str),
    /// Any other JSON.
    Else(&'a str),
}

impl Bill {
    pub(super) fn read<'p>(row: &Row<'_>, price: &dyn Fn(&str) -> Option<&'p Price>) -> Result<Self, ApiError> {
        let at = ["at", "created_at"].into_iter().find_map(|name| Some((name, row.cell(name)?)));
        let (name, at) = at.ok_or_else(|| row.wrong("at", "is missing; 'created_at' would do as well"))?;
        let at_ms = at.written().and_then(moment::read);
        let at_ms =
            at_ms.ok_or_else(|| row.wrong(name, "must be Unix time in seconds or milliseconds, or RFC 3339"))?;
        let model = row.text("model")?.ok_or_else(|| row.wrong("model", "is missing"))?;
        let id = row.text("request_id")?.or(row.text("id")?).map(str::to_owned);
        Ok(Self { at_ms, id, model: model.to_owned(), cost: cost(row, model, price)? })
    }
}

/// The amount that is stated, or else what the tokens cost.
fn cost<'p>(row: &Row<'_>, model: &str, price: &dyn Fn(&str) -> Option<&'p Price>) -> Result<NanoUsd, ApiError> {
    let nano = row.cell("cost_nano_usd").map(|cell| {
        let written = cell.written().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = written.and_then(|text| text.parse().ok()).map(NanoUsd);
        number.ok_or_else(|| row.wrong("cost_nano_usd", "must be a whole number of nano-dollars"))
    });
    let usd = row.cell("cost_usd").map(|cell| {
        let written = cell.written().ok_or_else(|| row.wrong("cost_usd", "must be an amount of dollars"))?;
        let exact = Exact::parse(written).map_err(|error| row.wrong("cost_usd", &error.to_string()))?;
        exact.whole().ok_or_else(|| row.wrong("cost_usd", "is not a whole number of nano-dollars, nine decimals"))
    });
    match (nano.transpose()?, usd.transpose()?) {
        (Some(nano), Some(usd)) if nano != usd => Err(row.wrong("cost_usd", "is not what 'cost_nano_usd' says")),
        (Some(cost), _) | (None, Some(cost)) => Ok(cost),
        (None, None) => {
            let usage = row.cell("usage");
            let usage = usage
                .ok_or_else(|| row.wrong("cost_usd", "is missing; 'cost_nano_usd' or 'usage' would do as well"))?;
            let usage: Option<Usage> = usage.json().and_then(|text| serde_json::from_str(text).ok());
            let usage =
                usage.ok_or_else(|| row.wrong("usage", "must be an object with 'input_tokens' and 'output_tokens'"))?;
            let price = price(model).ok_or_else(|| {
                row.wrong(
                    "usage",
                    "cannot be counted: the price table in force has no price for the model of this entry",
                )
            })?;
            usage.cost(price).map_err(|error| row.wrong("usage", &format!("cannot be counted: {error}")))
        }
    }
}

impl<'a> Row<'a> {
    fn cell(&self, name: &str) -> Option<&Cell<'a>> {
        self.cells.iter().find(|(known, _)| known == name).map(|(_, cell)| cell)
    }

    fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.cell(name) {
            None => Ok(None),
            Some(Cell::Text(text)) if text.is_empty() => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be text")),
        }
    }

    fn wrong(&self, field: &str, what: &str) -> ApiError {
        fault(self.line, field, what)
    }
}

impl Cell<'_> {
    /// A text or a number, as it was written.
    fn written(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(text) => Some(text),
            Self::Else(_) => None,
        }
    }

    /// In a table JSON is text.
    fn json(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Else(text) => Some(text),
            Self::Number(_) => None,
        }
    }
}
