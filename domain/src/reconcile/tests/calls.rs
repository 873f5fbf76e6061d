use proptest::prelude::*;

use super::super::{Bill, Export, reconcile};
use super::*;
use crate::admin::reconcile::{Basis, LineKind, Reconciliation};
use LineKind::{Differs, NoReceipt, NotBilled, UnknownBilled, UnknownNotBilled};

fn compare(bills: &[Bill], calls: &[Made]) -> Reconciliation {
    reconcile(&Export::Requests(bills.to_vec()), &ledger(calls), DAY, DAY + DAY_MS)
}

fn bill(id: &str, at_ms: u64, cost: u64) -> Bill {
    let id = (!id.is_empty()).then(|| id.to_owned());
    Bill { at_ms, id, model: A.to_owned(), cost: NanoUsd(cost) }
}

/// The lines as kind, what, billed and receipt.
#[track_caller]
fn check(bills: &[Bill], calls: &[Made], expected: &[(LineKind, &str, Option<u64>, Option<u64>)]) -> Reconciliation {
    let report = compare(bills, calls);
    let lines = report.differences.iter();
    let lines: Vec<_> = lines
        .map(|line| (line.kind, line.what.as_str(), line.billed.map(|sum| sum.0), line.receipt.map(|sum| sum.0)))
        .collect();
    assert_eq!(lines, expected);
    report
}

/// What the two sides add up to, and how many of them agree.
fn sums(report: &Reconciliation) -> (u64, u64, u64, u64) {
    (report.billed.unwrap().0, report.receipts.0, report.matched, report.ignored)
}

const T: u64 = DAY + 3_600_000;

#[test]
fn both_sides_agree() {
    let thrice = Made { takes: 3, ..made(2, T, 100) };
    let report = check(&[bill("req_1", T, 7), bill("req_2", T, 100)], &[made(1, T, 7), thrice], &[]);
    assert_eq!(sums(&report), (107, 107, 2, 0));
    assert_eq!((report.basis, report.from_ms, report.to_ms), (Basis::Requests, DAY, DAY + DAY_MS));
    let nothing = check(&[], &[], &[]);
    assert_eq!(sums(&nothing), (0, 0, 0, 0));
    // What failed for certain, and what is under way, is no difference.
    let failed = Made { state: State::Failed, cost: None, ..made(1, T, 0) };
    let running = Made { state: State::Dispatched, id: None, cost: None, ..made(2, T, 0) };
    check(&[], &[failed, running], &[]);
}

#[test]
fn one_of_each_kind() {
    let report = check(&[bill("req_1", T, 8)], &[made(1, T, 7)], &[(Differs, "req_1", Some(8), Some(7))]);
    assert_eq!(sums(&report), (8, 7, 0, 0));
    let report = check(&[bill("req_9", T, 8)], &[], &[(NoReceipt, "req_9", Some(8), None)]);
    assert_eq!(sums(&report), (8, 0, 0, 0));
    check(&[bill("", T, 8)], &[], &[(NoReceipt, "2026-11-24T01:00:00Z", Some(8), None)]);
    let report = check(&[], &[made(1, T, 7)], &[(NotBilled, "req_1", None, Some(7))]);
    assert_eq!(sums(&report), (0, 7, 0, 0));
    let known = Made { id: Some("req_1".to_owned()), ..lost(1, T) };
    let report =
        check(&[bill("req_1", T, 8)], std::slice::from_ref(&known), &[(UnknownBilled, "req_1", Some(8), None)]);
    assert_eq!(sums(&report), (8, 0, 0, 0));
    check(&[], &[known], &[(UnknownNotBilled, "req_1", None, None)]);
    let job = JobId::new([1; 16]);
    check(&[], &[lost(1, T)], &[(UnknownNotBilled, job.as_str(), None, None)]);
    // Stored, and the provider did not say what it cost.
    let untold = Made { state: State::Settled, cost: None, ..made(1, T, 0) };
    check(&[bill("req_1", T, 8)], std::slice::from_ref(&untold), &[(UnknownBilled, "req_1", Some(8), None)]);
    check(&[], &[untold], &[(UnknownNotBilled, "req_1", None, None)]);
    // The service took it for certain that this one was not billed.
    let failed = Made { state: State::Failed, cost: None, ..made(1, T, 0) };
    check(&[bill("req_1", T, 8)], &[failed], &[(Differs, "req_1", Some(8), Some(0))]);
    // Billed twice, or twice in the export.
    check(&[bill("req_1", T, 7), bill("req_1", T + 5, 7)], &[made(1, T, 7)], &[(Differs, "req_1", Some(14), Some(7))]);
}

