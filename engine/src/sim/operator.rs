//! Whoever purges: asks until it is answered, sometimes twice, sometimes late, changes its mind, and has the bytes deleted.

use std::rc::Rc;

use domain::picture::Take;
use domain::purge::PurgeId;

use super::coverage::Event;
use super::object::Object;
use super::records::Order;
use super::rng::Rng;
use super::world::World;
use crate::ask::{Answer, Ask};

/// How long after the end of its window what a soft purge holds is deleted.
const MARGIN_MS: u64 = 60_000;

#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) subject: usize,
    takes: Option<Vec<u32>>,
    /// `None` for good.
    window_ms: Option<u64>,
    late_ms: u64,
    again: bool,
    undo: Option<Undo>,
}

#[derive(Debug, Clone, Copy)]
enum Undo {
    After(u64),
    /// It is asked for before the purge has been heard of.
    First,
}

impl Plan {
    pub(super) fn draw(rng: &Rng, subjects: usize) -> Self {
        let one = || u32::try_from(rng.below(4)).unwrap();
        let window_ms = if rng.one_in(3) { None } else { Some(*rng.pick(&[20_000, 600_000, 86_400_000])) };
        let undo = match rng.below(10) {
            0 => Some(Undo::First),
            1..=3 => Some(Undo::After(*rng.pick(&[0, 1_000, 15_000, 60_000, 1_000_000]))),
            _ => None,
        };
        Self {
            subject: rng.below(subjects),
            takes: rng.one_in(2).then(|| if rng.one_in(2) { vec![one()] } else { vec![one(), one()] }),
            window_ms,
            late_ms: if rng.one_in(3) { rng.between(0, 60_000) } else { 0 },
            again: rng.one_in(3),
            undo,
        }
    }
}

pub(super) async fn purge(world: Rc<World>, at_ms: u64, plan: Plan) {
    world.executor.sleep(at_ms).await;
    let key = world.subjects[plan.subject].key;
    let object = world.object(&key);
    let mut random = [0; 16];
    world.rng().fill(&mut random);
    let (purge, at_ms) = (PurgeId::new(random), world.now_ms());
    let until_ms = plan.window_ms.map(|window| at_ms + window);
    world.journal.note(|| format!("{} of {}: {plan:?}", purge.as_str(), world.name(&key)));
    let order = Order { takes: plan.takes.clone(), at_ms, until_ms, back: false };
    object.disk.orders.borrow_mut().insert(purge.clone(), order);
    world.purges.sent(&purge, key, until_ms.is_none());
    if plan.late_ms > 0 {
        world.journal.saw(Event::PurgeLate);
    }
    let ask = Ask::Purge { purge: purge.clone(), takes: plan.takes.clone(), at_ms, until_ms };
    let purging = async {
        world.executor.sleep(plan.late_ms).await;
        purged(&world, &object, &purge, &ask).await
    };
    let taken = match plan.undo {
        Some(Undo::First) => {
            let (taken, ()) = futures::future::join(purging, undo(&world, &object, &purge, until_ms)).await;
            taken
        }
        _ => purging.await,
    };
    saw(&world, &plan, &taken);
    if world.purges.at_once(&key) {
        world.journal.saw(Event::PurgesAtOnce);
    }
    if until_ms.is_none() {
        delete(&world, &taken);
    }
    if plan.again {
        world.pause(0, 90_000).await;
        if !purged(&world, &object, &purge, &ask).await.is_empty() {
            world.journal.saw(Event::PurgedAgain);
        }
    }
    if let Some(Undo::After(ms)) = plan.undo {
        world.executor.sleep(ms).await;
        undo(&world, &object, &purge, until_ms).await;
    }
    if let Some(until_ms) = until_ms.filter(|_| plan.undo.is_none()) {
        world.executor.sleep((until_ms + MARGIN_MS).saturating_sub(world.now_ms())).await;
        delete(&world, object.disk.load().purge(&purge).map_or(&[], |purged| &purged.takes));
    }
}

