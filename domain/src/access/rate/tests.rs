use std::num::NonZeroU32;

use proptest::prelude::*;

use super::{Bucket, Left, TooMany};

fn limit(per_minute: u32) -> NonZeroU32 {
    NonZeroU32::new(per_minute).unwrap()
}

/// Asks at each of the times; `Ok` is how many remain, `Err` is how long to wait.
#[track_caller]
fn check(per_minute: u32, asks: &[(u64, Result<u32, u64>)]) {
    let mut bucket = Bucket::default();
    for (now_ms, expected) in asks {
        let taken = bucket.take(limit(per_minute), *now_ms);
        let told = taken.map(|left| left.remaining).map_err(|refused| refused.retry_after_ms);
        assert_eq!(told, *expected, "{per_minute} a minute at {now_ms}");
    }
}

#[test]
fn requests_per_minute() {
    check(1, &[(0, Ok(0)), (0, Err(60_000)), (59_999, Err(1)), (60_000, Ok(0)), (60_000, Err(60_000))]);
    check(2, &[(5, Ok(1)), (5, Ok(0)), (5, Err(30_000)), (30_004, Err(1)), (30_005, Ok(0)), (30_005, Err(30_000))]);
    // All is there again after a minute.
    check(2, &[(0, Ok(1)), (0, Ok(0)), (60_000, Ok(1)), (60_000, Ok(0)), (60_000, Err(30_000))]);
    check(60, &[(0, Ok(59)), (0, Ok(58)), (1_000, Ok(58)), (2_000, Ok(58)), (10_000, Ok(59))]);
    // An interval that is no whole number of milliseconds.
    check(7, &[(0, Ok(6)), (8_571, Ok(5)), (8_571, Ok(4)), (8_572, Ok(4))]);
    // Clocks that go back, a little and far.
    check(2, &[(50_000, Ok(1)), (49_000, Err(1_000)), (50_000, Ok(0)), (50_000, Err(30_000))]);
    check(2, &[(9_000_000, Ok(1)), (0, Err(30_000)), (30_000, Ok(0)), (30_000, Err(30_000))]);
    // The last moments that can be counted: time stands still, and nothing is granted without end.
    check(2, &[(u64::MAX, Ok(1)), (u64::MAX, Ok(0)), (u64::MAX, Err(30_000)), (0, Err(30_000))]);
}

#[test]
fn another_limit() {
    let mut bucket = Bucket::default();
    for _ in 0..10 {
        assert!(bucket.take(limit(10), 0).is_ok());
    }
    // What is used up stays used up, as a share of the limit.
    assert_eq!(bucket.look(limit(20), 0), Left { limit: 20, remaining: 0, reset_ms: 60_000 });
    assert_eq!(bucket.look(limit(20), 30_000), Left { limit: 20, remaining: 10, reset_ms: 30_000 });
    assert_eq!(bucket.look(limit(4), 30_000), Left { limit: 4, remaining: 2, reset_ms: 30_000 });
    let left = Left { limit: 1, remaining: 0, reset_ms: 30_000 };
    assert_eq!(bucket.take(limit(1), 30_000), Err(TooMany { retry_after_ms: 30_000, left }));
}

#[test]
fn looking_takes_nothing() {
    let mut bucket = Bucket::default();
    assert_eq!(bucket.look(limit(3), 1_000), Left { limit: 3, remaining: 3, reset_ms: 0 });
    assert_eq!(bucket.take(limit(3), 1_000), Ok(Left { limit: 3, remaining: 2, reset_ms: 20_000 }));
    assert_eq!(bucket.look(limit(3), 1_000), Left { limit: 3, remaining: 2, reset_ms: 20_000 });
    assert_eq!(bucket.look(limit(3), 11_000), Left { limit: 3, remaining: 2, reset_ms: 10_000 });
    assert_eq!(serde_json::to_string(&bucket).unwrap(), "21000000");
    assert_eq!(serde_json::from_str::<Bucket>("21000000").unwrap(), bucket);
}

fn limits() -> impl Strategy<Value = u32> {
    prop_oneof![1..20_u32, 1..2_000_u32, Just(60_000_000), any::<u32>().prop_map(|limit| limit.max(1))]
}

