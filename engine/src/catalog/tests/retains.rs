//! What is given up by itself.

use domain::runtime::Retention;

use super::*;

/// Three pictures of a thousand bytes, made an hour apart; the first was looked at last, half an hour after the last
/// was made.
fn world() -> World {
    let world = World::with(&[
        job(1, "first"),
        Job { claimed_ms: NOON_MS + HOUR_MS, ..job(2, "second") },
        Job { claimed_ms: NOON_MS + 2 * HOUR_MS, ..job(3, "third") },
    ]);
    world.now_ms.set(NOON_MS + 3 * HOUR_MS);
    let flush = json!({
        "id": "f", "cells": [], "requests": [], "unshown": 0,
        "pictures": [{ "key": job(1, "first").key(), "hits": 1, "last_ms": NOON_MS + 2 * HOUR_MS + HOUR_MS / 2 }],
    });
    world.ask(CatalogAsk::Flush { flush: serde_json::from_value(flush).unwrap() });
    world
}

fn maintain(world: &World, number: u8, retention: Retention) {
    let ask = CatalogAsk::Maintain { retention, id: id(number), reach: REACH };
    assert_eq!(world.ask(ask), CatalogAnswer::Done);
}

/// What is left, so many hours after noon.
#[track_caller]
fn check(hours: u64, max_bytes: Option<u64>, max_idle_days: Option<u32>, expected: &[&str]) {
    let world = world();
    world.now_ms.set(NOON_MS + hours * HOUR_MS);
    maintain(&world, 1, Retention { max_bytes, max_idle_days });
    wait(&world);
    assert_eq!(world.prompts("order=asc"), expected, "{hours} {max_bytes:?} {max_idle_days:?}");
    assert_eq!(world.blobs.borrow().len(), expected.len());
}

/// The alarm that an ask leaves behind rings.
fn wait(world: &World) {
    world::wait(crate::catalog::runner::arm(&world.catalog, world)).unwrap();
    world.pass(1_000);
}

#[test]
fn the_least_recently_used_go() {
    let all = ["first", "second", "third"];
    check(3, None, None, &all);
    check(3, Some(3_000), None, &all);
    check(3, Some(2_999), None, &["first", "third"]);
    check(3, Some(2_000), None, &["first", "third"]);
    check(3, Some(1_999), None, &["first"]);
    check(3, Some(0), None, &[]);
    check(25, None, Some(1), &all);
    check(26, None, Some(1), &["first", "third"]);
    check(27, None, Some(1), &[]);
    check(26, Some(1_000), Some(1), &["first"]);
    check(3, None, Some(u32::MAX), &all);
}

#[test]
fn it_is_a_purge_as_any_other() {
    let world = world();
    let retention = Retention { max_bytes: Some(1_000), max_idle_days: None };
    maintain(&world, 1, retention);
    // Again before it was done, and again under the same name.
    maintain(&world, 2, retention);
    maintain(&world, 1, retention);
    wait(&world);
    let purge = world.show(1);
    assert_eq!((purge.by.as_str(), purge.mode, purge.plan.pictures, purge.done), ("retention", Mode::Hard, 2, 2));
    assert_eq!((purge.plan.takes, purge.plan.bytes, purge.plan.regeneration.0), (2, 2_000, 80_000_000));
    assert!(matches!(world.ask(CatalogAsk::ShowPurge { id: id(2) }), CatalogAnswer::Refused { .. }));
    // Nothing is beyond the limit any more.
    maintain(&world, 3, retention);
    assert!(matches!(world.ask(CatalogAsk::ShowPurge { id: id(3) }), CatalogAnswer::Refused { .. }));
    // What is made afterwards has nothing to do with it.
    world.tell(&Job { takes: vec![1], claimed_ms: NOON_MS, ..job(4, "second") });
    assert_eq!(world.prompts("order=asc"), ["first", "second"]);
}
