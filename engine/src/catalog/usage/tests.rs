use domain::access::ClientId;
use domain::job::{JobId, Joined, Money, State};
use domain::money::NanoUsd;
use domain::trace::RequestId;
use domain::usage::Outcome;

use super::super::testing::{Sqlite, catalog};
use super::levels::{LEVELS, MINUTES, TENS, View};
use super::*;

/// 2026-11-24T00:00:00Z.
const MIDNIGHT_MS: u64 = 1_795_478_400_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;
const NOW_MS: u64 = MIDNIGHT_MS + 12 * HOUR_MS;

pub(in super::super) fn cell(at_ms: u64, client: &str, model: &str, outcome: Outcome, requests: u64) -> Cell {
    let mut latency = Histogram::default();
    (0..requests).for_each(|_| latency.record(2));
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    Cell {
        minute_ms: at_ms,
        client: named(client).map(ClientId),
        model: named(model),
        outcome,
        requests,
        bytes: requests * 100,
        saved: NanoUsd(requests * 7),
        latency,
    }
}

pub(in super::super) fn flush_of(id: &str, cells: Vec<Cell>) -> Flush {
    Flush { id: id.to_owned(), cells, pictures: Vec::new(), requests: Vec::new(), unshown: 0 }
}

pub(in super::super) fn receipt(
    job: u64,
    take: Option<u32>,
    state: State,
    cost: Option<u64>,
    ended_ms: u64,
) -> Receipt {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&job.to_be_bytes());
    Receipt {
        id: JobId::new(id),
        take,
        state,
        money: Money::Done,
        client: ClientId("shop".to_owned()),
        model: "gpt-image-2".to_owned(),
        leader_request_id: RequestId::default(),
        joined: Joined::default(),
        upstream_request_id: None,
        usage: None,
        cost_nano_usd: cost.map(NanoUsd),
        reserve_nano_usd: NanoUsd(900),
        attempts: 1,
        claimed_ms: ended_ms - 9_000,
        dispatched_ms: Some(ended_ms - 8_000),
        ended_ms: Some(ended_ms),
        digest: None,
        failure: None,
    }
}

/// Rows as `view span at kind client model outcome count nano`, without their latencies.
fn rows(catalog: &Catalog<Sqlite>, view: View, span_ms: u64) -> Vec<String> {
    let sql =
        "SELECT at_ms || ' ' || kind || ' ' || client || '/' || model || ' ' || outcome || ' ' || count || ' ' || nano
               FROM usage WHERE view = ?1 AND span_ms = ?2";
    let found = catalog.db.run(sql, &[Value::Integer(view.number()), integer(span_ms)]).unwrap();
    let text = |row: &Row| if let Some(Value::Text(text)) = row.first() { text.clone() } else { panic!("{row:?}") };
    found.iter().map(text).collect()
}

fn count(catalog: &Catalog<Sqlite>, table: &str) -> u64 {
    number(&catalog.db.run(&format!("SELECT count(*) FROM {table}"), &[]).unwrap()[0], 0).unwrap()
}

#[test]
fn a_flush_counts_once() {
    let catalog = catalog();
    let flush =
        flush_of("a", vec![cell(NOW_MS, "shop", "m", Outcome::Hit, 3), cell(NOW_MS, "", "", Outcome::Refused, 1)]);
    assert!(catalog.flush(&flush, NOW_MS).unwrap());
    assert!(!catalog.flush(&flush, NOW_MS + 1_000).unwrap());
    let once = [format!("{NOW_MS} request / refused 1 7"), format!("{NOW_MS} request shop/m hit 3 21")];
    assert_eq!(rows(&catalog, View::Each, MINUTE_MS), once);
    assert!(catalog.flush(&Flush { id: "b".to_owned(), ..flush.clone() }, NOW_MS).unwrap());
    let twice = [format!("{NOW_MS} request / refused 2 14"), format!("{NOW_MS} request shop/m hit 6 42")];
    assert_eq!(rows(&catalog, View::Each, MINUTE_MS), twice);
    // The id is remembered for an hour.
    catalog.expire_usage(NOW_MS + FLUSHES_KEPT_MS).unwrap();
    assert!(!catalog.flush(&flush, NOW_MS + FLUSHES_KEPT_MS).unwrap());
    assert!(catalog.flush(&flush_of("c", vec![]), NOW_MS + 2).unwrap());
    assert_eq!(catalog.last_flush_ms().unwrap(), NOW_MS + 2);
    catalog.expire_usage(NOW_MS + 2 * DAY_MS).unwrap();
    assert_eq!((count(&catalog, "usage_flush"), catalog.last_flush_ms().unwrap()), (1, NOW_MS + 2), "the newest stays");
}

