use proptest::prelude::*;

use super::*;
use crate::job::pool::tests::{NOW, id, job, n, pool, request, take};
use crate::job::{Money, Slot, Want};

fn purge(name: u8) -> PurgeId {
    PurgeId::new([name; 16])
}

/// Takes 0 to `takes`, each of a job of its own, made in turn: take `n` was claimed at `NOW + 10 n` and done 5 later.
fn made(takes: u32) -> Pool {
    let numbers: Vec<u32> = (0..takes).collect();
    let mut pool = pool(&[], Vec::new());
    for at in numbers {
        let claimed_ms = NOW + 10 * u64::from(at);
        let name = u8::try_from(at).unwrap();
        pool.jobs.push(Job { claimed_ms, money: Money::Done, ..job(name, State::Settled, &[at]) });
        pool.takes.insert(at, Take { created_ms: claimed_ms + 5, ..take(at) });
    }
    pool
}

/// What is there, what is gone and what is preferred.
#[track_caller]
fn check(pool: &Pool, takes: &[u32], gone: &[(u32, u32)], preferred: u32) {
    let pointer = pool.pointer();
    assert_eq!(pool.takes.keys().copied().collect::<Vec<_>>(), takes);
    assert_eq!((pointer.gone.as_slice(), pointer.preferred), (gone, preferred));
}

fn held(pool: &Pool, name: u8) -> Vec<u32> {
    pool.held_by(&purge(name)).iter().map(|take| take.take).collect()
}

const ALL: Option<&[u32]> = None;
const LATE: u64 = NOW + 1_000;
const UNTIL: Option<u64> = Some(LATE + 100);

#[test]
fn what_a_purge_takes() {
    let check = |only: Option<&[u32]>, at_ms, takes: &[u32], gone: &[(u32, u32)], preferred| {
        let mut pool = made(4);
        assert_eq!(pool.purge(&purge(1), only, at_ms, None), Some(0));
        check(&pool, takes, gone, preferred);
        assert_eq!(pool.meta.unpublished, !gone.is_empty());
        assert_eq!(held(&pool, 1).len() + takes.len(), 4);
    };
    check(ALL, LATE, &[], &[(0, 3)], 4);
    check(Some(&[0]), LATE, &[1, 2, 3], &[(0, 0)], 1);
    check(Some(&[2, 0]), LATE, &[1, 3], &[(0, 0), (2, 2)], 1);
    check(Some(&[1, 2]), LATE, &[0, 3], &[(1, 2)], 0);
    check(Some(&[7]), LATE, &[0, 1, 2, 3], &[], 0);
    // What was begun later stays; what was begun before and ended later goes.
    check(ALL, NOW + 9, &[1, 2, 3], &[(0, 0)], 1);
    check(ALL, NOW + 10, &[2, 3], &[(0, 1)], 2);
    check(ALL, NOW - 1, &[0, 1, 2, 3], &[], 0);
}

#[test]
fn where_nothing_was_ever_made_nothing_is_written() {
    let mut pool = Pool::default();
    assert_eq!(pool.purge(&purge(1), ALL, LATE, UNTIL), None);
    assert_eq!(pool.restore(&purge(1), LATE), None);
    assert_eq!(pool, Pool::default());
}

#[test]
fn a_purge_that_is_asked_for_again_does_nothing_anew() {
    let mut pool = made(1);
    pool.purge(&purge(1), ALL, LATE, UNTIL);
    pool.jobs.push(Job { claimed_ms: NOW, ..job(9, State::Settled, &[1]) });
    pool.takes.insert(1, take(1));
    assert_eq!(pool.purge(&purge(1), ALL, LATE, UNTIL), None);
    assert_eq!(held(&pool, 1), [0]);
    check(&pool, &[1], &[(0, 0)], 1);
    // Another one is another one.
    assert_eq!(pool.purge(&purge(2), ALL, LATE, UNTIL), Some(1));
    assert_eq!((held(&pool, 1), held(&pool, 2)), (vec![0], vec![1]));
}

#[test]
fn an_earlier_attempt_at_a_place_says_nothing_about_its_take() {
    for state in [State::Failed, State::Unknown] {
        let mut pool = made(1);
        pool.jobs.insert(0, Job { claimed_ms: NOW - 500, ..job(8, state, &[0]) });
        pool.purge(&purge(1), ALL, NOW - 1, UNTIL);
        check(&pool, &[0], &[], 0);
    }
}

