use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn of(all: &[u64]) -> Histogram {
    let mut histogram = Histogram::default();
    for ms in all {
        histogram.record(*ms);
    }
    histogram
}

/// The median, the 95th and the 99th percentile of these latencies.
#[track_caller]
fn check(all: &[u64], expected: [Option<u64>; 3]) {
    let histogram = of(all);
    assert_eq!([500, 950, 990].map(|permille| histogram.quantile(permille)), expected, "{all:?}");
    assert_eq!(histogram.count(), all.len() as u64, "{all:?}");
    assert_eq!(histogram.sum_ms, all.iter().sum::<u64>(), "{all:?}");
}

#[test]
fn quantiles() {
    check(&[], [None; 3]);
    check(&[0], [Some(1); 3]);
    check(&[1], [Some(1); 3]);
    check(&[2], [Some(2); 3]);
    check(&[4], [Some(5); 3]);
    check(&[100], [Some(100); 3]);
    check(&[101], [Some(200); 3]);
    check(&[300_000], [Some(300_000); 3]);
    check(&[300_001], [None; 3]);
    // One of two is half of them.
    check(&[1, 60_000], [Some(1), Some(60_000), Some(60_000)]);
    check(&[1, 2, 60_000], [Some(2), Some(60_000), Some(60_000)]);
    // Nineteen of twenty are 95 %.
    check(&[[3; 19].as_slice(), &[400_000]].concat(), [Some(3), Some(3), None]);
    check(&[[3; 18].as_slice(), &[9, 400_000]].concat(), [Some(3), Some(10), None]);
}

#[test]
fn ends() {
    let histogram = of(&[2, 20, 200]);
    assert_eq!(histogram.quantile(0), Some(2), "the shortest");
    assert_eq!(histogram.quantile(1_000), Some(200), "the longest");
    assert_eq!(histogram.quantile(1_001), None);
    let full = Histogram { counts: [u64::MAX; BUCKETS], sum_ms: u64::MAX };
    let mut more = full.clone();
    more.record(u64::MAX);
    more.merge(&full);
    assert_eq!(more, full);
    assert_eq!(more.count(), u64::MAX);
    assert_eq!(more.quantile(500), Some(200), "the thirteenth of twenty-five");
}

fn latency() -> impl Strategy<Value = u64> {
    let near = prop::sample::select(BOUNDS_MS.to_vec()).prop_flat_map(|bound| bound - 1..=bound + 1);
    prop_oneof![0..500_u64, near, 0..1_000_000_u64, Just(u64::MAX)]
}

fn merged(parts: &[&Histogram]) -> Histogram {
    let mut sum = Histogram::default();
    for part in parts {
        sum.merge(part);
    }
    sum
}

proptest! {
    #[test]
    fn adding_is_recording_everything_in_one(a in vec(latency(), 0..30), b in vec(latency(), 0..30), c in vec(latency(), 0..30)) {
        let whole = of(&[a.as_slice(), &b, &c].concat());
        let (a, b, c) = (of(&a), of(&b), of(&c));
        prop_assert_eq!(&merged(&[&a, &b, &c]), &whole);
        prop_assert_eq!(&merged(&[&c, &a, &b]), &whole);
        prop_assert_eq!(&merged(&[&a, &merged(&[&b, &c])]), &whole);
        prop_assert_eq!(&merged(&[&merged(&[&a, &b]), &c]), &whole);
    }

    #[test]
    fn a_quantile_brackets_the_true_one(mut all in vec(latency(), 1..100), permille in 1..=1_000_u32) {
        let told = of(&all).quantile(permille);
        all.sort_unstable();
        let rank = (all.len() * permille as usize).div_ceil(1_000);
        let truth = all[rank - 1];
        match told {
            None => prop_assert!(truth > BOUNDS_MS[BOUNDS_MS.len() - 1]),
            Some(bound) => {
                let at = BOUNDS_MS.binary_search(&bound).unwrap();
                prop_assert!(truth <= bound);
                prop_assert!(at == 0 || truth > BOUNDS_MS[at - 1]);
            }
        }
    }
}
