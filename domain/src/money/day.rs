//! A calendar day as it is written in price lists: `2026-12-01`.
//!
//! In scope: the shape, and the order of days, which is the order of their text. Not in scope: time
//! zones, and how long a month is.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(String);

/// The text is not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a day is written YYYY-MM-DD")]
pub struct DayError;

impl Day {
    pub fn parse(text: &str) -> Result<Self, DayError> {
        let mut parts = text.split('-');
        let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(DayError);
        };
        let number = |part: &str, width: usize| {
            let plain = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        let sound = number(year, 4).is_some()
            && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
            && number(day, 2).is_some_and(|day| (1..=31).contains(&day));
        sound.then(|| Self(text.to_owned())).ok_or(DayError)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        Self::parse(&text)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests;