#[test]
fn what_a_job_at_work_makes_goes_where_its_place_went() {
    let mut pool = made(1);
    pool.jobs.push(Job { claimed_ms: LATE, ..job(5, State::Dispatched, &[1, 2]) });
    pool.jobs.push(Job { claimed_ms: LATE + 1, ..job(6, State::Claimed, &[3]) });
    pool.purge(&purge(1), Some(&[1]), LATE, UNTIL);
    check(&pool, &[0], &[(1, 1)], 0);
    pool.purge(&purge(2), ALL, LATE, UNTIL);
    // The other purge has place 1, and this one does not.
    assert_eq!((pool.purged[0].places.as_slice(), pool.purged[1].places.as_slice()), (&[1][..], &[2][..]));
    check(&pool, &[], &[(0, 2)], 3);
    pool.meta.unpublished = false;
    let changed = pool.take_in(&[take(1), take(2)], false);
    assert_eq!(changed, BTreeSet::from([0, 1]));
    assert_eq!((held(&pool, 1), held(&pool, 2)), (vec![1], vec![0, 2]));
    assert!(!pool.meta.unpublished, "nobody sees it");
    assert_eq!(pool.take_in(&[take(3)], false), BTreeSet::new());
    assert!(pool.meta.unpublished);
    check(&pool, &[3], &[(0, 2)], 3);
}

#[test]
fn jobs_that_are_over_lose_no_place() {
    for state in [State::Failed, State::Unknown] {
        let mut pool = made(1);
        pool.jobs.push(Job { claimed_ms: NOW, ..job(5, state, &[1]) });
        pool.purge(&purge(1), ALL, LATE, UNTIL);
        check(&pool, &[], &[(0, 0)], 1);
    }
}

#[test]
fn an_undo_brings_back_exactly_what_was_taken() {
    let before = made(3);
    let mut pool = before.clone();
    pool.purge(&purge(1), Some(&[0, 2]), LATE, UNTIL);
    pool.purge(&purge(2), ALL, LATE, UNTIL);
    pool.meta.unpublished = false;
    assert_eq!(pool.restore(&purge(1), LATE), Some(0));
    assert!(pool.meta.unpublished);
    check(&pool, &[0, 2], &[(1, 1)], 0);
    assert_eq!(pool.restore(&purge(1), LATE), None, "a second time changes nothing");
    assert_eq!((held(&pool, 1), held(&pool, 2)), (vec![], vec![1]));
    assert_eq!(pool.restore(&purge(2), LATE), Some(1));
    assert_eq!((pool.takes, pool.meta.preferred), (before.takes, before.meta.preferred));
}

#[test]
fn what_was_put_back_can_be_purged_again_and_not_by_the_same_purge() {
    let mut pool = made(1);
    pool.purge(&purge(1), ALL, LATE, UNTIL);
    pool.restore(&purge(1), LATE);
    let given_back = |pool: &Pool| pool.given_back(&purge(1)).len();
    assert_eq!((pool.purge(&purge(1), ALL, LATE, UNTIL), given_back(&pool)), (None, 1));
    check(&pool, &[0], &[], 0);
    pool.purge(&purge(2), ALL, LATE, UNTIL);
    assert_eq!((held(&pool, 1), held(&pool, 2), given_back(&pool)), (vec![], vec![0], 0));
    assert_eq!(pool.restore(&purge(1), LATE), None);
    check(&pool, &[], &[(0, 0)], 1);
}

#[test]
fn an_undo_has_its_time() {
    for (until_ms, now_ms, back) in
        [(UNTIL, LATE + 100, true), (UNTIL, LATE + 101, false), (None, LATE, false), (Some(0), LATE, false)]
    {
        let mut pool = made(1);
        pool.purge(&purge(1), ALL, LATE, until_ms);
        assert_eq!(pool.restore(&purge(1), now_ms).is_some(), back, "{until_ms:?} at {now_ms}");
        assert_eq!(pool.takes.len(), usize::from(back));
    }
}

#[test]
fn an_undo_that_overtakes_its_purge_undoes_it() {
    let mut pool = made(1);
    assert_eq!(pool.restore(&purge(1), LATE), Some(0));
    assert!(!pool.meta.unpublished);
    assert_eq!(pool.purge(&purge(1), ALL, LATE, UNTIL), None);
    check(&pool, &[0], &[], 0);
}