#[test]
fn every_number_of_a_cell_is_added() {
    let catalog = catalog();
    let mut counted = cell(NOW_MS, "shop", "m", Outcome::Hit, 3);
    for (bucket, count) in counted.latency.counts.iter_mut().enumerate() {
        *count = bucket as u64 + 1;
    }
    for id in ["a", "b"] {
        catalog.flush(&flush_of(id, vec![counted.clone()]), NOW_MS).unwrap();
    }
    catalog.roll_up(NOW_MS + DAY_MS).unwrap();
    let mut found = Vec::new();
    catalog.totals(|row| found.push((row.count, row.bytes, row.nano, row.latency()))).unwrap();
    let mut twice = counted.latency.clone();
    twice.merge(&counted.latency);
    assert_eq!(found, [(6, 600, 42, twice)]);
}

/// What the receipts of one job add: the row's outcome, how many calls, and the money.
#[track_caller]
fn check_job(state: State, costs: &[Option<u64>], expected: &str) {
    let catalog = catalog();
    for (at, cost) in costs.iter().enumerate() {
        let take = if costs.len() > 1 { u32::try_from(at + 5).ok() } else { None };
        catalog.ledger(&receipt(1, take, state, *cost, NOW_MS), NOW_MS + 500).unwrap();
    }
    let expected: Vec<String> =
        if expected.is_empty() { vec![] } else { vec![format!("{NOW_MS} job shop/gpt-image-2 {expected}")] };
    assert_eq!(rows(&catalog, View::Each, MINUTE_MS), expected, "{state:?} {costs:?}");
    let mut measured = 0;
    catalog.totals(|row| measured += row.latency().count()).unwrap();
    assert_eq!(measured, expected.len() as u64, "the call is measured once");
}

#[test]
fn jobs() {
    check_job(State::Dispatched, &[None], "");
    check_job(State::Stored, &[Some(700)], "");
    check_job(State::Settled, &[Some(700)], "settled 1 700");
    check_job(State::Settled, &[Some(301), Some(300), Some(300)], "settled 1 901");
    check_job(State::Settled, &[None, None], "untold 1 1800");
    check_job(State::Failed, &[None, None], "failed 1 0");
    check_job(State::Unknown, &[None, None, None], "unknown 1 2700");
}

#[test]
fn jobs_are_told_apart() {
    let catalog = catalog();
    for job in 1..4 {
        catalog.ledger(&receipt(job, None, State::Settled, Some(5), NOW_MS), NOW_MS).unwrap();
    }
    assert_eq!(rows(&catalog, View::Each, MINUTE_MS), [format!("{NOW_MS} job shop/gpt-image-2 settled 3 15")]);
    let never = Receipt { ended_ms: None, ..receipt(9, None, State::Failed, None, NOW_MS) };
    catalog.ledger(&never, NOW_MS + MINUTE_MS + 1).unwrap();
    assert_eq!(rows(&catalog, View::Each, MINUTE_MS).len(), 2, "without an end it is now");
    catalog.expire_usage(NOW_MS + 3 * DAY_MS).unwrap();
    assert_eq!(count(&catalog, "usage_job"), 0);
}

/// At which minute a clock is believed that says `at_ms`.
#[track_caller]
fn check_clock(at_ms: u64, expected_ms: u64) {
    assert_eq!(honest(at_ms, NOW_MS + 30_000), expected_ms, "{at_ms}");
}

#[test]
fn clocks() {
    check_clock(NOW_MS, NOW_MS);
    check_clock(NOW_MS - 1, NOW_MS - MINUTE_MS);
    check_clock(NOW_MS + 59_999, NOW_MS);
    check_clock(NOW_MS + 330_000, NOW_MS + 5 * MINUTE_MS);
    check_clock(NOW_MS + 330_001, NOW_MS);
    check_clock(u64::MAX, NOW_MS);
    check_clock(NOW_MS - 40 * DAY_MS, NOW_MS - 40 * DAY_MS);
    check_clock(MIDNIGHT_MS - 799 * DAY_MS, MIDNIGHT_MS - 799 * DAY_MS);
    check_clock(MIDNIGHT_MS - 800 * DAY_MS, MIDNIGHT_MS - 799 * DAY_MS);
    check_clock(0, MIDNIGHT_MS - 799 * DAY_MS);
}

