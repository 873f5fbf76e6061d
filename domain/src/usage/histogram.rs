//! Latencies in buckets of fixed bounds, so that any two histograms can be added.

use serde::{Deserialize, Serialize};

/// The upper bounds of the buckets in milliseconds, inclusive; whatever is longer falls into one more.
pub const BOUNDS_MS: [u64; 24] = [
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000,
    120_000, 300_000,
];

pub const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// Sums stop at the largest number instead of starting over, so that adding stays the same in any order.
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

impl Histogram {
    pub fn record(&mut self, ms: u64) {
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < ms);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The upper bound of the bucket in which the quantile lies: of so many thousandths of what was recorded it is certain that it was
    /// no longer. `None` where nothing was recorded, or where the quantile is beyond the last bound.
    pub fn quantile(&self, permille: u32) -> Option<u64> {
        let count: u128 = self.counts.iter().map(|count| u128::from(*count)).sum();
        if count == 0 {
            return None;
        }
        let rank = (count * u128::from(permille)).div_ceil(1_000).max(1);
        let reaches = |seen: &mut u128, count: u64| {
            *seen += u128::from(count);
            Some(*seen >= rank)
        };
        let bucket = self.counts.iter().scan(0, |seen, count| reaches(seen, *count)).position(|reached| reached)?;
        BOUNDS_MS.get(bucket).copied()
    }
}

#[cfg(test)]
mod tests;
