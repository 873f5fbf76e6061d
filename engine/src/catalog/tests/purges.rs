//! What a purge takes, and what it says of it.

use domain::admin::purges::Sampled;
use domain::admin::{Bounds, PurgePlan};
use domain::purge::PurgeState;

use super::world::asked;
use super::*;

/// `a fox` of `shop` and of `other`, `a car` and `a cat` of `shop`.
fn jobs() -> [Job; 4] {
    let old = NOON_MS - DAY_MS;
    let mut cat = Job { claimed_ms: old, cost: None, ..job(4, "a cat") };
    cat.picture.model = "gpt-image-2".to_owned();
    [
        Job { tags: vec!["spring".to_owned()], takes: vec![0, 1], ..job(1, "a fox") },
        Job { client: "other", takes: vec![2], claimed_ms: NOON_MS + 1_000, ..job(2, "a fox") },
        job(3, "a car"),
        cat,
    ]
}

fn key(prompt: &str) -> PictureKey {
    if prompt == "a cat" { jobs()[3].key() } else { job(0, prompt).key() }
}

/// Which takes are left of `a fox`, `a car` and `a cat`; a dry run says before what is taken.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "so that a case reads as one line")]
fn check(selector: serde_json::Value, expected: [&[u32]; 3]) {
    let world = World::with(&jobs());
    let plan = world.purge(1, dry(soft(selector.clone()))).plan;
    assert_eq!(world.asked.get(), 0);
    let purge = world.purge(1, soft(selector.clone()));
    assert_eq!(purge.plan, plan, "{selector}");
    assert_eq!((purge.state, purge.done), (Some(PurgeState::Done), plan.pictures), "{selector}");
    let left = ["a fox", "a car", "a cat"].map(|prompt| world.live(&key(prompt)));
    assert_eq!(left.each_ref().map(Vec::as_slice), expected, "{selector}");
    let takes: u64 = left.iter().map(|left| left.len() as u64).sum();
    assert_eq!(plan.takes, 5 - takes, "{selector}");
    // The catalog has the same.
    let known: u32 = world.images("").images.iter().map(|image| image.takes).sum();
    assert_eq!(u64::from(known), takes, "{selector}");
}

#[test]
fn selectors() {
    check(json!({ "all": true }), [&[], &[], &[]]);
    check(json!({ "keys": [key("a fox")] }), [&[], &[0], &[0]]);
    check(json!({ "keys": [key("a fox"), key("a fox"), key("nothing")] }), [&[], &[0], &[0]]);
    check(json!({ "keys": [key("a fox")], "takes": [1, 7] }), [&[0, 2], &[0], &[0]]);
    check(json!({ "prompt": "fox" }), [&[], &[0], &[0]]);
    check(json!({ "prompt": "a CAR" }), [&[0, 1, 2], &[], &[0]]);
    check(json!({ "prompt": "fo" }), [&[0, 1, 2], &[0], &[0]]);
    check(json!({ "prompt": "fox OR car" }), [&[0, 1, 2], &[0], &[0]]);
    check(json!({ "client": "other" }), [&[0, 1], &[0], &[0]]);
    check(json!({ "client": "shop" }), [&[2], &[], &[]]);
    check(json!({ "tag": "spring" }), [&[2], &[0], &[0]]);
    check(json!({ "tag": "spr" }), [&[0, 1, 2], &[0], &[0]]);
    check(json!({ "model": "gpt-image-2" }), [&[0, 1, 2], &[0], &[]]);
    check(json!({ "older_than_seconds": 7_200 }), [&[0, 1, 2], &[0], &[]]);
    check(json!({ "older_than_seconds": 3_600 }), [&[2], &[], &[]]);
    check(json!({ "older_than_seconds": domain::admin::MAX_NUMBER }), [&[0, 1, 2], &[0], &[0]]);
    check(json!({ "prompt": "fox", "client": "other" }), [&[0, 1], &[0], &[0]]);
    check(json!({ "prompt": "car", "client": "other" }), [&[0, 1, 2], &[0], &[0]]);
    check(json!({ "keys": [key("a car"), key("a cat")], "model": "gpt-image-2" }), [&[0, 1, 2], &[0], &[]]);
    check(json!({ "keys": [key("a fox")], "prompt": "car" }), [&[0, 1, 2], &[0], &[0]]);
}

