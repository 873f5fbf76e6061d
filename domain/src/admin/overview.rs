//! `GET /admin/v1/overview`.

use serde::{Deserialize, Serialize};

use super::Window;
use crate::money::{NanoUsd, decimal};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub window: Window,
    /// When this was read.
    pub as_of_ms: u64,
    /// Requests younger than this many seconds may be counted by an isolate and not be here yet.
    pub lag_seconds: u32,
    pub totals: Figures,
    pub series: Vec<Point>,
    pub by_client: Vec<Share>,
    pub by_model: Vec<Share>,
    pub pictures: Stock,
    /// Of the deployment; absent where its account is out of reach.
    pub now: Option<Now>,
}

/// What happened in a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub requests: u64,
    pub hits: u64,
    pub coalesced: u64,
    pub misses: u64,
    pub bypassed: u64,
    pub refused: u64,
    pub failed: u64,
    /// Of the requests that were answered with pictures, the share that made nothing. `null` where there was none.
    pub hit_ratio: Option<f64>,
    /// Handed to clients.
    pub bytes: u64,
    /// What the provider billed, by the receipts of calls that ended in this time.
    #[serde(rename = "spent_usd", with = "decimal")]
    pub spent: NanoUsd,
    /// Set aside for calls of which it is not known whether, or how much, the provider billed.
    #[serde(rename = "unknown_usd", with = "decimal")]
    pub unknown: NanoUsd,
    /// What the pictures that were handed over without a call had cost.
    #[serde(rename = "saved_usd", with = "decimal")]
    pub saved: NanoUsd,
    pub generations: Generations,
    pub latency: Latency,
}

/// Calls of the provider that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generations {
    /// Billed, and the bill is known.
    pub settled: u64,
    /// Made, and the provider did not say what it billed.
    pub untold: u64,
    /// Certainly not billed.
    pub failed: u64,
    /// Nobody knows whether it was billed.
    pub unknown: u64,
}

/// Upper bounds of the bucket in which the quantile lies, in milliseconds. `null` where nothing was measured, or where it lies above
/// the highest bound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    pub all: Quantiles,
    pub hits: Quantiles,
    pub misses: Quantiles,
    /// Of the provider's calls.
    pub provider: Quantiles,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    pub p50_ms: Option<u64>,
    pub p95_ms: Option<u64>,
    pub p99_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub at_ms: u64,
    #[serde(flatten)]
    pub figures: Figures,
}

/// What one client or one model has of the totals. `null` is what names none, or none that is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    pub name: Option<String>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// What is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    pub pictures: u64,
    pub takes: u64,
    pub bytes: u64,
    /// Calls whose outcome is unknown, of all time.
    pub unknown_outcomes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    pub in_flight: u32,
    pub generation: crate::runtime::Generation,
    pub day: Budget,
    pub month: Budget,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    #[serde(rename = "limit_usd", with = "decimal::option")]
    pub limit: Option<NanoUsd>,
    #[serde(rename = "spent_usd", with = "decimal")]
    pub spent: NanoUsd,
    #[serde(rename = "reserved_usd", with = "decimal")]
    pub reserved: NanoUsd,
}