#[test]
fn an_undo_while_the_job_is_at_work_gives_its_place_back() {
    let mut pool = pool(&[], vec![job(1, State::Dispatched, &[0])]);
    pool.purge(&purge(1), ALL, LATE, UNTIL);
    check(&pool, &[], &[(0, 0)], 1);
    assert_eq!(pool.restore(&purge(1), LATE), Some(0));
    pool.take_in(&[take(0)], false);
    check(&pool, &[0], &[], 0);
}

#[test]
fn the_favourite() {
    let mut pool = made(2);
    pool.meta.preferred = 1;
    // It is purged, then everything; each comes back in any order.
    pool.purge(&purge(1), Some(&[1]), LATE, UNTIL);
    check(&pool, &[0], &[(1, 1)], 0);
    pool.purge(&purge(2), ALL, LATE, UNTIL);
    check(&pool, &[], &[(0, 1)], 2);
    for order in [[1, 2], [2, 1]] {
        let mut pool = pool.clone();
        for name in order {
            pool.restore(&purge(name), LATE);
        }
        check(&pool, &[0, 1], &[], 1);
    }
    // What was made in its place is the new one.
    let mut pool = pool.clone();
    pool.take_in(&[take(2)], false);
    pool.restore(&purge(1), LATE);
    check(&pool, &[1, 2], &[(0, 0)], 2);
    pool.purge(&purge(3), Some(&[2]), LATE, UNTIL);
    check(&pool, &[1], &[(0, 0), (2, 2)], 1);
    pool.take_in(&[take(3)], true);
    pool.restore(&purge(3), LATE);
    check(&pool, &[1, 2, 3], &[(0, 0)], 3);
}

#[test]
fn the_first_of_a_reroll_is_the_favourite() {
    let mut pool = made(1);
    pool.take_in(&[take(1), take(2)], true);
    check(&pool, &[0, 1, 2], &[], 1);
}

/// The edge has to hear of a purge that left nothing.
#[test]
fn what_is_all_gone_is_known() {
    let mut pool = made(1);
    assert!(pool.is_known() && !Pool::default().is_known());
    pool.purge(&purge(1), ALL, LATE, UNTIL);
    assert!(pool.is_known());
}

/// A reroll that was purged while it was made is nobody's favourite.
#[test]
fn what_is_not_seen_is_not_preferred() {
    let mut pool = made(2);
    pool.jobs.push(job(5, State::Dispatched, &[2]));
    pool.purge(&purge(1), Some(&[2]), LATE, UNTIL);
    pool.take_in(&[take(2)], true);
    check(&pool, &[0, 1], &[(2, 2)], 0);
}

#[test]
fn requests_for_what_is_gone() {
    let mut pool = made(3);
    pool.jobs.push(job(5, State::Dispatched, &[3]));
    pool.jobs.push(Job { leader: request(6), ..job(6, State::Dispatched, &[4]) });
    pool.purge(&purge(1), Some(&[0, 2, 3]), LATE, UNTIL);
    let slots = |want, who| pool.plan(want, &request(who), LATE).map(|plan| plan.slots);
    let told = |want, who| {
        let error = slots(want, who).unwrap_err();
        assert_eq!((error.status, error.code.as_deref()), (410, Some("picture_purged")));
        error.message
    };
    assert_eq!(told(Want::Take(0), 99), "This take was purged. Ask without 'take' for another.");
    assert!(told(Want::Take(3), 99).starts_with("This take"));
    let first = vec![Slot::Have(1), Slot::Join(4, id(6)), Slot::Make(5)];
    assert_eq!(slots(Want::First(n(3)), 99), Ok(first));
    let new = Want::New { n: n(2), prefer: true };
    assert_eq!(slots(new, 99), Ok(vec![Slot::Make(5), Slot::Make(6)]));
    // Also where the job failed, so that nothing was bought for its place.
    let mut failed = pool.clone();
    failed.jobs[3].state = State::Failed;
    assert_eq!(failed.plan(new, &request(99), LATE).unwrap().make, [5, 6]);
    // Whoever had it made, and comes back, learns what became of it, and has nothing made again.
    for want in [new, Want::First(n(1))] {
        assert!(told(want, 5).contains(id(5).as_str()));
    }
    assert_eq!(slots(new, 6), Ok(vec![Slot::Join(4, id(6))]));
}