#[test]
fn a_selector_that_takes_everything_by_accident_is_refused() {
    let world = World::with(&jobs());
    for wrong in [json!({}), json!({ "keys": [] }), json!({ "prompt": "🦊" }), json!({ "all": true, "client": "x" })]
    {
        for request in [soft(wrong.clone()), dry(soft(wrong.clone()))] {
            assert!(world.post(asked(1, request)).unwrap_err().starts_with("400 "), "{wrong}");
        }
    }
    assert_eq!(world.images("").images.len(), 3);
}

#[test]
fn what_it_says() {
    let world = World::with(&jobs());
    let sampled = |prompt: &str, takes, bytes| Sampled {
        key: key(prompt),
        prompt: prompt.to_owned(),
        takes,
        bytes,
        last_hit_ms: None,
    };
    let now_ms = world.now_ms.get();
    let dry_run = world.purge(1, dry(hard(json!({ "client": "shop" }))));
    let expected = Purge {
        id: None,
        dry_run: true,
        selector: serde_json::from_value(json!({ "client": "shop" })).unwrap(),
        mode: Mode::Hard,
        state: None,
        by: "admin".to_owned(),
        created_ms: now_ms,
        ended_ms: None,
        plan: PurgePlan {
            pictures: 3,
            takes: 4,
            bytes: 4_000,
            regeneration: NanoUsd(120_000_000),
            takes_of_unknown_cost: 1,
            sample: vec![sampled("a fox", 2, 2_000), sampled("a car", 1, 1_000), sampled("a cat", 1, 1_000)],
        },
        done: 0,
        failing: 0,
        undo_until_ms: None,
        bounds: Bounds {
            object_seconds: 0,
            memo_seconds: 10,
            kv_seconds: 90,
            browser_seconds: 300,
            cdn_seconds: 2_592_000,
            cdn: None,
        },
    };
    assert_eq!(dry_run, expected);
    let done = world.purge(7, soft(json!({ "client": "shop" })));
    let expected = Purge {
        id: Some(id(7)),
        dry_run: false,
        mode: Mode::Soft,
        state: Some(PurgeState::Done),
        ended_ms: Some(now_ms),
        done: 3,
        undo_until_ms: Some(now_ms + DAY_MS),
        ..expected
    };
    assert_eq!(done, expected);
    assert_eq!(world.show(7), expected);
}

#[test]
fn what_takes_nothing_is_done_at_once() {
    let world = World::with(&jobs());
    let purge = world.purge(1, soft(json!({ "prompt": "nothing" })));
    assert_eq!((purge.state, purge.plan.pictures, world.asked.get()), (Some(PurgeState::Done), 0, 0));
    assert_eq!(world.alarm_ms.get(), None);
    assert_eq!(world.undo(1).unwrap().state, Some(PurgeState::Undone));
}

#[test]
fn beginning_twice_is_beginning_once() {
    let world = World::with(&jobs());
    let first = world.purge(1, soft(json!({ "prompt": "fox" })));
    world.now_ms.set(world.now_ms.get() + 5_000);
    assert_eq!(world.purge(1, soft(json!({ "prompt": "fox" }))), first);
    assert_eq!(world.asked.get(), 1);
}

