//! How often a client may ask: so many requests a minute.
//!
//! In scope: the generic cell rate algorithm, as ITU-T Recommendation I.371 describes it: one number, the theoretical
//! arrival time of the next request if they came evenly, stands for the whole past. Not in scope: which requests are counted,
//! and where the number is kept.
//!
//! A minute's worth may come at once, and comes back evenly. In any stretch of time at most `limit` requests and one more for
//! each even interval that fits into it are granted, so in any minute at most twice the limit.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// The theoretical arrival time in microseconds since 1970: what was granted is worked off by then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(u64);

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub limit: u32,
    /// So many more are granted in this moment.
    pub remaining: u32,
    /// Until all is there again.
    pub reset_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooMany {
    /// The next one is granted after this and not before.
    pub retry_after_ms: u64,
    pub left: Left,
}

const MINUTE_US: u64 = 60_000_000;
/// A clock beyond this stands still, so that no sum of a time and a full bucket overflows.
const LAST_MS: u64 = u64::MAX / 1_000 - 10_000_000;

impl Bucket {
    /// Counts one request, or says when there will be room for it.
    pub fn take(&mut self, per_minute: NonZeroU32, now_ms: u64) -> Result<Left, TooMany> {
        let mut level = self.level(per_minute, now_ms);
        let lacking_us = (level.filled_us + level.each_us).saturating_sub(level.full_us());
        if lacking_us == 0 {
            level.filled_us += level.each_us;
        }
        // Also after a refusal: what a clock that went back has cut off must not come back.
        self.0 = level.at_us + level.filled_us;
        let left = level.left();
        if lacking_us == 0 { Ok(left) } else { Err(TooMany { retry_after_ms: lacking_us.div_ceil(1_000), left }) }
    }

    /// What is left, without counting anything.
    pub fn look(&self, per_minute: NonZeroU32, now_ms: u64) -> Left {
        self.level(per_minute, now_ms).left()
    }

    fn level(self, per_minute: NonZeroU32, now_ms: u64) -> Level {
        let at_us = now_ms.min(LAST_MS) * 1_000;
        // Rounded up, so that no more than the limit is granted: the interval is a microsecond at least.
        let each_us = MINUTE_US.div_ceil(u64::from(per_minute.get()));
        let level = Level { limit: per_minute.get(), at_us, each_us, filled_us: self.0.saturating_sub(at_us) };
        // More than full is a clock that went back or another limit. Nobody waits for longer than one interval because of it.
        Level { filled_us: level.filled_us.min(level.full_us()), ..level }
    }
}

/// A bucket in one moment, in the time that it takes to work things off.
#[derive(Clone, Copy)]
struct Level {
    limit: u32,
    at_us: u64,
    each_us: u64,
    filled_us: u64,
}

impl Level {
    fn full_us(self) -> u64 {
        self.each_us * u64::from(self.limit)
    }

    fn left(self) -> Left {
        let remaining = (self.full_us() - self.filled_us) / self.each_us;
        Left {
            limit: self.limit,
            remaining: u32::try_from(remaining).unwrap_or(self.limit),
            reset_ms: self.filled_us.div_ceil(1_000),
        }
    }
}

#[cfg(test)]
mod tests;