#[test]
fn receipts_show_what_was_purged() {
    let mut pool = made(2);
    let digests = |pool: &Pool| pool.receipts().iter().map(|receipt| receipt.digest).collect::<Vec<_>>();
    let before = digests(&pool);
    pool.purge(&purge(1), Some(&[0]), LATE, UNTIL);
    assert_eq!(digests(&pool), before);
    assert_eq!(before[0], Some(take(0).digest));
    let told = |pool: &Pool, at: usize| pool.purged_of(&pool.jobs[at]).into_iter().map(|(_, take)| take.take).collect();
    let told = |pool: &Pool| -> [Vec<u32>; 2] { [told(pool, 0), told(pool, 1)] };
    assert_eq!(told(&pool), [vec![0], vec![]]);
    pool.restore(&purge(1), LATE);
    assert_eq!((digests(&pool), told(&pool)), (before, [vec![], vec![]]));
}

#[derive(Debug, Clone)]
enum Step {
    Make(u32),
    Purge(u8, Option<Vec<u32>>),
    Restore(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let only = prop::option::of(prop::collection::vec(0..6_u32, 1..3));
    let step = prop_oneof![
        (1..3_u32).prop_map(Step::Make),
        (0..4_u8, only).prop_map(|(name, only)| Step::Purge(name, only)),
        (0..4_u8).prop_map(Step::Restore),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    /// Whatever comes in whatever order: no number is used twice, and what was made is in one place.
    #[test]
    fn nothing_is_lost_and_nothing_is_twice(steps in steps()) {
        let mut pool = pool(&[], Vec::new());
        let mut numbers: BTreeSet<u32> = BTreeSet::new();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Step::Make(count) => {
                    let name = u8::try_from(at).unwrap();
                    let plan = pool.plan(Want::First(n(count)), &request(name), LATE).unwrap();
                    prop_assert!(plan.make.iter().all(|take| !numbers.contains(take)));
                    numbers.extend(&plan.make);
                    pool.jobs.push(job(name, State::Settled, &plan.make));
                    let takes: Vec<Take> = plan.make.iter().map(|number| take(*number)).collect();
                    pool.take_in(&takes, at % 3 == 0);
                }
                Step::Purge(name, only) => {
                    pool.purge(&purge(name), only.as_deref(), LATE, UNTIL);
                }
                Step::Restore(name) => {
                    pool.restore(&purge(name), LATE);
                }
            }
            let held = pool.purged.iter().filter(|purged| !purged.restored).flat_map(|purged| &purged.takes);
            let mut all: Vec<u32> = held.map(|take| take.take).chain(pool.takes.keys().copied()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, numbers.iter().copied().collect::<Vec<_>>());
            let pointer = pool.pointer();
            prop_assert!(!pointer.is_gone(pointer.preferred));
            prop_assert!(pool.takes.keys().all(|take| !pointer.is_gone(*take)));
        }
    }
}

/// What goes for good goes also where an earlier purge could still have put it back.
#[test]
fn a_hard_purge_takes_over() {
    let mut pool = made(3);
    pool.purge(&purge(1), ALL, LATE, UNTIL);
    assert_eq!(pool.restorable(LATE).len(), 3);
    pool.purge(&purge(2), Some(&[0, 1]), LATE, None);
    assert_eq!(held(&pool, 2), [0, 1]);
    let open: Vec<(PurgeId, u32)> =
        pool.restorable(LATE).into_iter().map(|purged| (purged.purge, purged.take.take)).collect();
    assert_eq!(open, [(purge(1), 2)]);
    assert_eq!(pool.restore(&purge(1), LATE), Some(0));
    check(&pool, &[2], &[(0, 1)], 2);
    assert_eq!(pool.given_back(&purge(1)).len(), 1);
    // A picture that is being made while it is purged twice goes where the last one says.
    let mut pool = pool_at_work();
    pool.purge(&purge(1), ALL, LATE, UNTIL);
    pool.purge(&purge(2), ALL, LATE, None);
    pool.take_in(&[take(0)], false);
    assert_eq!((held(&pool, 1), held(&pool, 2)), (vec![], vec![0]));
    assert_eq!(pool.restorable(LATE), []);
}

fn pool_at_work() -> Pool {
    let mut pool = pool(&[], Vec::new());
    pool.jobs.push(Job { claimed_ms: NOW, ..job(1, State::Dispatched, &[0]) });
    pool
}