/// Counted `age_ms` after it happened: the spans for which that was worked out before, in which each view has it once.
#[track_caller]
fn check_late(age_ms: u64, expected: &[u64]) {
    let catalog = catalog();
    catalog.roll_up(NOW_MS).unwrap();
    catalog.flush(&flush_of("a", vec![cell(NOW_MS - age_ms, "shop", "m", Outcome::Hit, 1)]), NOW_MS).unwrap();
    for view in View::EVERY {
        let all = LEVELS.map(|level| level.span_ms);
        let found: Vec<u64> = all.into_iter().filter(|span_ms| rows(&catalog, view, *span_ms).len() == 1).collect();
        let written = view == View::Each && age_ms < 2 * DAY_MS && !expected.contains(&MINUTE_MS);
        let expected = [if written { [MINUTE_MS].as_slice() } else { &[] }, expected].concat();
        assert_eq!(found, expected, "{view:?} {age_ms} ms late");
    }
    let mut total = 0;
    catalog.totals(|row| total += row.count).unwrap();
    assert_eq!(total, 1, "{age_ms} ms late");
    // And again once everything is over.
    catalog.roll_up(NOW_MS + 2 * DAY_MS).unwrap();
    let day = levels::floor(NOW_MS - age_ms, DAY_MS);
    assert_eq!(rows(&catalog, View::All, DAY_MS), [format!("{day} request / hit 1 7")], "{age_ms} ms late");
}

#[test]
fn late_counts() {
    let [minute, ten, hour, quarter, day, eight] = LEVELS.map(|level| level.span_ms);
    check_late(0, &[]);
    check_late(MINUTE_MS, &[]);
    check_late(2 * MINUTE_MS, &[minute]);
    check_late(11 * MINUTE_MS, &[minute, ten]);
    check_late(5 * HOUR_MS, &[minute, ten, hour]);
    check_late(7 * HOUR_MS, &[minute, ten, hour, quarter]);
    check_late(DAY_MS, &[minute, ten, hour, quarter, day]);
    check_late(47 * HOUR_MS, &[minute, ten, hour, quarter, day]);
    check_late(49 * HOUR_MS, &[hour, quarter, day]);
    check_late(61 * DAY_MS, &[hour, quarter, day, eight]);
    check_late(63 * DAY_MS, &[day, eight]);
    check_late(790 * DAY_MS, &[day, eight]);
}

#[test]
fn a_count_between_two_marks() {
    let catalog = catalog();
    catalog.roll_up(NOW_MS + 8 * MINUTE_MS).unwrap();
    // Its minute is over, its ten minutes are not.
    catalog.flush(&flush_of("a", vec![cell(NOW_MS, "shop", "m", Outcome::Hit, 1)]), NOW_MS + 8 * MINUTE_MS).unwrap();
    assert_eq!(rows(&catalog, View::Client, MINUTE_MS), [format!("{NOW_MS} request shop/ hit 1 7")]);
    assert_eq!(rows(&catalog, View::Client, TENS.span_ms), [""; 0]);
    catalog.roll_up(NOW_MS + 12 * MINUTE_MS).unwrap();
    assert_eq!(rows(&catalog, View::Client, TENS.span_ms), [format!("{NOW_MS} request shop/ hit 1 7")]);
}

#[test]
fn rolling_up_again_changes_nothing() {
    let catalog = catalog();
    let cells = ["shop", "blog"].map(|client| cell(NOW_MS, client, "m", Outcome::Hit, 2));
    catalog.flush(&flush_of("a", cells.to_vec()), NOW_MS).unwrap();
    catalog.roll_up(NOW_MS + 2 * DAY_MS).unwrap();
    let everything =
        || (LEVELS.map(|level| View::EVERY.map(|view| rows(&catalog, view, level.span_ms))), catalog.marks());
    let before = everything();
    assert_eq!(before.0[4][0], [format!("{MIDNIGHT_MS} request / hit 4 28")]);
    catalog.roll_up(NOW_MS + 2 * DAY_MS).unwrap();
    // A clock that goes back moves no mark back.
    catalog.roll_up(NOW_MS).unwrap();
    assert_eq!(everything(), before);
    // As after one that broke off before it moved the mark.
    for level in &LEVELS[1..] {
        catalog.db.run("UPDATE usage_mark SET at_ms = 0 WHERE span_ms = ?1", &[integer(level.span_ms)]).unwrap();
    }
    catalog.roll_up(NOW_MS + 2 * DAY_MS).unwrap();
    assert_eq!(everything(), before);
}