#[test]
fn without_an_id_only_what_is_exactly_the_same_is_the_same() {
    let nameless = |number, at_ms, cost| Made { id: None, ..made(number, at_ms, cost) };
    let job = JobId::new([1; 16]);
    let none = (NotBilled, job.as_str(), None, Some(7));
    check(&[bill("req_9", T, 7)], &[nameless(1, T, 7)], &[]);
    check(&[bill("", T, 7)], &[made(1, T, 7)], &[]);
    // From the claim to the end, and what clocks are apart.
    check(&[bill("", T - 3_000, 7)], &[nameless(1, T, 7)], &[]);
    check(&[bill("", T + 2_000, 7)], &[nameless(1, T, 7)], &[]);
    check(&[bill("b", T - 3_001, 7)], &[nameless(1, T, 7)], &[(NoReceipt, "b", Some(7), None), none]);
    check(&[bill("b", T + 2_001, 7)], &[nameless(1, T, 7)], &[none, (NoReceipt, "b", Some(7), None)]);
    check(&[bill("b", T, 8)], &[nameless(1, T, 7)], &[(NoReceipt, "b", Some(8), None), none]);
    let other = Bill { model: B.to_owned(), ..bill("b", T, 7) };
    check(&[other], &[nameless(1, T, 7)], &[(NoReceipt, "b", Some(7), None), none]);
    // A snapshot of a model is that model.
    let snapshot = Bill { model: "gpt-image-2-2026-04-21".to_owned(), ..bill("b", T, 7) };
    check(&[snapshot], &[Made { model: B, ..nameless(1, T, 7) }], &[]);
    // Two ids are two calls, however alike.
    check(
        &[bill("b", T, 7)],
        &[made(1, T, 7)],
        &[(NoReceipt, "b", Some(7), None), (NotBilled, "req_1", None, Some(7))],
    );
    // The first bill is in the time of both calls, the second only in that of the later one.
    check(&[bill("", T, 7), bill("", T + 2_500, 7)], &[nameless(1, T + 1_000, 7), nameless(2, T + 900, 7)], &[]);
    check(&[bill("", T, 7), bill("", T - 3_000, 7)], &[nameless(1, T + 1_000, 7), nameless(2, T, 7)], &[]);
}

#[test]
fn a_call_that_was_given_up_may_be_billed_later() {
    let job = JobId::new([1; 16]);
    let lines = |what| [(UnknownBilled, what, Some(8), None)];
    check(&[bill("b", T, 8)], &[lost(1, T)], &lines("b"));
    check(&[bill("", T + 900_000, 8)], &[lost(1, T)], &lines(job.as_str()));
    let unknown = (UnknownNotBilled, job.as_str(), None, None);
    check(&[bill("b", T + 900_001, 8)], &[lost(1, T)], &[unknown, (NoReceipt, "b", Some(8), None)]);
    check(&[bill("b", T, 1_000_001)], &[lost(1, T)], &[(NoReceipt, "b", Some(1_000_001), None), unknown]);
    // A bill that is exactly another call's is that one's.
    check(&[bill("b", T, 8)], &[lost(1, T), Made { id: None, ..made(2, T, 8) }], &[unknown]);
    // One that is not over yet: its receipt will say.
    let running = Made { state: State::Dispatched, ..lost(1, T) };
    check(&[bill("b", T, 8)], &[running], &lines("b"));
}

#[test]
fn what_is_outside_of_the_time_is_neither_listed_nor_summed() {
    let last = DAY + DAY_MS;
    let before = [bill("b", DAY - 1, 1), bill("req_1", DAY - 1, 2)];
    let report = check(&before, &[made(1, DAY, 3), made(2, DAY - 1, 4), lost(3, last)], &[]);
    assert_eq!(sums(&report), (0, 0, 0, 2));
    let first = [bill("req_1", DAY, 2), bill("req_2", last - 1, 3)];
    // The call may have ended after the time, and its bill decides.
    let report = check(&first, &[made(1, DAY, 2), made(2, last + 5, 3)], &[]);
    assert_eq!(sums(&report), (5, 5, 2, 0));
    check(&[bill("b", last, 1)], &[made(1, last, 3)], &[]);
}

