//! Time and randomness. In a Worker the clock moves only with I/O, which is exact enough for lifetimes and holds.

use std::time::Duration;

use engine::ports::StoreError;
use worker::{Delay, ScheduledTime, State, js_sys};

use crate::glue;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole milliseconds since 1970, exact in a JavaScript number for 280,000 years"
)]
pub fn now_ms() -> u64 {
    js_sys::Date::now() as u64
}

pub async fn sleep_ms(ms: u64) {
    // A timer counts in 31 bits of milliseconds, 24 days.
    Delay::from(Duration::from_millis(ms.min(0x7fff_ffff))).await;
}

/// Wakes an object at this time; an earlier alarm is replaced.
pub async fn set_alarm(state: &State, at_ms: u64) -> Result<(), StoreError> {
    let at = ScheduledTime::new(js_sys::Date::new(&glue::number(at_ms).into()));
    state.storage().set_alarm(at).await.map_err(|error| super::failed("alarm", error))
}

pub fn fill(bytes: &mut [u8]) {
    glue::random(bytes);
}

/// Both traits, for a type that has nothing of its own to say about time.
macro_rules! platform {
    ($type:ty) => {
        impl engine::ports::Clock for $type {
            fn now_ms(&self) -> u64 {
                crate::ports::clock::now_ms()
            }

            async fn sleep_ms(&self, ms: u64) {
                crate::ports::clock::sleep_ms(ms).await;
            }
        }

        impl engine::ports::Random for $type {
            fn fill(&self, bytes: &mut [u8]) {
                crate::ports::clock::fill(bytes);
            }
        }
    };
}

pub(super) use platform;
