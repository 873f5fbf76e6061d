//! Pages of the provider's usage and costs APIs: sums of stretches of time.

use serde_json::value::RawValue;

use super::amount::Exact;
use super::document::{Entry, Lines};
use super::{Export, fault};
use crate::ApiError;
use crate::money::day_end_ms;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket<R> {
    pub start_ms: u64,
    pub end_ms: u64,
    pub results: Vec<R>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    /// `None` where the page is not grouped by model.
    pub model: Option<String>,
    pub requests: u64,
    pub images: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// `None` where the page is not grouped by line item.
    pub item: Option<String>,
    pub amount: Exact,
}

/// What was used or billed in a stretch of time. The API's reference has `result` in its schema and `results` in its examples.
pub(super) fn results<'a>(entry: &Entry<'a>) -> Option<&'a RawValue> {
    entry.get("results").or_else(|| entry.get("result"))
}

pub(super) fn read(lines: &Lines, entries: &[Entry<'_>]) -> Result<Export, ApiError> {
    let (mut usage, mut costs) = (Vec::new(), Vec::new());
    let mut first = None;
    for entry in entries {
        let (start_ms, end_ms) = span(entry)?;
        let list = results(entry).ok_or_else(|| fault(entry.line, "results", "is missing in this bucket"))?;
        let (mut used, mut paid) = (Vec::new(), Vec::new());
        for result in lines.objects(list)? {
            let is_cost = result.get("amount").is_some();
            if *first.get_or_insert(is_cost) != is_cost {
                return Err(fault(result.line, "results", "mixes usage and costs; send one of them at a time"));
            }
            if is_cost { paid.push(cost(lines, &result)?) } else { used.push(used_of(&result)?) }
        }
        usage.push(Bucket { start_ms, end_ms, results: used });
        costs.push(Bucket { start_ms, end_ms, results: paid });
    }
    Ok(if first == Some(true) { Export::Costs(costs) } else { Export::Usage(usage) })
}

fn span(entry: &Entry<'_>) -> Result<(u64, u64), ApiError> {
    let of = |name: &str| {
        let seconds = number(entry, name)?;
        let ms = seconds.checked_mul(1_000);
        ms.ok_or_else(|| fault(entry.line, name, "must be Unix time in seconds"))
    };
    let (start_ms, end_ms) = (of("start_time")?, of("end_time")?);
    if end_ms <= start_ms {
        return Err(fault(entry.line, "end_time", "must be after 'start_time'"));
    }
    if end_ms > day_end_ms(start_ms) {
        return Err(fault(
            entry.line,
            "end_time",
            "is in another UTC day than 'start_time'; ask for buckets of a day or less",
        ));
    }
    Ok((start_ms, end_ms))
}

fn used_of(result: &Entry<'_>) -> Result<Used, ApiError> {
    if result.get("num_model_requests").is_none() || result.get("images").is_none() {
        let what = "has neither an 'amount' nor 'images' and 'num_model_requests': this is no page of usage/images or of costs";
        return Err(fault(result.line, "results", what));
    }
    let (requests, images) = (number(result, "num_model_requests")?, number(result, "images")?);
    Ok(Used { model: text(result, "model")?, requests, images })
}

fn cost(lines: &Lines, result: &Entry<'_>) -> Result<Cost, ApiError> {
    let amount = result.get("amount").map(|amount| lines.object(amount.get())).transpose()?;
    let amount = amount.ok_or_else(|| fault(result.line, "amount", "is missing"))?;
    let currency = text(&amount, "currency")?.unwrap_or_default();
    if !currency.eq_ignore_ascii_case("usd") {
        return Err(fault(amount.line, "currency", "must be 'usd'"));
    }
    let value = amount.get("value").ok_or_else(|| fault(amount.line, "value", "is missing"))?;
    // A number in the reference, and text in what the API sends since 2026.
    let written = value.get().trim_matches('"');
    let amount = Exact::parse(written).map_err(|error| fault(amount.line, "value", &error.to_string()))?;
    Ok(Cost { item: text(result, "line_item")?, amount })
}

fn number(entry: &Entry<'_>, name: &str) -> Result<u64, ApiError> {
    let value = entry.get(name).ok_or_else(|| fault(entry.line, name, "is missing"))?;
    value.get().parse().map_err(|_| fault(entry.line, name, "must be a whole number"))
}

fn text(entry: &Entry<'_>, name: &str) -> Result<Option<String>, ApiError> {
    let value = entry.get(name).map(|value| serde_json::from_str(value.get()));
    value.transpose().map_err(|_| fault(entry.line, name, "must be text"))
}