#[test]
fn two_at_once() {
    let world = World::with(&jobs());
    // Both are planned before either has taken anything.
    world.ask(asked(1, soft(json!({ "prompt": "fox" }))));
    world.ask(asked(2, soft(json!({ "client": "shop" }))));
    let (one, two) = (world.show(1), world.show(2));
    assert_eq!((one.plan.takes, two.plan.takes), (3, 4));
    world.turn();
    let (one, two) = (world.show(1), world.show(2));
    assert_eq!((one.state, one.done, two.state, two.done), (Some(PurgeState::Done), 1, Some(PurgeState::Done), 3));
    // Each counts what it took itself, and nothing is counted twice.
    assert_eq!((one.plan.takes, two.plan.takes), (3, 2));
    assert_eq!((one.plan.bytes, two.plan.bytes), (3_000, 2_000));
    assert_eq!((one.plan.regeneration.0, two.plan.regeneration.0), (120_000_000, 40_000_000));
    assert_eq!((one.plan.takes_of_unknown_cost, two.plan.takes_of_unknown_cost), (0, 1));
    assert_eq!(world.prompts(""), [""; 0]);
    // Undoing one puts back what that one took.
    world.undo(2).unwrap();
    assert_eq!(world.prompts(""), ["a car", "a cat"]);
    world.undo(1).unwrap();
    assert_eq!(world.prompts(""), ["a fox", "a car", "a cat"]);
    assert_eq!(world.live(&key("a fox")), [0, 1, 2]);
}

#[test]
fn what_is_being_made_is_taken_as_well() {
    let world = World::with(&jobs());
    let begun = Job { state: State::Dispatched, takes: vec![3, 4], client: "other", ..job(9, "a bird") };
    world.tell(&begun);
    // By its key the object is asked for all that it has; by its client, for the places of the job.
    for (number, selector) in [(1, json!({ "prompt": "bird" })), (2, json!({ "client": "other", "prompt": "bird" }))] {
        let dry_run = world.purge(number, dry(soft(selector.clone())));
        assert_eq!((dry_run.plan.pictures, dry_run.plan.takes), (1, 0), "{selector}");
        let purge = world.purge(number, soft(selector));
        assert_eq!((purge.done, purge.plan.takes), (1, 0));
    }
    // It ends, and the object has kept from everybody what it made.
    world.tell(&Job { state: State::Settled, purged: Some(id(1)), ..begun.clone() });
    world.tell(&Job { state: State::Settled, purged: Some(id(1)), ..begun.clone() });
    let purge = world.show(1);
    assert_eq!((purge.done, purge.plan.pictures, purge.plan.takes, purge.plan.bytes), (1, 1, 2, 2_000));
    assert_eq!(world.prompts("q=bird"), [""; 0]);
    assert_eq!(world.prompts("q=bird&state=purged"), ["a bird"]);
    world.undo(1).unwrap();
    assert_eq!(world.prompts("q=bird"), ["a bird"]);
    assert_eq!(world.live(&begun.key()), [3, 4]);
}

#[test]
fn what_ends_after_its_purge_was_undone_is_put_back_as_well() {
    let world = World::new();
    let begun = Job { state: State::Dispatched, ..job(9, "a bird") };
    world.tell(&begun);
    world.purge(1, soft(json!({ "prompt": "bird" })));
    assert_eq!(world.undo(1).unwrap().state, Some(PurgeState::Undone));
    world.tell(&Job { state: State::Settled, purged: Some(id(1)), ..begun.clone() });
    assert_eq!(world.show(1).state, Some(PurgeState::Undoing));
    world.turn();
    assert_eq!((world.show(1).state, world.live(&begun.key())), (Some(PurgeState::Undone), vec![0]));
    assert_eq!(world.prompts(""), ["a bird"]);
}

/// A job of two seconds that the catalog first hears of when it has ended, claimed so long before the purge (or after
/// it), and told so long
/// after it: is what it made taken?
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "so that a case reads as one line")]
fn late(selector: serde_json::Value, begun_s: i64, told_s: u64, expected: bool) {
    let world = World::with(&jobs());
    let start = world.now_ms.get();
    world.purge(1, soft(selector.clone()));
    let claimed_ms = start.checked_add_signed(begun_s * 1_000).unwrap();
    let made = Job { claimed_ms, takes: vec![5], tags: vec!["late".to_owned()], ..job(9, "a fox") };
    world.now_ms.set(start + told_s * 1_000);
    world.tell(&made);
    world.turn();
    world.register(&made.registration());
    world.turn();
    assert_eq!(!world.live(&made.key()).contains(&5), expected, "{selector} {begun_s} {told_s}");
    let purge = world.show(1);
    assert_eq!((purge.state, purge.done), (Some(PurgeState::Done), purge.plan.pictures), "{selector}");
    let in_list = world.images("q=fox").images.iter().any(|image| image.created_ms == claimed_ms + 2_000);
    assert_eq!(in_list, !expected, "{selector} {begun_s} {told_s}");
    if expected {
        assert_eq!(world.undo(1).unwrap().state, Some(PurgeState::Undone));
        assert!(world.live(&made.key()).contains(&5));
    }
}

