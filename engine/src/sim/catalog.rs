//! The catalog as the objects see it: out of reach now and then, forgetful of its answers, and told things late.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use domain::job::{Job, JobId, State};
use domain::money::NanoUsd;
use domain::picture::{PictureKey, Take};

use super::coverage::Event;
use super::object::Object;
use super::world::World;
use crate::catalog::Registration;
use crate::ports::StoreError;

#[derive(Default)]
pub(super) struct Catalog(RefCell<BTreeMap<JobId, Heard>>);

struct Heard {
    at_ms: u64,
    told: Registration,
}

impl Catalog {
    pub(super) async fn register(&self, world: &Rc<World>, registration: &Registration) -> Result<(), StoreError> {
        let slow = world.chance(world.faults.catalog_slow);
        let ms = if slow { world.rng().between(1_000, 90_000) } else { world.rng().between(1, 100) };
        // The two sides share nothing but bytes. Now and then is enough to know that they say it all.
        let sent = || serde_json::from_str(&serde_json::to_string(registration).unwrap()).unwrap();
        let told: Registration = if world.rng().one_in(16) { sent() } else { registration.clone() };
        world.executor.sleep(ms).await;
        if world.chance(world.faults.catalog_fails) {
            world.journal.saw(Event::CatalogOutOfReach);
            match world.rng().below(3) {
                0 => {}
                1 => self.hear(world, told),
                _ => {
                    let world_too = Rc::clone(world);
                    world.executor.spawn(world.process, async move {
                        world_too.pause(500, 90_000).await;
                        world_too.catalog.hear(&world_too, told);
                    });
                }
            }
            return Err(StoreError("catalog: out of reach".to_owned()));
        }
        self.hear(world, told);
        Ok(())
    }

    /// Never an older state over a newer one.
    fn hear(&self, world: &World, told: Registration) {
        let Registration { key, receipts, purged, .. } = &told;
        let Some(receipt) = receipts.first() else { return world.journal.broken("a registration without a receipt") };
        let object = world.object(key);
        let Some(job) = object.disk.load().job(&receipt.id).cloned() else {
            return world.journal.broken("a job is registered that nobody knows");
        };
        sound(world, &told, &job);
        for (purge, take) in purged {
            world.purges.told(purge, take.take);
            if world.purges.is_hard(purge) {
                world.blobs.give_up(world, &take.digest);
            }
        }
        if receipt.state == State::Dispatched {
            world.journal.saw(Event::ListedAtWork);
        }
        let mut jobs = self.0.borrow_mut();
        let before = jobs.get(&receipt.id).map(|before| rank(before.told.receipts[0].state));
        if before == Some(rank(receipt.state)) {
            world.journal.saw(Event::ListedTwice);
        }
        if before > Some(rank(receipt.state)) {
            world.journal.saw(Event::ListedLate);
        } else {
            jobs.insert(receipt.id.clone(), Heard { at_ms: world.now_ms(), told });
        }
    }

    /// Each job that was dispatched is here as it ended, and no other.
    pub(super) fn at_rest(&self, world: &World, object: &Object) {
        let (jobs, records) = (self.0.borrow(), object.disk.durable());
        for job in records.jobs.values() {
            let (name, told) = (job.id.as_str(), jobs.get(&job.id));
            if job.dispatched_ms.is_none() {
                world
                    .journal
                    .expect(told.is_none() && !job.listed, || format!("{name} was not dispatched, and is listed"));
                continue;
            }
            world.journal.expect(job.listed, || format!("{name} is not marked as listed"));
            let Some(Heard { at_ms, told }) = told else {
                world.journal.broken(format!("{name} is not listed"));
                continue;
            };
            // Where nothing is told out of turn, the last word on a take was not older than its purge.
            let stale = |take: &u32| {
                let answered_ms = records.holder(*take).and_then(|purged| world.purges.answered_ms(&purged.purge));
                answered_ms.is_some_and(|answered_ms| answered_ms < *at_ms)
            };
            let mut takes = told.takes.iter().map(|take| take.take);
            let outdated = world.faults.catalog_fails == 0 && takes.any(|take| stale(&take));
            world.journal.expect(!outdated, || format!("{name} is listed with a take that was purged before"));
            let now = told.receipts.first().map(|receipt| receipt.state);
            world
                .journal
                .expect(now == Some(job.state), || format!("{name} is {:?}, and listed as {now:?}", job.state));
            world.journal.expect(cost(told) == job.cost, || format!("{name} is listed at {:?}", cost(told)));
        }
        let held = records.purged.values().filter(|purged| !purged.restored);
        for purged in held {
            let last = |take: &&Take| records.holder(take.take).is_some_and(|holder| holder.seq == purged.seq);
            for take in purged.takes.iter().filter(last) {
                let known = world.purges.knows(&purged.purge, take.take);
                world.journal.expect(known, || format!("take {} is purged, and nobody was told", take.take));
            }
        }
    }

    /// What all jobs cost, as it is listed.
    pub(super) fn spent(&self, key: &PictureKey) -> NanoUsd {
        let jobs = self.0.borrow();
        NanoUsd::saturating_sum(jobs.values().map(|heard| &heard.told).filter(|told| told.key == *key).filter_map(cost))
    }
}

fn rank(state: State) -> u8 {
    match state {
        State::Claimed => 0,
        State::Dispatched => 1,
        State::Stored => 2,
        State::Settled | State::Failed | State::Unknown => 3,
    }
}

fn cost(told: &Registration) -> Option<NanoUsd> {
    let costs: Option<Vec<NanoUsd>> = told.receipts.iter().map(|receipt| receipt.cost_nano_usd).collect();
    costs.map(NanoUsd::saturating_sum)
}

fn sound(world: &World, told: &Registration, job: &Job) {
    let name = job.id.as_str();
    let same = !world.rng().one_in(16) || PictureKey::of(&told.picture) == told.key;
    world.journal.expect(same, || format!("{name} is listed as another picture"));
    let tags = &world.payers.client(job.client.as_str()).policy.tags;
    world.journal.expect(told.tags == *tags, || format!("{name} is listed with {:?}", told.tags));
    let over = matches!(told.receipts[0].state, State::Settled | State::Failed | State::Unknown);
    let known = over || told.receipts[0].state == State::Dispatched;
    world.journal.expect(known, || format!("{name} is listed as {:?}", told.receipts[0].state));
    let numbers = told.takes.iter().chain(told.purged.iter().map(|(_, take)| take));
    for take in numbers {
        world.journal.expect(job.takes.contains(&take.take), || format!("{name} is listed with another's take"));
    }
    let settled = told.receipts[0].state == State::Settled;
    let all = told.takes.len() + told.purged.len();
    world.journal.expect(!settled || all == job.takes.len(), || format!("{name} is listed with {all} takes"));
    if settled && !told.purged.is_empty() {
        world.journal.saw(Event::ListedAsPurged);
    }
}