/// Asks until there is an answer, which is what the object holds.
async fn purged(world: &Rc<World>, object: &Rc<Object>, purge: &PurgeId, ask: &Ask) -> Vec<Take> {
    loop {
        let asked_ms = world.now_ms();
        match send(world, object, ask).await {
            Some(Answer::Purged { takes, .. }) => {
                world.purges.answered(world, purge, takes.iter().map(|take| take.take));
                let records = object.disk.durable();
                let record = records.purge(purge);
                // Whatever there is came later: there was nothing to purge.
                let blank = records.jobs.values().all(|job| job.claimed_ms >= asked_ms);
                let durable = record.map_or(blank && takes.is_empty(), |record| record.takes.starts_with(&takes));
                world.journal.expect(durable, || "a purge is answered, and is not durable".to_owned());
                if record.is_none() {
                    world.journal.saw(Event::PurgedNothing);
                }
                return takes;
            }
            _ => world.pause(500, 5_000).await,
        }
    }
}

/// Asks for it back until there is an answer.
async fn undo(world: &Rc<World>, object: &Rc<Object>, purge: &PurgeId, until_ms: Option<u64>) {
    world.purges.asked_back(purge);
    if let Some(order) = object.disk.orders.borrow_mut().get_mut(purge) {
        order.back = true;
    }
    let ask = Ask::Restore { purge: purge.clone() };
    for time in 0..if world.rng().one_in(3) { 2 } else { 1 } {
        if time > 0 {
            world.pause(0, 90_000).await;
        }
        let back = loop {
            match send(world, object, &ask).await {
                Some(Answer::Restored { takes, .. }) => break takes,
                _ => world.pause(500, 5_000).await,
            }
        };
        let records = object.disk.durable();
        let Some(record) = records.purge(purge) else { continue };
        let in_time = until_ms.is_some_and(|until| world.now_ms() <= until);
        let holds = !record.takes.is_empty() || !record.places.is_empty();
        world
            .journal
            .expect(record.restored || !in_time || !holds, || "an undo in time brings nothing back".to_owned());
        world.journal.expect(back.iter().all(|take| record.takes.contains(take)), || {
            "an undo brings back what its purge did not take".to_owned()
        });
        match (record.restored, holds) {
            (true, true) => world.journal.saw(Event::Undone),
            (true, false) => world.journal.saw(Event::UndoneFirst),
            (false, true) => world.journal.saw(Event::UndoneTooLate),
            (false, false) => {}
        }
    }
}

/// One question. It may be lost, its answer may be, and it may arrive when nobody waits any more.
async fn send(world: &Rc<World>, object: &Rc<Object>, ask: &Ask) -> Option<Answer> {
    world.pause(1, 80).await;
    // The two sides share nothing but these bytes.
    let ask: Ask = serde_json::from_str(&serde_json::to_string(ask).unwrap()).unwrap();
    if world.chance(world.faults.way_to_object_breaks) {
        world.journal.saw(Event::PurgeBrokeOff);
        match world.rng().below(3) {
            0 => {}
            1 => drop(object.ask(world, ask)),
            _ => {
                let (world_too, object) = (Rc::clone(world), Rc::clone(object));
                world.executor.spawn(world.process, async move {
                    world_too.pause(500, 90_000).await;
                    drop(object.ask(&world_too, ask));
                });
            }
        }
        return None;
    }
    let (answer, _) = object.ask(world, ask).await.ok()?;
    world.pause(1, 80).await;
    Some(serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap())
}

fn saw(world: &World, plan: &Plan, taken: &[Take]) {
    if taken.is_empty() {
        return;
    }
    world.journal.saw(if plan.takes.is_some() { Event::PurgedOne } else { Event::PurgedAll });
    world.journal.saw(if plan.window_ms.is_some() { Event::PurgedSoft } else { Event::PurgedHard });
}

/// The bytes go. Here no two takes have the same.
fn delete(world: &World, takes: &[Take]) {
    for take in takes {
        world.blobs.give_up(world, &take.digest);
    }
}
