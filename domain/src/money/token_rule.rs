//! How many output tokens a picture takes, before it is made.
//!
//! In scope: the published tables and the closed formula that reproduces them, and for each what the
//! true count may be at most and at least. Not in scope: prices, and the true count, which only the
//! reply's `usage` tells.

use serde::{Deserialize, Serialize};

/// Which way of counting a model follows. Data of the price table, so that a new model of a known family
/// needs no deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TokenRule {
    /// A table of three sizes and three qualities.
    #[serde(rename = "gpt-image-1")]
    V1,
    #[serde(rename = "gpt-image-2")]
    V2,
    #[serde(rename = "gpt-image-2.5")]
    V2_5,
    /// No formula is published: counted as [`Self::V2_5`], with the margins that were measured.
    #[serde(rename = "gpt-image-2.6")]
    V2_6,
}

/// The closed formula: `factor` stands for the quality, and the sides may come in either order.
pub fn output_tokens(factor: u16, width: u32, height: u32) -> u64 {
    let factor = u128::from(factor);
    let short = u128::from(width.min(height).max(1));
    let long = u128::from(width.max(height).max(1));
    let scaled = (2 * factor * short + long) / (2 * long);
    let tokens = (factor * scaled * (2_000_000 + short * long)).div_ceil(4_000_000);
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

impl TokenRule {
    /// The qualities that the family knows, cheapest first.
    pub const fn qualities(self) -> &'static [&'static str] {
        match self {
            Self::V1 | Self::V2 => &["low", "medium", "high"],
            Self::V2_5 | Self::V2_6 => &["low", "medium", "high", "xhigh", "max"],
        }
    }

    /// The factor of [`output_tokens`] for a quality. None for families that have a table instead.
    pub fn factor(self, quality: &str) -> Option<u16> {
        match (self, quality) {
            (Self::V2 | Self::V2_5 | Self::V2_6, "low") => Some(16),
            (Self::V2_5 | Self::V2_6, "medium") => Some(24),
            (Self::V2, "medium") | (Self::V2_5 | Self::V2_6, "high") => Some(48),
            (Self::V2_5 | Self::V2_6, "xhigh") => Some(64),
            (Self::V2, "high") | (Self::V2_5 | Self::V2_6, "max") => Some(96),
            _ => None,
        }
    }

    /// The published count for one picture. None where nothing is published.
    pub fn published(self, quality: &str, (width, height): (u32, u32)) -> Option<u64> {
        if self != Self::V1 {
            let factor = self.factor(quality)?;
            return (width > 0 && height > 0).then(|| output_tokens(factor, width, height));
        }
        match (width, height, quality) {
            (1024, 1024, "low") => Some(272),
            (1024, 1024, "medium") => Some(1056),
            (1024, 1024, "high") => Some(4160),
            (1024, 1536, "low") => Some(408),
            (1024, 1536, "medium") => Some(1584),
            (1024, 1536, "high") => Some(6240),
            (1536, 1024, "low") => Some(400),
            (1536, 1024, "medium") => Some(1568),
            (1536, 1024, "high") => Some(6208),
            _ => None,
        }
    }

    /// What one picture may take at most.
    pub fn most(self, quality: &str, size: (u32, u32)) -> Option<u64> {
        let published = self.published(quality, size)?;
        match self {
            Self::V2 | Self::V2_5 => Some(published),
            // The per-picture prices of the mini model are up to 416 tokens above the table.
            Self::V1 => published.checked_add(512),
            // Low and medium were measured at three to four times 2.5, one picture at 4.2 times.
            Self::V2_6 if matches!(quality, "low" | "medium") => published.checked_mul(5),
            // The others were measured within a token or two of 2.5, on too few pictures to rely on.
            Self::V2_6 => published.checked_add(published.div_ceil(8)),
        }
    }

    /// What one picture may take at least.
    pub fn least(self, quality: &str, size: (u32, u32)) -> Option<u64> {
        let published = self.published(quality, size)?;
        Some(match self {
            Self::V1 | Self::V2 | Self::V2_5 => published,
            Self::V2_6 => published.saturating_sub(published / 8),
        })
    }
}

#[cfg(test)]
mod tests;
