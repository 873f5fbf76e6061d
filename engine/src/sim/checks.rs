//! The promises that are checked where the provider is called, and when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::job::{Job, JobId, Money, Receipt, State};
use domain::money::NanoUsd;
use domain::picture::Digest;

use super::HOLD_MS;
use super::balance;
use super::coverage::Event;
use super::object::Object;
use super::payers::SDK;
use super::provider::{Fate, Record};
use super::records::Records;
use super::world::World;
use crate::ask::{Answer, Ask};
use crate::ports::Call;

/// What a disk may take to make a dispatch durable.
const DISPATCH_MS: u64 = 4_000;

/// Whether the provider may be called now, and for which takes. Judged by what is durable at this moment, and by what is
/// true of the calls before.
pub(super) fn may_call(world: &World, object: &Object, call: &Call<'_>) -> Result<Vec<u32>, String> {
    let now_ms = world.now_ms();
    let records = object.disk.durable();
    let name = call.job.as_str();
    let job = records.job(call.job).ok_or_else(|| format!("{name} calls, and is not durable"))?;
    if job.state != State::Dispatched {
        return Err(format!("{name} calls, and is durably {:?}", job.state));
    }
    if !world.accounts.held(job) {
        let entries = world.accounts.entries(call.job);
        return Err(format!("{name} calls without a reserve of {} in both accounts: {entries:?}", job.reserve));
    }
    if call.timeout_ms == 0 {
        return Err(format!("{name} calls when its time is over"));
    }
    let late_ms = now_ms.saturating_sub(job.dispatched_ms.unwrap_or_default());
    if late_ms > DISPATCH_MS {
        return Err(format!("{name} calls {late_ms} ms after it was dispatched"));
    }
    if job.attempts > 1 {
        world.journal.saw(Event::AttemptAfterRefusal);
    }
    let earlier =
        world.provider.calls().into_iter().filter(|earlier| earlier.key == object.key && !earlier.refusal_seen);
    for earlier in earlier {
        if earlier.job == *call.job {
            return Err(format!("{name} calls again, and its outcome is not known"));
        }
        for take in job.takes.iter().filter(|take| may_have_made(&earlier, **take)) {
            if !given_up(&records, &earlier, *take, now_ms) {
                let before = earlier.job.as_str();
                return Err(format!("{name} buys take {take}, which {before} may have bought"));
            }
            world.journal.saw(Event::BoughtAfterHold);
        }
    }
    Ok(job.takes.clone())
}

fn may_have_made(call: &Record, take: u32) -> bool {
    // A reply that was read to its end and held fewer pictures made the first of its takes and no other.
    let made =
        if call.fate == Fate::Fewer && call.read_whole { call.takes.len().saturating_sub(1) } else { call.takes.len() };
    call.takes[..made].contains(&take)
}

/// The outcome was written down as unknown, and its hold is over.
fn given_up(records: &Records, call: &Record, take: u32, now_ms: u64) -> bool {
    let parent = records.job(&call.job);
    records.jobs.values().any(|job| {
        let same = job.id == call.job || parent.is_some_and(|parent| parent.dispatched_ms == job.dispatched_ms);
        let over = job.ended_ms.is_some_and(|ended| ended + HOLD_MS <= now_ms);
        same && job.state == State::Unknown && job.takes.contains(&take) && over
    })
}

/// What was purged, and answered so, before somebody asked is not in the answer.
pub(super) fn shows_nothing_purged(world: &World, object: &Object, gone: &BTreeSet<u32>, answer: &Answer) {
    let pointer = match answer {
        Answer::Pool { pointer: Some(pointer) } | Answer::Receipts { pointer, .. } => pointer,
        Answer::Made(made) => &made.pointer,
        _ => return,
    };
    let still = world.purges.gone(&object.key);
    for take in gone.intersection(&still) {
        world
            .journal
            .expect(pointer.get(*take).is_none(), || format!("the object shows take {take}, which was purged"));
    }
}

/// All alarms have rung. What may still be left to do is what lost its alarm, or a claim that a crash cut off before it had
/// one; no money is set aside for that yet.
pub(super) fn waits(world: &World, object: &Object) -> bool {
    let records = object.disk.durable();
    if object.alarm_lost.get() {
        return true;
    }
    let pool = records.clone().pool();
    let told = !pool.meta.unpublished && pool.unlisted().next().is_none();
    world.journal.expect(told, || format!("something of {} is untold, and no alarm comes", world.name(&object.key)));
    let mut left = records.jobs.values().filter(|job| job.money != Money::Done).peekable();
    if left.peek().is_none() {
        return false;
    }
    for job in left {
        let bare = matches!(job.state, State::Claimed | State::Failed) && world.accounts.entries(&job.id).is_empty();
        world.journal.expect(bare, || format!("{} is {:?}, and no alarm comes", job.id.as_str(), job.state));
    }
    true
}

