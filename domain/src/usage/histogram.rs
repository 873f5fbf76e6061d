//! Latencies in buckets of fixed bounds, so that any two histograms can be added.

use serde::{Deserialize, Serialize};

/// The upper bounds of the buckets in milliseconds, inclusive; whatever is longer falls into one more.
pub const BOUNDS_MS: [u64; 24] = [
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000,
    120_000, 300_000,
];

pub const BUCKETS: usize = BOUNDS_MS.len() + 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    pub counts: [u64; BUCKETS],
    pub sum_ms: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], sum_ms: 0 }
    }
}
