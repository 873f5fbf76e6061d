//! A calendar day as it is written in price lists and in budgets: `2026-12-01`.
//!
//! In scope: the shape, the order of days, which is the order of their text, and the day in UTC of a moment. Not in scope:
//! other time zones, and whether a day that is read exists in its month.

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

pub(super) const DAY_MS: u64 = 86_400_000;
/// 9999-12-31, counted from 1970-01-01. It is the last day that can be written, and has no end.
const LAST_DAY: u64 = 2_932_896;

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

    /// The day in UTC. Moments past the year 9999 belong to its last day.
    pub fn at(unix_ms: u64) -> Self {
        let (year, month, day) = civil(days(unix_ms));
        Self(format!("{year:04}-{month:02}-{day:02}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first millisecond of the next day in UTC; the largest number where there is none.
pub fn day_end_ms(now_ms: u64) -> u64 {
    let days = days(now_ms);
    if days == LAST_DAY { u64::MAX } else { (days + 1) * DAY_MS }
}

/// Days since 1970-01-01.
pub(super) fn days(unix_ms: u64) -> u64 {
    (unix_ms / DAY_MS).min(LAST_DAY)
}

/// Year, month and day of a day since 1970-01-01: `civil_from_days` of Howard Hinnant's "chrono-Compatible Low-Level Date
/// Algorithms". Its years begin in March, so that the leap day is the last one.
pub(super) fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
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