/// Everything has come to rest.
pub(super) async fn at_rest(world: Rc<World>) {
    for object in world.objects() {
        let asking = object.ask(&world, Ask::Receipts);
        let Ok((Answer::Receipts { receipts, .. }, _)) = asking.await else {
            world.journal.broken("the receipts cannot be read");
            return;
        };
        let records = object.disk.durable();
        let calls: Vec<Record> = world.provider.calls().into_iter().filter(|call| call.key == object.key).collect();
        jobs_ended(&world, &records);
        bills_have_reasons(&world, &records, &calls);
        receipts_agree(&world, &records, &receipts, &calls);
        claimed_after_refusals(&world, &records);
        requests_buy_once(&world, &records, &calls);
        takes_were_paid(&world, &records, &calls);
        nothing_paid_is_lost(&world, &object, &records, &calls);
        purged_at_work(&world, &object, &records);
        one_bill_for_each_take(&world, &records);
        published(&world, &object, &records);
        world.catalog.at_rest(&world, &object);
        let bills = calls.iter().filter(|call| records.job(&call.job).is_some_and(|job| job.state == State::Settled));
        let bills = bills.filter(|call| records.job(&call.job).is_some_and(|job| job.cost.is_some()));
        let billed = NanoUsd::saturating_sum(bills.filter_map(|call| call.bill.as_ref()).map(|bill| bill.cost));
        let spent = world.catalog.spent(&object.key);
        world.journal.expect(billed == spent, || format!("{spent} are listed, and {billed} were billed"));
    }
    for ((key, take), digest) in world.seen.borrow().iter() {
        let object = world.object(key);
        let kept = object.disk.durable().take(*take).map(|take| take.digest);
        world.journal.expect(kept == Some(*digest), || format!("take {take} was delivered and is lost"));
        let shown = object.disk.ever.borrow().shown.contains(take);
        world.journal.expect(shown, || format!("take {take} was delivered and was never in the pool"));
    }
    balance::at_rest(&world).await;
}

fn jobs_ended(world: &World, records: &Records) {
    for job in records.jobs.values() {
        let name = job.id.as_str();
        let over = matches!(job.state, State::Settled | State::Failed | State::Unknown);
        world.journal.expect(over && job.money == Money::Done, || {
            format!("{name} never ends: {:?}, money {:?}", job.state, job.money)
        });
        if job.state == State::Settled && job.cost.is_none() {
            world.journal.saw(Event::CostUntold);
        }
        let split = job.state == State::Unknown && job.reserve == NanoUsd::ZERO;
        if split {
            world.journal.saw(Event::ReplySplit);
        }
    }
}

fn bills_have_reasons(world: &World, records: &Records, calls: &[Record]) {
    for call in calls.iter().filter(|call| call.bill.is_some()) {
        let state = records.job(&call.job).map(|job| job.state);
        let name = call.job.as_str();
        world.journal.expect(matches!(state, Some(State::Settled | State::Unknown)), || {
            format!("{name} was billed and is {state:?}")
        });
        if state == Some(State::Unknown) {
            world.journal.saw(Event::BilledAndLost);
        }
        if call.fate == Fate::Fewer && call.read_whole {
            world.journal.saw(Event::FewerPictures);
        }
    }
}

/// A receipt for each take of each job, whose costs sum to the provider's bills.
fn receipts_agree(world: &World, records: &Records, receipts: &[Receipt], calls: &[Record]) {
    let mut told: BTreeMap<&JobId, Option<u64>> = BTreeMap::new();
    for receipt in receipts {
        let sum = told.entry(&receipt.id).or_insert(Some(0));
        *sum = sum.zip(receipt.cost_nano_usd).map(|(sum, cost)| sum + cost.0);
        let digest = receipt.take.and_then(|take| records.take(take)).map(|take| take.digest);
        let made = receipt.state == State::Settled && receipt.take.is_some();
        world.journal.expect(receipt.digest == digest.filter(|_| made), || {
            format!("the receipt of {} shows {:?}", receipt.id.as_str(), receipt.digest)
        });
    }
    world.journal.expect(told.len() == records.jobs.len(), || "a job has no receipt".to_owned());
    for (job, cost) in told {
        let bill = calls.iter().find(|call| call.job == *job && call.bill.is_some());
        let bill = bill.and_then(|call| call.bill.as_ref()).map(|bill| bill.cost.0);
        let settled = records.job(job).is_some_and(|job| job.state == State::Settled);
        world.journal.expect(!settled || cost.is_none() || cost == bill, || {
            format!("the receipts of {} say {cost:?}, the bill says {bill:?}", job.as_str())
        });
    }
}

/// Counts requests that waited for another client's job, which that client may not pay for, and then started their own.
fn claimed_after_refusals(world: &World, records: &Records) {
    for job in records.jobs.values() {
        let waited = |before: &&Job| {
            let another = before.refused && before.client != job.client && before.seq < job.seq;
            another && before.joined.last.contains(&job.leader)
        };
        if records.jobs.values().any(|before| waited(&before)) {
            world.journal.saw(Event::ClaimedAfterAnothersRefusal);
        }
    }
}

