//! The runner: batches, crashes, objects out of reach, caches, progress.

use domain::admin::purges::CdnPurge;
use domain::admin::{Event, EventKind, Filter};
use domain::purge::PurgeState;

use super::world::{asked, wait};
use super::*;
use crate::catalog::runner;

/// So many pictures.
fn many(count: u32) -> World {
    let world = World::new();
    for number in 0..count {
        world.tell(&job(u8::try_from(number % 256).unwrap(), &format!("picture {number}")));
    }
    world
}

fn all() -> PurgeRequest {
    soft(json!({ "all": true }))
}

#[test]
fn a_small_purge_is_done_when_it_is_answered() {
    let purge = many(64).purge(1, all());
    assert_eq!((purge.state, purge.done), (Some(PurgeState::Done), 64));
    let world = many(65);
    let purge = world.purge(1, all());
    assert_eq!((purge.state, purge.done), (Some(PurgeState::Running), 0));
    assert_eq!(world.alarm_ms.get(), Some(world.now_ms.get()));
    world.pass(0);
    assert_eq!((world.show(1).state, world.show(1).done), (Some(PurgeState::Done), 65));
}

#[test]
fn in_batches_and_thirty_two_at_once() {
    let world = many(600);
    world.ask(asked(1, all()));
    for done in [256, 512, 600] {
        assert_eq!(world.show(1).state, Some(PurgeState::Running));
        world.turn();
        assert_eq!((world.show(1).done, world.asked.get()), (done, u32::try_from(done).unwrap()));
    }
    assert_eq!((world.show(1).state, world.at_once.get().1), (Some(PurgeState::Done), 32));
    let turn = world.turn();
    assert_eq!((turn.events, turn.wake_ms), (vec![], Some(world.now_ms.get() + DAY_MS)));
}

#[test]
fn a_crash_in_the_middle_loses_nothing() {
    let mut world = many(300);
    world.ask(asked(1, all()));
    // The object dies while the first ones are being asked.
    let mut turn = Box::pin(runner::turn(&world.catalog, &world, None));
    while world.show(1).done < 32 {
        let _ = turn.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    }
    drop(turn);
    let asked = world.asked.get();
    let done = world.show(1).done;
    assert!(done < 256 && u64::from(asked) > done, "{done} {asked}");
    assert!(world.alarm_ms.get().is_some());
    world.restart();
    world.pass(HOUR_MS);
    let purge = world.show(1);
    assert_eq!((purge.state, purge.done, purge.plan.takes), (Some(PurgeState::Done), 300, 300));
    assert_eq!((purge.plan.bytes, purge.plan.regeneration.0), (300_000, 300 * 40_000_000));
    assert_eq!(world.prompts(""), [""; 0]);
}

#[test]
fn a_turn_that_is_left_holds_nothing_up() {
    let world = many(10);
    world.ask(asked(1, all()));
    let mut turn = Box::pin(runner::turn(&world.catalog, &world, None));
    let _ = turn.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    // While it waits, nobody asks the same objects.
    let asked = world.asked.get();
    assert!(asked > 0);
    let other = wait(runner::turn(&world.catalog, &world, None)).unwrap();
    assert_eq!((world.asked.get(), other.wake_ms.is_none_or(|wake_ms| wake_ms > world.now_ms.get())), (asked, true));
    drop(turn);
    world.turn();
    assert_eq!(world.show(1).state, Some(PurgeState::Done));
}

#[test]
fn objects_out_of_reach_are_tried_again() {
    let world = many(3);
    let lost = job(0, "picture 1").key();
    world.unreachable.borrow_mut().insert(lost);
    let begun_ms = world.now_ms.get();
    let purge = world.purge(1, all());
    assert_eq!((purge.state, purge.done, purge.failing), (Some(PurgeState::Running), 2, 1));
    // After one second, two more, four more, and so on.
    let mut tried = Vec::new();
    while world.now_ms.get() < begun_ms + 700_000 {
        let asked = world.asked.get();
        world.pass(500);
        if world.asked.get() > asked {
            tried.push((world.now_ms.get() - begun_ms) / 1_000);
        }
    }
    assert_eq!(tried, [1, 3, 7, 15, 31, 63, 127, 255, 511]);
    assert_eq!(world.show(1).failing, 1);
    world.unreachable.borrow_mut().clear();
    world.pass(400_000);
    let purge = world.show(1);
    assert_eq!((purge.state, purge.done, purge.failing), (Some(PurgeState::Done), 3, 0));
}

#[test]
fn a_long_purge_does_not_hold_up_another() {
    let world = many(1_000);
    world.tell(&job(1, "a fox"));
    world.ask(asked(1, soft(json!({ "prompt": "picture" }))));
    world.ask(asked(2, soft(json!({ "prompt": "fox" }))));
    world.turn();
    assert_eq!((world.show(1).done, world.show(2).state), (128, Some(PurgeState::Done)));
}

