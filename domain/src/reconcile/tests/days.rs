use proptest::prelude::*;

use super::super::{Bucket, Cost, Exact, Export, Used, reconcile};
use super::*;
use crate::admin::reconcile::{Basis, Counts, LineKind, Reconciliation};
use LineKind::{Differs, NoReceipt, NotBilled, UnknownBilled, UnknownNotBilled};

/// The time that is compared: two days.
const TO: u64 = DAY + 2 * DAY_MS;
const T: u64 = DAY + 3_600_000;

fn bucket<R>(day: u64, results: Vec<R>) -> Bucket<R> {
    Bucket { start_ms: DAY + day * DAY_MS, end_ms: DAY + (day + 1) * DAY_MS, results }
}

fn used(model: &str, requests: u64, images: u64) -> Used {
    Used { model: (!model.is_empty()).then(|| model.to_owned()), requests, images }
}

fn usage(buckets: Vec<Bucket<Used>>, calls: &[Made]) -> Reconciliation {
    reconcile(&Export::Usage(buckets), &ledger(calls), DAY, TO)
}

/// The lines as kind, day, model, and the counts in their order.
#[track_caller]
fn check(results: Vec<Used>, calls: &[Made], expected: &[(LineKind, &str, [u64; 5])]) {
    let report = usage(vec![bucket(0, results)], calls);
    let lines: Vec<_> = report
        .differences
        .iter()
        .map(|line| {
            assert_eq!(
                (line.what.as_str(), line.at_ms, line.billed, line.receipt),
                ("2026-11-24", Some(DAY), None, None)
            );
            let Counts { billed_requests, billed_images, receipt_requests, receipt_images, unknown_requests } =
                line.counts.unwrap();
            let counts = [billed_requests, billed_images, receipt_requests, receipt_images, unknown_requests];
            (line.kind, line.model.as_deref().unwrap_or(""), counts)
        })
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn calls_and_pictures_of_a_day() {
    let two = Made { takes: 2, ..made(1, T, 7) };
    check(vec![used(A, 1, 2)], std::slice::from_ref(&two), &[]);
    check(vec![used("", 1, 2)], std::slice::from_ref(&two), &[]);
    check(vec![], &[], &[]);
    check(vec![used(A, 0, 0)], &[], &[]);
    check(vec![used(A, 1, 2), used(B, 1, 1)], &[two.clone(), Made { model: B, ..made(2, T, 7) }], &[]);
    // Grouped by more than the model, and under the name of a snapshot.
    check(
        vec![used("gpt-image-2-2026-04-21", 1, 1), used(B, 1, 1)],
        &[Made { model: B, ..made(1, T, 7) }, Made { model: B, ..made(2, T, 7) }],
        &[],
    );
    check(vec![used(A, 2, 2)], std::slice::from_ref(&two), &[(Differs, A, [2, 2, 1, 2, 0])]);
    check(vec![used(A, 1, 3)], std::slice::from_ref(&two), &[(Differs, A, [1, 3, 1, 2, 0])]);
    check(vec![used("", 3, 3)], std::slice::from_ref(&two), &[(Differs, "", [3, 3, 1, 2, 0])]);
    check(
        vec![used(B, 1, 1)],
        std::slice::from_ref(&two),
        &[(NoReceipt, B, [1, 1, 0, 0, 0]), (NotBilled, A, [0, 0, 1, 2, 0])],
    );
    check(vec![], std::slice::from_ref(&two), &[(NotBilled, "", [0, 0, 1, 2, 0])]);
    check(vec![used(A, 1, 1)], &[lost(1, T)], &[(UnknownBilled, A, [1, 1, 0, 0, 1])]);
    check(vec![used(A, 2, 3)], &[two.clone(), lost(2, T)], &[(UnknownBilled, A, [2, 3, 1, 2, 1])]);
    check(vec![used(A, 3, 4)], &[two.clone(), lost(2, T)], &[(Differs, A, [3, 4, 1, 2, 1])]);
    check(vec![used(A, 1, 2)], &[two.clone(), lost(2, T)], &[(UnknownNotBilled, A, [1, 2, 1, 2, 1])]);
    // Pictures that were not kept: how many there were is not known.
    let loose = Made { takes: 0, ..made(1, T, 7) };
    check(vec![used(A, 1, 3)], std::slice::from_ref(&loose), &[]);
    check(vec![used(A, 1, 0)], &[loose], &[(Differs, A, [1, 0, 1, 1, 0])]);
    // Not billed, and not over yet.
    let failed = Made { state: State::Failed, ..made(1, T, 7) };
    check(vec![used(A, 0, 0)], &[failed], &[]);
    let running = Made { state: State::Dispatched, ..lost(1, T) };
    check(vec![used(A, 1, 1)], std::slice::from_ref(&running), &[]);
    check(vec![used(A, 0, 0)], &[running], &[]);
}

#[test]
fn only_the_time_that_the_buckets_cover_is_compared() {
    let report = usage(
        vec![bucket(1, vec![used(A, 1, 1)])],
        &[made(1, DAY + DAY_MS, 7), made(2, DAY + DAY_MS - 1, 9), made(3, TO, 1)],
    );
    assert_eq!((&report.differences, report.receipts, report.matched), (&vec![], NanoUsd(7), 1));
    assert_eq!((report.basis, report.billed), (Basis::Usage, None));
    // An hour with a gap behind it, and a bucket outside of the time.
    let hour = Bucket { start_ms: DAY, end_ms: DAY + 3_600_000, results: vec![used(A, 1, 1)] };
    let minute = Bucket { start_ms: T + 60_000, end_ms: T + 120_000, results: vec![used(A, 2, 2)] };
    let late = bucket(2, vec![used(A, 9, 9)]);
    let calls =
        [made(1, DAY, 7), made(2, T, 9), made(3, T + 60_000, 1), made(4, T + 119_999, 1), made(5, T + 120_000, 5)];
    let report = usage(vec![late, minute, hour], &calls);
    assert_eq!((report.differences, report.receipts, report.ignored), (vec![], NanoUsd(9), 1));
}

fn cost(item: &str, amount: &str) -> Cost {
    Cost { item: (!item.is_empty()).then(|| item.to_owned()), amount: Exact::parse(amount).unwrap() }
}

/// The lines as kind, day, billed and receipt, then both sums, how many agree, and how many were of something else.
#[track_caller]
fn check_costs(
    buckets: Vec<Bucket<Cost>>,
    calls: &[Made],
    lines: &[(LineKind, &str, u64, u64)],
    sums: (u64, u64, u64, u64),
) {
    let report = reconcile(&Export::Costs(buckets), &ledger(calls), DAY, TO);
    let found: Vec<_> = report
        .differences
        .iter()
        .map(|line| (line.kind, line.what.as_str(), line.billed.unwrap().0, line.receipt.unwrap().0))
        .collect();
    assert_eq!(found, lines);
    assert_eq!((report.billed.unwrap().0, report.receipts.0, report.matched, report.ignored), sums);
    assert_eq!(report.basis, Basis::Costs);
}

#[test]
fn the_amount_of_a_day() {
    let nano = |text: &str| cost("", text);
    let next = DAY + DAY_MS;
    check_costs(vec![bucket(0, vec![nano("0.000000007")])], &[made(1, T, 7)], &[], (7, 7, 1, 0));
    check_costs(vec![bucket(0, vec![]), bucket(1, vec![nano("0")])], &[], &[], (0, 0, 0, 0));
    check_costs(
        vec![bucket(0, vec![nano("8e-9")]), bucket(1, vec![nano("5e-9")])],
        &[made(1, T, 7), made(2, next, 5)],
        &[(Differs, "2026-11-24", 8, 7)],
        (13, 12, 1, 0),
    );
    check_costs(
        vec![bucket(1, vec![nano("5e-9")])],
        &[made(1, T, 7)],
        &[(NoReceipt, "2026-11-25", 5, 0)],
        (5, 0, 0, 0),
    );
    check_costs(vec![bucket(0, vec![])], &[made(1, T, 7)], &[(NotBilled, "2026-11-24", 0, 7)], (0, 7, 0, 0));
    check_costs(
        vec![bucket(0, vec![nano("5e-9")])],
        &[lost(1, T)],
        &[(UnknownBilled, "2026-11-24", 5, 0)],
        (5, 0, 0, 0),
    );
    check_costs(
        vec![bucket(0, vec![nano("7e-9")])],
        &[made(1, T, 7), lost(2, T)],
        &[(UnknownNotBilled, "2026-11-24", 7, 7)],
        (7, 7, 0, 0),
    );
    // More than was set aside for what is unknown.
    check_costs(
        vec![bucket(0, vec![nano("0.001000008")])],
        &[made(1, T, 7), lost(2, T)],
        &[(Differs, "2026-11-24", 1_000_008, 7)],
        (1_000_008, 7, 0, 0),
    );
    check_costs(
        vec![bucket(0, vec![nano("0.001000007")])],
        &[made(1, T, 7), lost(2, T)],
        &[(UnknownBilled, "2026-11-24", 1_000_007, 7)],
        (1_000_007, 7, 0, 0),
    );
    // What floats left is summed before it is rounded: rounded one by one these would be nothing.
    let dust = vec![nano("0.00000000349"), nano("0.00000000349"), nano("0.00000000001")];
    check_costs(vec![bucket(0, dust)], &[made(1, T, 7)], &[], (7, 7, 1, 0));
    // An organisation buys more than pictures.
    let items = vec![
        cost("gpt-image-2, output", "7e-9"),
        cost("gpt-5, input", "99"),
        cost("Image models", "0"),
        cost("dall-e-3", "0"),
    ];
    check_costs(vec![bucket(0, items)], &[made(1, T, 7)], &[], (7, 7, 1, 1));
}

proptest! {
    /// Pages cut as one likes, in any order, say the same as long as their buckets do.
    #[test]
    fn sums_are_exact_in_any_order(
        spent in proptest::collection::vec((0_u64..2 * DAY_MS, 1_u64..1_000_000), 1..60),
        shift in 0_usize..60,
    ) {
        let calls: Vec<Made> = spent.iter().zip(1_u8..).map(|((at, cost), number)| made(number, DAY + at, *cost)).collect();
        let results = |day: u64| {
            let of_day = spent.iter().filter(|(at, _)| at / DAY_MS == day);
            of_day.map(|(_, cost)| self::cost("", &format!("{cost}e-9"))).collect::<Vec<_>>()
        };
        let mut rotated = calls.clone();
        rotated.rotate_left(shift % calls.len());
        let sum: u64 = spent.iter().map(|(_, cost)| cost).sum();
        let report = reconcile(&Export::Costs(vec![bucket(1, results(1)), bucket(0, results(0))]), &ledger(&rotated), DAY, TO);
        prop_assert_eq!(&report.differences, &vec![]);
        prop_assert_eq!((report.billed, report.receipts), (Some(NanoUsd(sum)), NanoUsd(sum)));
    }
}
