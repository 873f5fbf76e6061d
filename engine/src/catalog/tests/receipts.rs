//! Receipts, page by page.

use super::*;

fn page(world: &World, from_ms: u64, to_ms: u64, after: Option<i64>) -> (Vec<Receipt>, Option<i64>) {
    match world.ask(CatalogAsk::Receipts { from_ms, to_ms, after }) {
        CatalogAnswer::Receipts { receipts, next } => (receipts, next),
        other => panic!("{other:?}"),
    }
}

/// Is a job in this state that was claimed at noon, dispatched a second and ended two seconds after it, among those
/// of the time?
#[track_caller]
fn check(state: State, from_s: u64, to_s: u64, expected: bool) {
    let world = World::with(&[Job { state, ..job(1, "a") }]);
    let (receipts, next) = page(&world, NOON_MS + from_s * 1_000, NOON_MS + to_s * 1_000, None);
    assert_eq!((receipts.len(), next), (usize::from(expected), None), "{state:?} {from_s} {to_s}");
}

#[test]
fn what_may_have_been_billed_and_when() {
    for state in [State::Settled, State::Unknown] {
        check(state, 2, 3, true);
        check(state, 0, 2, false);
        check(state, 3, 9, false);
    }
    // It is not known yet when it ends.
    for state in [State::Dispatched, State::Stored] {
        check(state, 1, 2, true);
        check(state, 0, 1, false);
        check(state, 2, 9, false);
    }
    check(State::Claimed, 0, 9, false);
    check(State::Failed, 0, 9, false);
}

#[test]
fn every_one_once() {
    let world = World::new();
    for prompt in 0..3 {
        let takes = (0..400).collect();
        world.tell(&Job { takes, ..job(prompt, &format!("p{prompt}")) });
    }
    let (mut after, mut sizes, mut seen) = (None, Vec::new(), std::collections::BTreeSet::new());
    loop {
        let (receipts, next) = page(&world, 0, u64::MAX, after);
        sizes.push(receipts.len());
        seen.extend(receipts.into_iter().map(|receipt| (receipt.id, receipt.take)));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((sizes, seen.len()), (vec![500, 500, 200], 1_200));
}
