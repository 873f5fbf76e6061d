mod month;
mod naive;

use domain::job::State;
use domain::money::NanoUsd;
use domain::usage::Outcome;
use domain::usage::tally::Cell;

use super::super::testing::{Sqlite, catalog};
use super::super::usage::tests::{cell, flush_of, receipt};
use super::*;

const MIDNIGHT_MS: u64 = 1_795_478_400_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;
const NOW_MS: u64 = MIDNIGHT_MS + 12 * HOUR_MS + 30_000;

fn last(length_ms: u64, step_ms: u64) -> Window {
    Window { from_ms: NOW_MS - length_ms, to_ms: NOW_MS, step_ms }
}

/// A window of so long until now, in steps of so much: from and to when it is shown and in which steps, from midnight.
#[track_caller]
fn check_window(length_ms: u64, step_ms: u64, (from_ms, to_ms, step): (i64, i64, u64)) {
    let (window, level) = fit(&last(length_ms, step_ms), NOW_MS);
    let after = |ms: i64| MIDNIGHT_MS.checked_add_signed(ms).unwrap();
    let expected = Window { from_ms: after(from_ms), to_ms: after(to_ms), step_ms: step };
    assert_eq!((window, level.span_ms), (expected, step), "{length_ms} in steps of {step_ms}");
}

#[test]
fn windows() {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let noon = 12 * HOUR;
    check_window(HOUR_MS, MINUTE_MS, (noon - HOUR, noon + MINUTE, MINUTE_MS));
    check_window(6 * HOUR_MS, MINUTE_MS, (noon - 6 * HOUR, noon + MINUTE, MINUTE_MS));
    check_window(6 * HOUR_MS + 1, MINUTE_MS, (noon - 6 * HOUR, noon + HOUR, HOUR_MS));
    check_window(HOUR_MS, HOUR_MS, (noon - HOUR, noon + HOUR, HOUR_MS));
    check_window(HOUR_MS, 61_000, (noon - HOUR, noon + HOUR, HOUR_MS));
    check_window(7 * DAY_MS, 1, (noon - 7 * DAY, noon + HOUR, HOUR_MS));
    check_window(7 * DAY_MS + 1, 1, (-7 * DAY, DAY, DAY_MS));
    check_window(HOUR_MS, DAY_MS, (0, DAY, DAY_MS));
    check_window(HOUR_MS, u64::MAX, (0, DAY, DAY_MS));
    check_window(400 * DAY_MS, DAY_MS, (-400 * DAY, DAY, DAY_MS));
    check_window(500 * DAY_MS, DAY_MS, (-400 * DAY, DAY, DAY_MS));
    check_window(0, MINUTE_MS, (noon, noon + MINUTE, MINUTE_MS));
}

#[test]
fn windows_that_are_past_or_nonsense() {
    let fitted = |from_ms, to_ms| fit(&Window { from_ms, to_ms, step_ms: MINUTE_MS }, NOW_MS).0;
    // Minutes of three days ago and hours of three months ago are not kept.
    assert_eq!(fitted(NOW_MS - 3 * DAY_MS, NOW_MS - 3 * DAY_MS + HOUR_MS).step_ms, HOUR_MS);
    assert_eq!(fitted(NOW_MS - 90 * DAY_MS, NOW_MS - 90 * DAY_MS + HOUR_MS).step_ms, DAY_MS);
    let backwards = fitted(NOW_MS, NOW_MS - HOUR_MS);
    assert!(backwards.from_ms <= backwards.to_ms && backwards.to_ms - backwards.from_ms <= MINUTE_MS, "{backwards:?}");
    let endless = fitted(0, u64::MAX);
    assert_eq!(
        endless,
        Window { from_ms: MIDNIGHT_MS - 399 * DAY_MS, to_ms: MIDNIGHT_MS + 2 * DAY_MS, step_ms: DAY_MS }
    );
    assert_eq!(fitted(u64::MAX, u64::MAX).from_ms, MIDNIGHT_MS + DAY_MS + 12 * HOUR_MS);
}

#[test]
fn an_empty_catalog() {
    let overview = catalog().overview(&last(HOUR_MS, MINUTE_MS), NOW_MS).unwrap();
    assert_eq!((overview.as_of_ms, overview.lag_seconds, overview.now), (NOW_MS, 5, None));
    assert_eq!(overview.totals, domain::admin::overview::Figures::default());
    assert_eq!(overview.series.len(), 61);
    assert!(overview.series.iter().all(|point| point.figures == overview.totals));
    assert_eq!((overview.by_client, overview.by_model), (vec![], vec![]));
    assert_eq!(overview.pictures, Stock::default());
}

