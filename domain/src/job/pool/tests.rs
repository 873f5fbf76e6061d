use super::*;
use crate::access::{ClientId, UnknownHold};
use crate::job::{Joined, Money};
use crate::money::NanoUsd;
use crate::picture::{Digest, Format};

pub(in crate::job) const NOW: u64 = 1_000_000;
const HOLD_MS: u64 = 600_000;

pub(in crate::job) fn n(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

pub(in crate::job) fn request(name: u8) -> RequestId {
    RequestId::new([name; 16])
}

pub(in crate::job) fn id(name: u8) -> JobId {
    JobId::new([name; 16])
}

pub(in crate::job) fn take(take: u32) -> Take {
    Take {
        take,
        digest: Digest([u8::try_from(take).unwrap(); 32]),
        format: Format::Png,
        bytes: 1,
        width: 1,
        height: 1,
        created_ms: 0,
        cost: None,
        quality: String::new(),
        background: String::new(),
    }
}

pub(in crate::job) fn job(name: u8, state: State, takes: &[u32]) -> Job {
    Job {
        id: id(name),
        seq: u64::from(name),
        state,
        takes: takes.to_vec(),
        prefer: false,
        client: ClientId("c".to_owned()),
        model: "m".to_owned(),
        leader: request(name),
        joined: Joined::default(),
        reserve: NanoUsd(10),
        money: Money::Reserved,
        usage: None,
        cost: None,
        attempts: 1,
        upstream_request_id: None,
        hold: UnknownHold::Ms(HOLD_MS),
        claimed_ms: NOW,
        dispatched_ms: None,
        ended_ms: Some(NOW),
        deadline_ms: NOW + 1,
        failure: None,
        refused: false,
        tags: Vec::new(),
        listed: false,
        left: None,
    }
}

pub(in crate::job) fn pool(takes: &[u32], jobs: Vec<Job>) -> Pool {
    Pool { meta: Meta::default(), takes: takes.iter().map(|at| (*at, take(*at))).collect(), jobs, ..Pool::default() }
}

#[track_caller]
fn check(pool: &Pool, want: Want, now_ms: u64, expected: Result<&[Slot], &str>) {
    let got = pool.plan(want, &request(99), now_ms);
    match expected {
        Ok(slots) => {
            let plan = got.unwrap();
            assert_eq!(plan.slots, slots);
            let made: Vec<_> =
                slots.iter().filter_map(|slot| if let Slot::Make(take) = slot { Some(*take) } else { None }).collect();
            assert_eq!(plan.make, made);
        }
        Err(code) => assert_eq!(got.unwrap_err().code.as_deref(), Some(code)),
    }
}

#[test]
fn first_takes_are_served_made_and_joined() {
    use Slot::{Have, Join, Make};
    let first = |count| Want::First(n(count));
    check(&pool(&[], vec![]), first(1), NOW, Ok(&[Make(0)]));
    check(&pool(&[0], vec![]), first(1), NOW, Ok(&[Have(0)]));
    check(&pool(&[0], vec![]), first(3), NOW, Ok(&[Have(0), Make(1), Make(2)]));
    check(&pool(&[0, 2], vec![]), first(3), NOW, Ok(&[Have(0), Make(1), Have(2)]));
    let running = pool(&[0], vec![job(1, State::Dispatched, &[1])]);
    check(&running, first(3), NOW, Ok(&[Have(0), Join(1, id(1)), Make(2)]));
    let mut rerolled = pool(&[0, 3], vec![]);
    rerolled.meta.preferred = 3;
    check(&rerolled, first(1), NOW, Ok(&[Have(3)]));
    check(&rerolled, first(3), NOW, Ok(&[Have(3), Have(0), Make(1)]));
    check(&rerolled, Want::Take(0), NOW, Ok(&[Have(0)]));
    check(&rerolled, Want::Take(7), NOW, Ok(&[Make(7)]));
}

#[test]
fn an_unknown_outcome_holds_its_takes_and_no_others() {
    use Slot::{Have, Make};
    let lost = pool(&[0], vec![job(1, State::Unknown, &[1])]);
    check(&lost, Want::First(n(1)), NOW, Ok(&[Have(0)]));
    check(&lost, Want::First(n(2)), NOW, Err("outcome_unknown"));
    check(&lost, Want::Take(2), NOW, Ok(&[Make(2)]));
    check(&lost, Want::Take(1), NOW + HOLD_MS - 1, Err("outcome_unknown"));
    check(&lost, Want::Take(1), NOW + HOLD_MS, Ok(&[Make(1)]));
    let error = lost.plan(Want::Take(1), &request(9), NOW + 1).unwrap_err();
    assert_eq!((error.status, error.retry_after_ms), (503, Some(HOLD_MS - 1)));
    assert!(error.message.contains(id(1).as_str()));

    let mut forever = job(1, State::Unknown, &[0]);
    forever.hold = UnknownHold::Operator;
    check(&pool(&[], vec![forever]), Want::First(n(1)), u64::MAX, Err("outcome_unknown"));
    check(&pool(&[], vec![job(1, State::Failed, &[0])]), Want::First(n(1)), NOW, Ok(&[Make(0)]));
    // The newest attempt decides.
    let again = pool(&[], vec![job(1, State::Unknown, &[0]), job(2, State::Failed, &[0])]);
    check(&again, Want::First(n(1)), NOW + HOLD_MS, Ok(&[Make(0)]));
}

#[test]
fn new_takes_are_ones_that_nobody_can_have_bought() {
    use Slot::Make;
    let new = |count| Want::New { n: n(count), prefer: true };
    let jobs = vec![job(1, State::Dispatched, &[1]), job(2, State::Unknown, &[3]), job(3, State::Failed, &[4])];
    check(&pool(&[0], jobs), new(2), NOW, Ok(&[Make(2), Make(4)]));
    let full: Vec<u32> = (0..MAX_TAKES - 1).collect();
    let mut full =
        Pool { takes: full.iter().map(|at| (*at, Take { take: *at, ..take(0) })).collect(), ..pool(&[], vec![]) };
    check(&full, new(1), NOW, Ok(&[Make(MAX_TAKES - 1)]));
    check(&full, new(2), NOW, Err("too_many_takes"));
    full.takes.insert(MAX_TAKES - 1, take(0));
    check(&full, new(1), NOW, Err("too_many_takes"));
}

#[test]
fn a_request_that_comes_back_gets_what_it_started() {
    let want = Want::New { n: n(1), prefer: true };
    let running = pool(&[0], vec![job(7, State::Dispatched, &[1])]);
    assert_eq!(running.plan(want, &request(7), NOW).unwrap().slots, [Slot::Join(1, id(7))]);
    let done = pool(&[0, 1], vec![job(7, State::Settled, &[1])]);
    assert_eq!(done.plan(want, &request(7), NOW).unwrap().slots, [Slot::Have(1)]);
    let lost = pool(&[0], vec![job(7, State::Unknown, &[1])]);
    assert_eq!(lost.plan(want, &request(7), NOW).unwrap_err().code.as_deref(), Some("outcome_unknown"));
    let failed = pool(&[0], vec![job(7, State::Failed, &[1])]);
    assert_eq!(failed.plan(want, &request(7), NOW).unwrap().slots, [Slot::Make(1)]);
    let loose = pool(&[], vec![job(7, State::Settled, &[])]);
    let error = loose.plan(Want::Loose(n(1)), &request(7), NOW).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("picture_not_delivered"));
}