#[test]
fn what_is_needed_does_not_expire() {
    let catalog = catalog();
    catalog.flush(&flush_of("a", vec![cell(NOW_MS, "shop", "m", Outcome::Hit, 2)]), NOW_MS).unwrap();
    catalog.expire_usage(NOW_MS + 900 * DAY_MS).unwrap();
    assert_eq!(rows(&catalog, View::Each, MINUTE_MS).len(), 1, "nothing was rolled up yet");
    catalog.roll_up(NOW_MS + 8 * DAY_MS).unwrap();
    let kept = |now_ms: u64| {
        catalog.expire_usage(now_ms).unwrap();
        LEVELS.map(|level| View::EVERY.iter().all(|view| rows(&catalog, *view, level.span_ms).len() == 1))
    };
    let since_ms = MIDNIGHT_MS - 5 * DAY_MS;
    for (now_ms, gone) in [
        (NOW_MS + 2 * DAY_MS, 0),
        // Ten minutes and quarters of days are given up from their beginning, too.
        (NOW_MS + 2 * DAY_MS + 1, 2),
        (NOW_MS + 62 * DAY_MS, 2),
        (NOW_MS + 62 * DAY_MS + 1, 4),
        (since_ms + 800 * DAY_MS, 4),
        (MIDNIGHT_MS + 800 * DAY_MS + 1, 6),
    ] {
        assert_eq!(kept(now_ms), std::array::from_fn(|level| level >= gone), "at {now_ms}");
    }
    assert_eq!(count(&catalog, "usage"), 0);
    assert_eq!(count(&catalog, "usage_total"), 1, "for good");
}

#[test]
fn the_first_models_are_named() {
    let catalog = catalog();
    let cells = (0..70).map(|n| cell(NOW_MS, "shop", &format!("m{n:02}"), Outcome::Hit, 1));
    let all: Vec<Cell> = cells.chain([cell(NOW_MS, "shop", "", Outcome::Hit, 1)]).collect();
    catalog.flush(&flush_of("a", all[30..40].to_vec()), NOW_MS).unwrap();
    assert_eq!(count(&catalog, "usage_model"), 10);
    catalog.flush(&flush_of("b", all.clone()), NOW_MS).unwrap();
    catalog.flush(&flush_of("c", all), NOW_MS).unwrap();
    assert_eq!(count(&catalog, "usage_model"), 50);
    assert_eq!(count(&catalog, "usage_model WHERE name BETWEEN 'm30' AND 'm39'"), 10);
    assert_eq!(count(&catalog, "usage_model WHERE name = ''"), 0);
}

#[test]
fn numbers_that_are_no_counts() {
    let catalog = catalog();
    let broken = Cell { requests: u64::MAX, saved: NanoUsd(u64::MAX), ..cell(NOW_MS, "shop", "m", Outcome::Hit, 1) };
    for id in ["a", "b"] {
        catalog.flush(&flush_of(id, vec![broken.clone()]), NOW_MS).unwrap();
    }
    catalog.roll_up(NOW_MS + 2 * DAY_MS).unwrap();
    let most = 2 * 9_007_199_254_740_991_u64;
    assert_eq!(rows(&catalog, View::All, DAY_MS), [format!("{MIDNIGHT_MS} request / hit {most} {most}")]);
}

/// However many cells: a statement has few bindings, and a text is not too long for the store.
#[test]
fn large_flushes() {
    let catalog = catalog();
    let cells: Vec<Cell> = (0..4_500).map(|n| cell(NOW_MS, &format!("c{n}"), "m", Outcome::Hit, 1)).collect();
    catalog.flush(&flush_of("a", cells), NOW_MS).unwrap();
    assert_eq!(rows(&catalog, View::Each, MINUTE_MS).len(), 4_500);
    assert_eq!(MINUTES.span_ms, MINUTE_MS);
}