#[test]
fn progress_is_told_about_once_a_second_and_at_the_end() {
    let world = many(100);
    world.slow_ms.set(50);
    world.ask(asked(1, all()));
    let turn = world.turn();
    let told: Vec<_> = turn
        .events
        .iter()
        .map(|(_, event)| match event {
            Event::Purge(event) => (event.state, event.done, event.pictures),
            other => panic!("{other:?}"),
        })
        .collect();
    let running = |done| (PurgeState::Running, done, 100);
    let expected = [running(1), running(21), running(41), running(61), running(81), (PurgeState::Done, 100, 100)];
    assert_eq!(told, expected);
    // They are in the feed under the numbers that were given.
    let filter = Filter { kinds: vec![EventKind::Purge], ..Filter::default() };
    let CatalogAnswer::Events { events, .. } = world.ask(CatalogAsk::Events { after: 0, filter, limit: 99 }) else {
        panic!("no events");
    };
    assert_eq!(events, turn.events);
}

fn with_cdn(number: u8, request: PurgeRequest) -> CatalogAsk {
    let reach = Reach { cdn: true, ..REACH };
    CatalogAsk::Purge { request: Box::new(request), id: id(number), by: "admin".to_owned(), reach }
}

#[test]
fn caches_drop_it_at_once_and_when_nobody_can_hand_it_to_them_again() {
    let world = many(3);
    let purge = world.post(with_cdn(1, soft(json!({ "prompt": "picture" })))).unwrap();
    assert_eq!((purge.bounds.cdn_seconds, purge.bounds.cdn), (0, Some(CdnPurge::Done)));
    let mut expected: Vec<_> = (0..3)
        .map(|number| format!("pincel-{}", &job(0, &format!("picture {number}")).key().to_string()[..32]))
        .collect();
    expected.sort_unstable();
    let sorted = || {
        let mut calls = world.dropped.borrow().clone();
        for tags in &mut calls {
            tags.sort_unstable();
        }
        calls
    };
    assert_eq!(sorted(), [expected.clone()]);
    world.pass(99_999);
    assert_eq!(sorted().len(), 1);
    world.pass(1);
    assert_eq!(sorted(), [expected.clone(), expected]);
    world.pass(2 * DAY_MS);
    assert_eq!(sorted().len(), 2);
}

#[test]
fn caches_in_batches_or_all_of_it() {
    let calls = |count: u32, selector: serde_json::Value| {
        let world = many(count);
        world.post(with_cdn(1, soft(selector))).unwrap();
        world.pass(60_000);
        let dropped = world.dropped.borrow();
        dropped.iter().map(|tags| if tags == &["pincel"] { 0 } else { tags.len() }).collect::<Vec<_>>()
    };
    assert_eq!(calls(250, json!({ "prompt": "picture" })), [100, 100, 50]);
    assert_eq!(calls(200, json!({ "prompt": "picture" })), [100, 100]);
    assert_eq!(calls(3, json!({ "all": true })), [0]);
    assert_eq!(calls(2_001, json!({ "prompt": "picture" })), [0]);
}

#[test]
fn caches_that_do_not_answer_are_asked_again() {
    let world = many(2);
    world.cdn_fails.set(true);
    world.post(with_cdn(1, all())).unwrap();
    let purge = world.show(1);
    assert_eq!(purge.bounds.cdn, Some(CdnPurge::Failing { reason: "too many".to_owned() }));
    assert_eq!(purge.state, Some(PurgeState::Done));
    world.pass(HOUR_MS);
    world.cdn_fails.set(false);
    world.pass(30_000);
    assert_eq!(world.show(1).bounds.cdn, Some(CdnPurge::Done));
    world.pass(HOUR_MS);
    assert_eq!(world.dropped.borrow().len(), 2);
}

#[test]
fn an_object_out_of_reach_does_not_keep_the_others_in_the_caches() {
    let world = many(3);
    world.unreachable.borrow_mut().insert(job(0, "picture 1").key());
    let purge = world.post(with_cdn(1, soft(json!({ "prompt": "picture" })))).unwrap();
    assert_eq!((purge.state, purge.bounds.cdn), (Some(PurgeState::Running), Some(CdnPurge::Pending)));
    assert_eq!(world.dropped.borrow().len(), 1);
    world.unreachable.borrow_mut().clear();
    world.pass(HOUR_MS);
    assert_eq!((world.show(1).state, world.show(1).bounds.cdn), (Some(PurgeState::Done), Some(CdnPurge::Done)));
}

#[test]
fn nothing_to_drop_is_dropped_by_nobody() {
    let world = many(1);
    world.post(with_cdn(1, soft(json!({ "prompt": "nothing" })))).unwrap();
    world.pass(HOUR_MS);
    assert_eq!(world.dropped.borrow().len(), 0);
}
