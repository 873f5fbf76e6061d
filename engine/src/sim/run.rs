//! One schedule from its seed to its verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::checks;
use super::client::{self, Wanted};
use super::coverage::{Counts, Event};
use super::operator::{self, Plan};
use super::world::World;
use crate::ask::Ask;

/// No schedule is this long: what is, runs in circles.
const MOST_STEPS: usize = 300_000;

/// So long that accounts forget first what never began, and then what has ended.
const LONG_MS: [u64; 2] = [3 * 86_400_000, 41 * 86_400_000];

pub(super) struct Run {
    pub(super) verdict: Result<(), String>,
    pub(super) counts: Counts,
    pub(super) trace: Vec<String>,
}

pub(super) fn run(seed: u64, loud: bool) -> Run {
    let world = World::new(seed, loud);
    if world.faults.calm {
        world.journal.saw(Event::CalmSchedule);
    }
    arrange(&world);
    let verdict = catch_unwind(AssertUnwindSafe(|| play(&world))).unwrap_or_else(|_| Err("a panic".to_owned()));
    world.clear();
    Run { verdict, counts: world.journal.counts(), trace: world.journal.trace() }
}

/// Requests come in bursts: several that are alike, or that touch the same key, in the same moment.
fn arrange(world: &Rc<World>) {
    let rng = world.rng();
    let mut at_ms = 0;
    let mut bursts = Vec::new();
    for burst in 0..rng.between(1, 5) {
        if burst > 0 && rng.one_in(60) {
            at_ms += rng.pick(&LONG_MS);
        }
        at_ms += *rng.pick(&[500, 5_000, 60_000, 700_000, 3_600_000]) * rng.between(0, 1_000) / 1_000;
        bursts.push(at_ms);
        let draw = || Wanted::draw(rng, &world.payers, world.subjects.len());
        let alike = rng.one_in(2).then(draw);
        for _ in 0..rng.between(1, 7) {
            let wanted = alike.as_ref().map_or_else(draw, |alike| alike.of_another(rng, &world.payers));
            let at_ms = at_ms + if rng.one_in(3) { 0 } else { rng.between(0, 3_000) };
            let world_too = Rc::clone(world);
            world.executor.spawn(world.process, async move { arrive(world_too, at_ms, wanted).await });
        }
    }
    if rng.one_in(2) {
        for _ in 0..rng.between(1, 4) {
            // While pictures are made, or when they are there.
            let at_ms = rng.pick(&bursts) + *rng.pick(&[2_000, 20_000, 100_000]) * rng.between(0, 1_000) / 1_000;
            let plan = Plan::draw(rng, world.subjects.len());
            // Somebody asks for it who may have seen it before.
            for _ in 0..rng.below(4) {
                let wanted = Wanted { subject: plan.subject, ..Wanted::draw(rng, &world.payers, 1) };
                let (world_too, at_ms) = (Rc::clone(world), at_ms + rng.between(0, 40_000));
                world.executor.spawn(world.process, async move { arrive(world_too, at_ms, wanted).await });
            }
            for _ in 0..if rng.one_in(6) { 2 } else { 1 } {
                let purge = operator::purge(Rc::clone(world), at_ms, plan.clone());
                world.executor.spawn(world.process, purge);
            }
        }
    }
    for _ in 0..world.faults.blobs_hurt {
        let (world_too, at_ms) = (Rc::clone(world), rng.between(0, at_ms + 10_000));
        world.executor.spawn(world.process, async move {
            world_too.executor.sleep(at_ms).await;
            world_too.blobs.hurt_one(&world_too);
        });
    }
}

async fn arrive(world: Rc<World>, at_ms: u64, wanted: Wanted) {
    world.executor.sleep(at_ms).await;
    let isolate = Rc::clone(world.rng().pick(&world.isolates));
    let request = client::request(Rc::clone(&world), Rc::clone(&isolate), wanted);
    let task = world.executor.spawn(isolate.process.get(), request);
    if world.chance(world.faults.client_leaves) {
        client::leave(world, task).await;
    }
}

fn play(world: &Rc<World>) -> Result<(), String> {
    let mut steps = 0;
    until_rest(world, &mut steps)?;
    world.healed.set(true);
    // What has no alarm waits for the next life and the next request.
    for object in world.objects().into_iter().filter(|object| checks::waits(world, object)) {
        object.crash(world);
        drop(object.ask(world, Ask::Look));
    }
    until_rest(world, &mut steps)?;
    world.executor.spawn(world.process, checks::at_rest(Rc::clone(world)));
    until_rest(world, &mut steps)
}

fn until_rest(world: &Rc<World>, steps: &mut usize) -> Result<(), String> {
    while world.executor.step() {
        world.between_steps();
        world.journal.verdict()?;
        *steps += 1;
        if *steps > MOST_STEPS {
            return Err(format!("{MOST_STEPS} steps, and no rest"));
        }
    }
    world.journal.verdict()?;
    if world.executor.alive() > 0 { Err("somebody waits for ever".to_owned()) } else { Ok(()) }
}
