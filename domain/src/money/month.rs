//! A calendar month as it is written in budgets: `2026-12`.
//!
//! In scope: the shape, the order of months, which is the order of their text, and the month in UTC of a moment. Not in
//! scope: other time zones, and months that begin on another day than the first.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::day::{DAY_MS, civil, days};

/// `YYYY-MM`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(String);

/// The text is not a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a month is written YYYY-MM")]
pub struct MonthError;

impl Month {
    pub fn parse(text: &str) -> Result<Self, MonthError> {
        let number = |part: &str, width: usize| {
            let plain = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        let (year, month) = text.split_once('-').ok_or(MonthError)?;
        let sound = number(year, 4).is_some() && number(month, 2).is_some_and(|month| (1..=12).contains(&month));
        sound.then(|| Self(text.to_owned())).ok_or(MonthError)
    }

    /// The month in UTC. Moments past the year 9999 belong to its last month.
    pub fn at(unix_ms: u64) -> Self {
        let (year, month, _) = civil(days(unix_ms));
        Self(format!("{year:04}-{month:02}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first millisecond of the next month in UTC; the largest number where there is none.
pub fn month_end_ms(now_ms: u64) -> u64 {
    let today = days(now_ms);
    let (year, month, day) = civil(today);
    if (year, month) == (9999, 12) {
        return u64::MAX;
    }
    // Thirty-one days after the first lies in the next month, and its day tells how far.
    let beyond = today - (day - 1) + 31;
    let (_, _, day) = civil(beyond);
    (beyond - (day - 1)) * DAY_MS
}

impl TryFrom<String> for Month {
    type Error = MonthError;

    fn try_from(text: String) -> Result<Self, MonthError> {
        Self::parse(&text)
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.0
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests;