/// Every pair of states, so that a new way between them is a decision.
#[test]
fn transitions() {
    use State::{Claimed, Dispatched, Failed, Settled, Stored, Unknown};
    let all = [Claimed, Dispatched, Stored, Settled, Failed, Unknown];
    let mut allowed = Vec::new();
    for from in all {
        allowed.extend(all.into_iter().filter(|to| from.may_become(*to)).map(|to| (from, to)));
    }
    assert_eq!(
        allowed,
        [
            (Claimed, Dispatched),
            (Claimed, Failed),
            (Dispatched, Claimed),
            (Dispatched, Stored),
            (Dispatched, Failed),
            (Dispatched, Unknown),
            (Stored, Settled),
        ]
    );
}

#[test]
fn a_restart_moves_every_job_to_where_it_belongs() {
    for (before, after, money) in [
        (State::Claimed, State::Failed, Money::Pending),
        (State::Dispatched, State::Unknown, Money::Pending),
        (State::Stored, State::Stored, Money::Reserved),
        (State::Settled, State::Settled, Money::Reserved),
        (State::Failed, State::Failed, Money::Reserved),
        (State::Unknown, State::Unknown, Money::Reserved),
    ] {
        let mut job = job(1, before, &[0]);
        let changed = job.recover(NOW + 5);
        assert_eq!((job.state, job.money, changed), (after, money, before != after));
        let once = job.clone();
        assert!(!job.recover(NOW + 9), "a replayed alarm changes nothing");
        assert_eq!(job, once);
    }
}

