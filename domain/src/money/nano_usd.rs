//! An amount of money: whole billionths of a US dollar.
//!
//! In scope: exact arithmetic and exact decimal text. Not in scope: other currencies, negative amounts
//! and rounding. Sixty-four bits hold eighteen thousand million dollars.

use std::fmt;
use std::iter::repeat_n;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Whole nano-dollars. On the wire a plain number, exact in JavaScript up to nine million dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub u64);

/// The text is not an amount of dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseAmountError {
    #[error("an amount is digits, and if it has a point, one to nine digits after it")]
    Shape,
    #[error("the amount is too large")]
    TooLarge,
}

const PER_DOLLAR: u64 = 1_000_000_000;
const DECIMALS: usize = 9;
const MIN_DECIMALS: usize = 2;

impl NanoUsd {
    pub const ZERO: Self = Self(0);

    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    pub const fn checked_mul(self, times: u64) -> Option<Self> {
        match self.0.checked_mul(times) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }

    /// What is left of a budget: nothing once it is overdrawn.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The total of many amounts for showing and for refusing, where "too much to count" and "the
    /// largest amount" mean the same. A balance that is paid from uses [`Self::checked_add`].
    #[must_use]
    pub fn saturating_sum(amounts: impl IntoIterator<Item = Self>) -> Self {
        let add = |sum: u64, amount: Self| sum.saturating_add(amount.0);
        Self(amounts.into_iter().fold(0, add))
    }

    /// Parts that differ by at most one nano-dollar and add up to exactly this amount. The first parts
    /// carry the remainder.
    pub fn split(self, parts: NonZeroU32) -> Vec<Self> {
        let divisor = u64::from(parts.get());
        let (share, remainder) = (self.0 / divisor, self.0 % divisor);
        // Both counts fit: each is at most `parts`. The larger share cannot overflow either, because
        // where there is a remainder the divisor is at least two.
        let larger = usize::try_from(remainder).unwrap_or(usize::MAX);
        let equal = usize::try_from(divisor - remainder).unwrap_or(usize::MAX);
        repeat_n(Self(share.saturating_add(1)), larger).chain(repeat_n(Self(share), equal)).collect()
    }

    /// Exact dollars: `0.00`, `0.04112`, `12.50`. At least one digit before the point and two after it,
    /// no further trailing zeros, never an exponent.
    pub fn to_decimal(self) -> String {
        let fraction = format!("{:0DECIMALS$}", self.0 % PER_DOLLAR);
        let shortest = fraction.trim_end_matches('0');
        format!("{}.{shortest:0<MIN_DECIMALS$}", self.0 / PER_DOLLAR)
    }

    /// Reads exact dollars. More than nine decimals are refused, since rounding would change the amount.
    pub fn parse_decimal(text: &str) -> Result<Self, ParseAmountError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(ParseAmountError::Shape),
            Some(halves) => halves,
            None => (text, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
            return Err(ParseAmountError::Shape);
        }
        let number = |part: &str| part.parse::<u64>().map_err(|_| ParseAmountError::TooLarge);
        let nano = number(&format!("{fraction:0<DECIMALS$}"))?;
        number(whole)?
            .checked_mul(PER_DOLLAR)
            .and_then(|whole| whole.checked_add(nano))
            .map(Self)
            .ok_or(ParseAmountError::TooLarge)
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_decimal())
    }
}

#[cfg(test)]
mod tests;