fn slow(mut cell: Cell, ms: u64) -> Cell {
    cell.latency = domain::usage::Histogram::default();
    (0..cell.requests).for_each(|_| cell.latency.record(ms));
    cell
}

#[test]
fn figures() {
    let catalog = catalog();
    let at_ms = NOW_MS - 10 * MINUTE_MS;
    let saved = |cell: Cell, nano: u64| Cell { saved: NanoUsd(nano), ..cell };
    let cells = vec![
        saved(slow(cell(at_ms, "shop", "m2", Outcome::Hit, 6), 3), 60),
        saved(slow(cell(at_ms, "shop", "m3", Outcome::Coalesced, 2), 9_000), 20),
        saved(slow(cell(at_ms, "blog", "m2", Outcome::Miss, 3), 15_000), 0),
        saved(slow(cell(at_ms, "blog", "m2", Outcome::Bypass, 1), 25_000), 0),
        saved(slow(cell(at_ms, "", "", Outcome::Refused, 5), 1), 0),
        saved(slow(cell(at_ms + MINUTE_MS, "shop", "m2", Outcome::Failed, 1), 400_000), 0),
    ];
    catalog.flush(&flush_of("a", cells), NOW_MS).unwrap();
    for (job, state, cost) in
        [(1, State::Settled, Some(700)), (2, State::Settled, None), (3, State::Failed, None), (4, State::Unknown, None)]
    {
        catalog.ledger(&receipt(job, None, state, cost, at_ms), NOW_MS).unwrap();
    }
    let overview = catalog.overview(&last(HOUR_MS, MINUTE_MS), NOW_MS).unwrap();
    let figures = serde_json::to_value(&overview.totals).unwrap();
    let ms = |p50: u64, p95: Option<u64>, p99: Option<u64>| serde_json::json!({ "p50_ms": p50, "p95_ms": p95, "p99_ms": p99 });
    let expected = serde_json::json!({
        "requests": 18, "hits": 6, "coalesced": 2, "misses": 3, "bypassed": 1, "refused": 5, "failed": 1,
        "hit_ratio": 8.0 / 12.0, "bytes": 1_800, "spent_usd": "0.0000007", "unknown_usd": "0.0000018", "saved_usd": "0.00000008",
        "generations": { "settled": 1, "untold": 1, "failed": 1, "unknown": 1 },
        "latency": {
            "all": ms(3, None, None),
            "hits": ms(3, Some(3), Some(3)),
            "misses": ms(20_000, Some(30_000), Some(30_000)),
            "provider": ms(10_000, Some(10_000), Some(10_000)),
        },
    });
    assert_eq!(figures, expected);
    assert_eq!(overview.pictures.unknown_outcomes, 1);
    let busy: Vec<(u64, u64)> = overview
        .series
        .iter()
        .filter(|point| point.figures.requests > 0)
        .map(|point| (point.at_ms, point.figures.requests))
        .collect();
    let minute_ms = floor(at_ms, MINUTE_MS);
    assert_eq!(busy, [(minute_ms, 17), (minute_ms + MINUTE_MS, 1)]);
    let names = |shares: &[Share]| -> Vec<(Option<String>, u64, u64)> {
        shares.iter().map(|share| (share.name.clone(), share.figures.requests, share.figures.spent.0)).collect()
    };
    let (shop, blog) = (Some("shop".to_owned()), Some("blog".to_owned()));
    assert_eq!(names(&overview.by_client), [(shop, 9, 700), (None, 5, 0), (blog, 4, 0)]);
    let [two, three, paid] = ["m2", "m3", "gpt-image-2"].map(|name| Some(name.to_owned()));
    assert_eq!(names(&overview.by_model), [(paid, 0, 700), (two, 11, 0), (None, 5, 0), (three, 2, 0)]);
}

#[test]
fn the_shares_that_matter() {
    let catalog = catalog();
    let cells = (0..300).map(|n| cell(NOW_MS, &format!("c{n:03}"), "m", Outcome::Hit, n + 1)).collect();
    catalog.flush(&flush_of("a", cells), NOW_MS).unwrap();
    let overview = catalog.overview(&last(HOUR_MS, MINUTE_MS), NOW_MS).unwrap();
    assert_eq!(overview.by_client.len(), MAX_SHARES);
    assert_eq!(overview.by_client[0].name.as_deref(), Some("c299"));
    assert_eq!(overview.by_client[199].name.as_deref(), Some("c100"));
    assert_eq!(overview.totals.requests, 300 * 301 / 2, "the totals are of all");
}
