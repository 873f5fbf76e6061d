//! Putting back, and the bytes.

use domain::purge::PurgeState;

use super::world::{Object, asked};
use super::*;

#[test]
fn what_was_taken_is_put_back() {
    let world = World::with(&[job(1, "a"), job(2, "b")]);
    let before = world.images("");
    world.purge(1, soft(json!({ "all": true })));
    assert_eq!(world.prompts(""), [""; 0]);
    let undone = world.undo(1).unwrap();
    assert_eq!((undone.state, undone.done, undone.undo_until_ms), (Some(PurgeState::Undone), 2, None));
    assert_eq!(world.images(""), before);
    let asked = world.asked.get();
    // Again is the same answer.
    assert_eq!(world.undo(1), Ok(undone));
    assert_eq!(world.asked.get(), asked);
    world.pass(2 * DAY_MS);
    assert_eq!((world.blobs.borrow().len(), world.images("")), (2, before));
}

#[test]
fn what_cannot_be_undone() {
    let world = World::with(&[job(1, "a"), job(2, "b")]);
    world.purge(1, hard(json!({ "prompt": "a" })));
    assert_eq!(world.undo(1), Err("409 not_undoable".to_owned()));
    assert_eq!(world.undo(2), Err("404 purge_not_found".to_owned()));
    world.purge(3, soft(json!({ "prompt": "b" })));
    world.now_ms.set(world.now_ms.get() + DAY_MS);
    assert_eq!(world.undo(3), Err("409 undo_expired".to_owned()));
    // Nor a moment later, when the bytes are gone.
    world.pass(1);
    assert_eq!(world.blobs.borrow().len(), 0);
    assert_eq!(world.undo(3), Err("409 undo_expired".to_owned()));
    assert_eq!(world.prompts(""), [""; 0]);
}

#[test]
fn until_the_last_moment() {
    let world = World::with(&[job(1, "a")]);
    world.purge(1, soft(json!({ "all": true })));
    world.now_ms.set(world.now_ms.get() + DAY_MS - 1);
    world.turn();
    assert_eq!(world.undo(1).unwrap().state, Some(PurgeState::Undone));
}

#[test]
fn bytes_go_at_once_or_after_a_day() {
    let world = World::with(&[job(1, "a"), job(2, "b"), job(3, "c")]);
    world.purge(1, hard(json!({ "prompt": "a" })));
    assert_eq!(world.blobs.borrow().len(), 2);
    world.purge(2, soft(json!({ "prompt": "b" })));
    world.pass(DAY_MS - 1);
    assert_eq!((world.blobs.borrow().len(), world.prompts("state=purged")), (2, vec!["b".to_owned()]));
    world.pass(1);
    assert_eq!((world.blobs.borrow().len(), world.prompts("state=purged")), (1, vec![]));
    assert_eq!(world.prompts(""), ["c"]);
    // Nothing is left to do.
    world.pass(HOUR_MS);
    assert_eq!(world.alarm_ms.get(), None);
}

#[test]
fn the_same_bytes_under_another_key_stay() {
    let world = World::new();
    for (number, prompt) in [(1, "a"), (2, "b"), (3, "c")] {
        let mut registration = job(number, prompt).registration();
        registration.takes[0].digest = digest("the same");
        let object = Object { live: [(0, (registration.takes[0].clone(), NOON_MS))].into(), purged: vec![] };
        world.objects.borrow_mut().insert(registration.key, object);
        world.register(&registration);
    }
    world.blobs.borrow_mut().insert(digest("the same"));
    world.purge(1, hard(json!({ "prompt": "a" })));
    assert_eq!(world.blobs.borrow().len(), 1);
    // What may be put back needs them as well as what is there.
    world.purge(2, soft(json!({ "prompt": "b" })));
    world.purge(3, hard(json!({ "prompt": "c" })));
    assert_eq!(world.blobs.borrow().len(), 1);
    world.undo(2).unwrap();
    world.pass(2 * DAY_MS);
    assert_eq!((world.blobs.borrow().len(), world.prompts("")), (1, vec!["b".to_owned()]));
    world.purge(4, hard(json!({ "all": true })));
    assert_eq!(world.blobs.borrow().len(), 0);
}

#[test]
fn an_undo_that_takes_long_keeps_the_bytes() {
    let world = World::with(&[job(1, "a"), job(2, "b")]);
    world.purge(1, soft(json!({ "all": true })));
    world.unreachable.borrow_mut().insert(job(1, "a").key());
    world.pass(DAY_MS - 1_000);
    let undoing = world.undo(1).unwrap();
    assert_eq!((undoing.state, undoing.done, undoing.failing), (Some(PurgeState::Undoing), 1, 1));
    world.pass(DAY_MS);
    assert_eq!(world.blobs.borrow().len(), 2);
    world.unreachable.borrow_mut().clear();
    world.pass(HOUR_MS);
    let undone = world.show(1);
    assert_eq!((undone.state, undone.done, undone.failing), (Some(PurgeState::Undone), 2, 0));
    assert_eq!(world.prompts("order=asc"), ["a", "b"]);
}

#[test]
fn an_undo_while_the_purge_runs() {
    let world = World::with(&[job(1, "a"), job(2, "b"), job(3, "c")]);
    // It arrives while the objects are being asked.
    *world.meanwhile.borrow_mut() = Some(CatalogAsk::Undo { id: id(1), by: "admin".to_owned() });
    world.ask(asked(1, soft(json!({ "all": true }))));
    world.turn();
    assert_eq!(world.show(1).state, Some(PurgeState::Undoing));
    world.turn();
    let undone = world.show(1);
    assert_eq!((undone.state, undone.done), (Some(PurgeState::Undone), 3));
    assert_eq!(world.prompts("order=asc"), ["a", "b", "c"]);
    for prompt in ["a", "b", "c"] {
        assert_eq!(world.live(&job(1, prompt).key()), [0]);
    }
    world.pass(3 * DAY_MS);
    assert_eq!(world.blobs.borrow().len(), 3);
}

#[test]
fn bytes_that_cannot_be_deleted_are_tried_again() {
    let world = World::with(&[job(1, "a")]);
    world.undeletable.set(true);
    world.purge(1, hard(json!({ "all": true })));
    world.pass(HOUR_MS);
    assert_eq!(world.blobs.borrow().len(), 1);
    world.undeletable.set(false);
    world.pass(60_000);
    assert_eq!((world.blobs.borrow().len(), world.alarm_ms.get()), (0, None));
}