/// A request for fresh pictures that asks the object again, because the way to it broke, never starts a second job. One
/// for the first places may: it makes what another request failed to make meanwhile.
fn requests_buy_once(world: &World, records: &Records, calls: &[Record]) {
    let mut leaders = BTreeSet::new();
    for job in records.jobs.values() {
        // A part of a job that was split is no job of its own, and what a short reply left out may be made.
        let short = calls.iter().any(|call| call.job == job.id && call.fate == Fate::Fewer);
        let fresh = job.takes.is_empty() || job.prefer || job.client.as_str() == SDK;
        if fresh && job.state != State::Failed && job.reserve > NanoUsd::ZERO && !short {
            let first = leaders.insert(job.leader.clone());
            world.journal.expect(first, || format!("{} buys twice", job.leader.as_str()));
        }
    }
}

/// Every take of the pool is one picture of one bill, and no picture is two takes.
fn takes_were_paid(world: &World, records: &Records, calls: &[Record]) {
    let paid: BTreeSet<Digest> =
        calls.iter().filter_map(|call| call.bill.as_ref()).flat_map(|bill| bill.pictures.iter().copied()).collect();
    let all = || records.takes.values().chain(records.held());
    let takes: BTreeSet<Digest> = all().map(|take| take.digest).collect();
    world.journal.expect(takes.len() == all().count(), || "one picture is two takes".to_owned());
    world.journal.expect(takes.is_subset(&paid), || "a take is no picture that was paid for".to_owned());
    for job in records.jobs.values().filter(|job| !job.takes.is_empty()) {
        let shares = job.takes.iter().filter_map(|take| records.take(*take)?.cost);
        let cost = job.cost.filter(|_| job.state == State::Settled);
        world.journal.expect(cost.is_none_or(|cost| NanoUsd::saturating_sum(shares) == cost), || {
            format!("the takes of {} do not cost what it cost", job.id.as_str())
        });
    }
    for take in records.takes.values() {
        let there = world.blobs.has(&take.digest) || world.blobs.was_hurt(&take.digest);
        world.journal.expect(there, || format!("the bytes of take {} are not in the store", take.take));
    }
}

/// What was made in the places of a purge is held by it and was never seen.
fn purged_at_work(world: &World, object: &Object, records: &Records) {
    for take in records.held().filter(|take| !object.disk.ever.borrow().shown.contains(&take.take)) {
        world.journal.saw(Event::PurgedAtWork);
        let published = world.kv.ever_had(&object.key, take.take);
        world.journal.expect(!published, || format!("take {} was purged while it was made, and published", take.take));
    }
}

/// No two jobs whose bills are known are for the same take.
fn one_bill_for_each_take(world: &World, records: &Records) {
    let settled = records.jobs.values().filter(|job| job.state == State::Settled);
    let mut takes: Vec<u32> = settled.flat_map(|job| job.takes.iter().copied()).collect();
    let billed = takes.len();
    takes.sort_unstable();
    takes.dedup();
    world.journal.expect(takes.len() == billed, || "two bills are for one take".to_owned());
}

/// A reply that was read to its end by an object that lived on is in the pool, or held by a purge.
fn nothing_paid_is_lost(world: &World, object: &Object, records: &Records, calls: &[Record]) {
    for call in calls {
        let (Some(bill), Some(read_ms)) = (&call.bill, call.read_ms) else { continue };
        let good = matches!(call.fate, Fate::Good | Fate::Untold | Fate::Fewer);
        // A later life may have ended the job before it was read, or a store may have refused it.
        let undisturbed = object.lives.get() == call.lives && object.stumbled_ms.get() < call.called_ms;
        let in_time = read_ms < call.called_ms + world.settings.generation_timeout_ms;
        if call.takes.is_empty() || !good || !undisturbed || !in_time {
            continue;
        }
        for picture in &bill.pictures {
            let kept = records.takes.values().chain(records.held()).any(|take| take.digest == *picture);
            world.journal.expect(kept, || format!("{} was paid, read and lost", call.job.as_str()));
        }
    }
}

fn published(world: &World, object: &Object, records: &Records) {
    let newest = world.kv.newest(&object.key);
    let pool = records.clone().pool().pointer();
    let nothing = newest.is_none() && pool.takes.is_empty() && pool.gone.is_empty();
    world.journal.expect((nothing || newest.as_ref() == Some(&pool)) && !records.meta.unpublished, || {
        format!("the pointer of {} is older than its pool", world.name(&object.key))
    });
    let subject = world.subject(&object.key);
    let asked_for = subject.first.get() + subject.fresh.get() + subject.named.get();
    let bought = records.takes.len();
    let purged = world.purges.touched(&object.key);
    world.journal.expect(!world.faults.calm || purged || bought <= asked_for as usize, || {
        format!("{bought} takes were bought, and {asked_for} asked for")
    });
}