#[test]
fn late_registrations_join() {
    for selector in [
        json!({ "all": true }),
        json!({ "prompt": "fox" }),
        json!({ "keys": [key("a fox")] }),
        json!({ "keys": [key("a fox")], "takes": [5] }),
        json!({ "client": "shop" }),
        json!({ "tag": "late" }),
        json!({ "model": "gpt-image-2.6-flare", "prompt": "fox" }),
    ] {
        late(selector.clone(), -1, 5, true);
        late(selector.clone(), 0, 3_600, true);
        late(selector.clone(), 1, 5, false);
        late(selector, -1, 3_601, false);
    }
    for selector in [
        json!({ "prompt": "car" }),
        json!({ "keys": [key("a car")] }),
        json!({ "keys": [key("a fox")], "takes": [0] }),
        json!({ "client": "other" }),
        json!({ "tag": "spring" }),
    ] {
        late(selector, -1, 5, false);
    }
    late(json!({ "older_than_seconds": 60 }), -60, 5, true);
    late(json!({ "older_than_seconds": 60 }), -59, 5, false);
}

#[test]
fn what_was_put_back_is_not_taken_by_a_later_word_of_it() {
    let world = World::with(&jobs());
    world.purge(1, soft(json!({ "all": true })));
    world.undo(1).unwrap();
    world.tell(&Job { claimed_ms: NOON_MS, takes: vec![5], ..job(9, "a fox") });
    world.turn();
    assert_eq!(world.live(&key("a fox")), [0, 1, 2, 5]);
}

#[test]
fn a_hard_purge_takes_over_what_was_purged_softly() {
    let world = World::with(&jobs());
    world.purge(1, soft(json!({ "prompt": "fox" })));
    assert_eq!(world.blobs.borrow().len(), 5);
    let dry_run = world.purge(2, dry(soft(json!({ "prompt": "fox" }))));
    assert_eq!(dry_run.plan.takes, 0);
    let purge = world.purge(2, hard(json!({ "prompt": "fox" })));
    assert_eq!((purge.plan.takes, world.blobs.borrow().len()), (3, 2));
    assert_eq!(world.undo(1).unwrap().state, Some(PurgeState::Undone));
    assert_eq!(world.prompts(""), ["a car", "a cat"]);
    assert_eq!(world.live(&key("a fox")), [] as [u32; 0]);
}

#[test]
fn the_list_of_purges() {
    let world = World::with(&jobs());
    for number in 1..=5 {
        world.purge(number, soft(json!({ "keys": vec![key("nothing"); 150] })));
    }
    let page = |after: Option<String>, limit| match world.ask(CatalogAsk::Purges { after, limit }) {
        CatalogAnswer::Purges { page } => {
            assert!(page.purges.iter().all(|purge| purge.selector.keys.as_ref().unwrap().len() == 100));
            let ids: Vec<_> = page.purges.into_iter().map(|purge| purge.id.unwrap()).collect();
            (ids, page.next)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(world.show(1).selector.keys.unwrap().len(), 150);
    let (ids, next) = page(None, 3);
    assert_eq!(ids, [id(5), id(4), id(3)]);
    assert_eq!(page(next, 3), (vec![id(2), id(1)], None));
    assert_eq!(page(None, 5).1, None);
    for wrong in ["", "purge_1", id(9).as_str()] {
        let ask = CatalogAsk::Purges { after: Some(wrong.to_owned()), limit: 1 };
        let CatalogAnswer::Refused { error } = world.ask(ask) else { panic!("{wrong}") };
        assert_eq!((error.status, error.code.as_deref()), (400, Some("invalid_cursor")));
    }
}