fn clocks() -> impl Strategy<Value = u64> {
    prop_oneof![0..200_000_u64, any::<u64>(), Just(u64::MAX), Just(u64::MAX / 1_000)]
}

/// A bucket with a past.
fn used(limit: NonZeroU32, start_ms: u64, pauses: &[u64]) -> (Bucket, u64) {
    let (mut bucket, mut now_ms) = (Bucket::default(), start_ms);
    for pause in pauses {
        now_ms += pause;
        let _ = bucket.take(limit, now_ms);
    }
    (bucket, now_ms)
}

fn pauses() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(0), 0..50_u64, 0..20_000_u64], 1..200)
}

proptest! {
    #[test]
    fn no_stretch_of_time_has_more_than_the_bound(per_minute in 1..40_u32, pauses in pauses()) {
        let (mut bucket, mut now_ms, mut granted) = (Bucket::default(), 0, Vec::new());
        for pause in pauses {
            now_ms += pause;
            if bucket.take(limit(per_minute), now_ms).is_ok() {
                granted.push(now_ms);
            }
        }
        let each_us = 60_000_000_u64.div_ceil(u64::from(per_minute));
        for (first, from) in granted.iter().enumerate() {
            for (last, to) in granted.iter().enumerate().skip(first) {
                let (count, window_us) = ((last - first + 1) as u64, (to - from) * 1_000);
                prop_assert!(count <= u64::from(per_minute) + window_us / each_us, "{count} from {from} to {to}");
                prop_assert!(window_us > 60_000_000 || count <= 2 * u64::from(per_minute));
            }
        }
    }

    #[test]
    fn granted_after_the_wait_and_not_before(per_minute in 1..2_000_u32, pauses in pauses()) {
        let limit = limit(per_minute);
        let (mut bucket, now_ms) = used(limit, 1_700_000_000_000, &pauses);
        let refused = (0..=per_minute).find_map(|_| bucket.take(limit, now_ms).err()).unwrap();
        prop_assert!(refused.retry_after_ms > 0);
        let (mut early, mut due) = (bucket, bucket);
        let again = early.take(limit, now_ms + refused.retry_after_ms - 1).map_err(|refused| refused.retry_after_ms);
        prop_assert_eq!(again, Err(1));
        prop_assert!(due.take(limit, now_ms + refused.retry_after_ms).is_ok());
    }

    #[test]
    fn remaining_and_reset_are_exact(per_minute in 1..2_000_u32, pauses in pauses()) {
        let limit = limit(per_minute);
        let (mut bucket, now_ms) = used(limit, 1_700_000_000_000, &pauses);
        let left = bucket.look(limit, now_ms);
        let all = Left { limit: per_minute, remaining: per_minute, reset_ms: 0 };
        prop_assert_eq!(bucket.look(limit, now_ms + left.reset_ms), all);
        if let Some(earlier) = left.reset_ms.checked_sub(1) {
            prop_assert_ne!(bucket.look(limit, now_ms + earlier), all);
        }
        for taken in 1..=left.remaining {
            let told = bucket.take(limit, now_ms).map(|left| left.remaining);
            prop_assert_eq!(told.ok(), Some(left.remaining - taken));
        }
        prop_assert!(bucket.take(limit, now_ms).is_err());
    }

    #[test]
    fn any_clock_and_any_change_of_the_limit(asks in prop::collection::vec((limits(), clocks()), 0..50), stored in any::<u64>()) {
        let mut bucket: Bucket = serde_json::from_str(&stored.to_string()).unwrap();
        for (per_minute, now_ms) in asks {
            let before = bucket.look(limit(per_minute), now_ms);
            prop_assert!(before.remaining <= per_minute);
            match bucket.take(limit(per_minute), now_ms) {
                Ok(left) => prop_assert_eq!(Some(left.remaining), before.remaining.checked_sub(1)),
                Err(refused) => {
                    prop_assert_eq!((before.remaining, refused.left.remaining), (0, 0));
                    // Never longer than one interval.
                    prop_assert!(refused.retry_after_ms <= 60_000_u64.div_ceil(u64::from(per_minute)).max(1));
                    if now_ms < 1 << 50 {
                        prop_assert!(bucket.take(limit(per_minute), now_ms + refused.retry_after_ms).is_ok());
                    }
                }
            }
        }
    }
}
