//! Amounts as exports write them: decimal text of any length, also with an exponent, and never a float.

use thiserror::Error;

use crate::money::NanoUsd;

/// Decimals that are kept: what a float that was written out has of a small price fits.
const DECIMALS: i64 = 27;
const PER_NANO: u128 = 1_000_000_000_000_000_000;
/// The most digits that are sure to fit.
const DIGITS: usize = 38;

/// Dollars, exactly, in 10⁻²⁷.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(u128);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AmountError {
    #[error("must be an amount of dollars in decimal digits")]
    Shape,
    #[error("is negative; credits and refunds have to be left out of the export")]
    Negative,
    #[error("has more decimals than can be counted exactly")]
    TooFine,
    #[error("is too large to be counted")]
    TooLarge,
}

impl Exact {
    /// Reads a number of JSON, or the same as text.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, power(exponent)?),
            None => (text, 0),
        };
        let (mantissa, negative) = mantissa.strip_prefix('-').map_or((mantissa, false), |rest| (rest, true));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err(AmountError::Shape);
        }
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self(0));
        }
        if negative {
            return Err(AmountError::Negative);
        }
        // The last digit stands for ten to the power of this, in what is counted.
        let count = |text: &str| i64::try_from(text.len()).map_err(|_| AmountError::TooLarge);
        let shift = exponent + count(whole)? - count(digits)? + DECIMALS;
        let shift =
            u32::try_from(shift).map_err(|_| if shift < 0 { AmountError::TooFine } else { AmountError::TooLarge })?;
        if significant.len() > DIGITS {
            return Err(AmountError::TooFine);
        }
        let number: u128 = significant.parse().map_err(|_| AmountError::TooLarge)?;
        let scale = 10_u128.checked_pow(shift).ok_or(AmountError::TooLarge)?;
        number.checked_mul(scale).map(Self).ok_or(AmountError::TooLarge)
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `None` where it is not whole nano-dollars.
    pub fn whole(self) -> Option<NanoUsd> {
        if self.0.is_multiple_of(PER_NANO) { u64::try_from(self.0 / PER_NANO).ok().map(NanoUsd) } else { None }
    }

    /// The nearest nano-dollar, the even one of two: sums of the provider carry the dust of its own floats.
    pub fn nearest(self) -> NanoUsd {
        let (down, rest) = (self.0 / PER_NANO, self.0 % PER_NANO);
        let up = match rest.cmp(&(PER_NANO / 2)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => !down.is_multiple_of(2),
            std::cmp::Ordering::Greater => true,
        };
        NanoUsd(u64::try_from(down + u128::from(up)).unwrap_or(u64::MAX))
    }
}

fn power(text: &str) -> Result<i64, AmountError> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = if plain { digits.parse().ok() } else { None }.ok_or(AmountError::Shape)?;
    Ok(if negative { -number } else { number })
}