/// Many calls, and the bills of them: some without an id, many of the same model and amount at the same time.
fn clean() -> impl Strategy<Value = (Vec<Made>, Vec<Bill>)> {
    let call = (0_u64..4_000, 1_u32..4, 1_u64..4, any::<bool>(), 0_u64..=1_000);
    (proptest::collection::vec(call, 1..40), any::<bool>()).prop_map(|(calls, bill_names)| {
        calls
            .into_iter()
            .zip(1_u8..)
            .map(|((at, takes, cost, receipt_names, early), number)| {
                let mut call = Made { takes, ..made(number, T + at, cost) };
                let name = call.id.clone().filter(|_| bill_names);
                if !receipt_names {
                    call.id = None;
                }
                let bill = Bill { id: name, ..bill("", T + at - early, cost) };
                (call, bill)
            })
            .unzip()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_clean_ledger_gives_no_line((calls, bills) in clean()) {
        let report = compare(&bills, &calls);
        let sum: u64 = bills.iter().map(|bill| bill.cost.0).sum();
        prop_assert_eq!(&report.differences, &vec![]);
        prop_assert_eq!(sums(&report), (sum, sum, u64::try_from(bills.len()).unwrap(), 0));
    }

    #[test]
    fn the_order_does_not_matter((calls, bills) in clean(), seed in any::<u64>(), cut in 0_usize..40) {
        // Some of each are missing, so that there is something to say.
        let bills: Vec<Bill> = bills.into_iter().skip(cut % 5).collect();
        let calls: Vec<Made> = calls.into_iter().rev().skip(cut % 7).collect();
        let report = compare(&bills, &calls);
        let (mut bills, mut calls) = (bills, calls);
        shuffle(&mut bills, seed);
        shuffle(&mut calls, seed.rotate_left(17));
        let mut again = super::super::Ledger::default();
        let mut receipts: Vec<_> = calls.iter().flat_map(Made::receipts).collect();
        shuffle(&mut receipts, seed);
        // Each is told twice.
        for receipt in receipts.iter().chain(&receipts) {
            again.add(receipt);
        }
        prop_assert_eq!(reconcile(&Export::Requests(bills), &again, DAY, DAY + DAY_MS), report);
    }

    /// On top of a clean ledger, so many of each, under ids of their own.
    #[test]
    fn each_discrepancy_gives_its_line((mut calls, mut bills) in clean(), planted in [0_usize..3, 0..3, 0..3, 0..3, 0..3]) {
        let (clean_billed, matched) = (bills.iter().map(|bill| bill.cost.0).sum::<u64>(), bills.len());
        let mut expected = std::collections::BTreeMap::new();
        let mut sides = (clean_billed, clean_billed);
        for (kind, count) in [Differs, NoReceipt, NotBilled, UnknownBilled, UnknownNotBilled].into_iter().zip(planted) {
            for number in 0..count {
                let number = u8::try_from(200 + calls.len() % 50 + number).unwrap().wrapping_add(kind as u8 * 3);
                // Of another model: what no receipt explains must not be taken for what was lost.
                let other = Made { model: B, ..made(number, T, 900) };
                let billed = |id: &str, cost| Bill { model: B.to_owned(), ..bill(id, T, cost) };
                let id = format!("planted_{kind:?}_{number}");
                *expected.entry(kind).or_insert(0) += 1;
                match kind {
                    Differs => {
                        calls.push(Made { id: Some(id.clone()), ..other });
                        bills.push(billed(&id, 901));
                        sides = (sides.0 + 901, sides.1 + 900);
                    }
                    NoReceipt => {
                        bills.push(billed(&id, 900));
                        sides.0 += 900;
                    }
                    NotBilled => {
                        calls.push(Made { id: Some(id), ..other });
                        sides.1 += 900;
                    }
                    UnknownBilled => {
                        calls.push(Made { id: Some(id.clone()), cost: None, state: State::Unknown, ..other });
                        bills.push(billed(&id, 900));
                        sides.0 += 900;
                    }
                    UnknownNotBilled => calls.push(Made { model: "gpt-image-1.5", ..lost(number, T) }),
                }
            }
        }
        let numbers: std::collections::BTreeSet<u8> = calls.iter().map(|call| call.number).collect();
        prop_assume!(numbers.len() == calls.len());
        let report = compare(&bills, &calls);
        let mut found = std::collections::BTreeMap::new();
        for line in &report.differences {
            *found.entry(line.kind).or_insert(0) += 1;
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(sums(&report), (sides.0, sides.1, u64::try_from(matched).unwrap(), 0));
    }
}

fn shuffle<T>(list: &mut [T], mut seed: u64) {
    for at in (1..list.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        list.swap(at, usize::try_from(seed >> 33).unwrap() % (at + 1));
    }
}