#[test]
fn only_free_failures_are_ever_forgotten() {
    let failed = |seq: u64, money| Job { seq, money, ..job(1, State::Failed, &[0]) };
    let mut jobs: Vec<Job> = (0..103).map(|seq| failed(seq, Money::Done)).collect();
    jobs.insert(0, Job { seq: 200, money: Money::Done, ..job(2, State::Unknown, &[1]) });
    jobs.push(failed(103, Money::Pending));
    let mut pool = pool(&[], jobs);
    assert_eq!(pool.surplus(), [2, 1, 0]);
    assert_eq!(pool.next_seq(), 104);
    // The catalog has yet to hear of this one.
    pool.jobs[2].dispatched_ms = Some(NOW);
    assert_eq!(pool.surplus(), [2, 0]);
    pool.jobs[2].listed = true;
    assert_eq!(pool.surplus(), [2, 1, 0]);
    pool.jobs.truncate(101);
    assert_eq!(pool.surplus(), [0_u64; 0]);
}

#[test]
fn receipts_sum_to_the_bill() {
    let mut settled = job(1, State::Settled, &[0, 1, 2]);
    settled.cost = Some(NanoUsd(100));
    let receipts =
        pool(&[0, 1, 2], vec![settled, job(2, State::Unknown, &[3]), job(3, State::Settled, &[])]).receipts();
    let takes: Vec<_> = receipts.iter().map(|receipt| receipt.take).collect();
    assert_eq!(takes, [Some(0), Some(1), Some(2), Some(3), None]);
    let costs: Vec<_> = receipts.iter().map(|receipt| receipt.cost_nano_usd.map(|cost| cost.0)).collect();
    assert_eq!(costs, [Some(34), Some(33), Some(33), None, None]);
    assert!(receipts[0].digest.is_some() && receipts[3].digest.is_none());
}

/// The catalog is told of each job that was dispatched and has ended, once its money is done, if it is known what was asked for.
#[test]
fn what_the_catalog_has_yet_to_hear_of() {
    use State::{Claimed, Dispatched, Failed, Settled, Stored, Unknown};
    let check = |state, money, dispatched_ms, listed, expected: bool| {
        let job = Job { money, dispatched_ms, listed, ..job(1, state, &[0]) };
        let mut pool = pool(&[], vec![job]);
        assert!(!pool.has_chores() || money == Money::Pending);
        pool.kept = Some(picture());
        assert_eq!(pool.unlisted().count() == 1, expected, "{state:?} {money:?} {dispatched_ms:?} {listed}");
        assert_eq!(pool.has_chores(), expected || money == Money::Pending);
    };
    for state in [Claimed, Dispatched, Stored] {
        check(state, Money::Done, Some(NOW), false, false);
    }
    for state in [Settled, Failed, Unknown] {
        check(state, Money::Done, Some(NOW), false, true);
        check(state, Money::Done, Some(NOW), true, false);
        check(state, Money::Done, None, false, false);
        check(state, Money::Pending, Some(NOW), false, false);
    }
}

fn picture() -> Picture {
    let defaults = crate::picture::request::Defaults { namespace: "shop", model: "gpt-image-2", now_s: 1_790_000_000 };
    let query = crate::query::Query::from(vec![("prompt".to_owned(), "a cat".to_owned())]);
    crate::picture::Asked::from_query(&query, &defaults).unwrap().picture
}

/// What was stored by an earlier version is still read.
#[test]
fn older_records() {
    let meta: Meta = serde_json::from_str(r#"{"namespace":"shop","preferred":3,"unpublished":true}"#).unwrap();
    let expected = Meta { namespace: "shop".to_owned(), preferred: 3, unpublished: true, ..Meta::default() };
    assert_eq!(meta, expected);
    let mut old = serde_json::to_value(job(1, State::Settled, &[0])).unwrap();
    for member in ["tags", "listed", "refused"] {
        assert!(old.as_object_mut().unwrap().remove(member).is_some(), "{member}");
    }
    assert_eq!(serde_json::from_value::<Job>(old).unwrap(), job(1, State::Settled, &[0]));
}
