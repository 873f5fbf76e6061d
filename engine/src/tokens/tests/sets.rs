//! When the keys of an issuer are fetched, and what is known meanwhile.

use futures::FutureExt as _;
use futures::future::join_all;

use super::super::memory::{CAPACITY, MEMORY_MS};
use super::super::sets::{FLIGHT_MS, FRESH_MS, RETRY_MS, UNKNOWN_MS, USABLE_MS};
use super::*;

const DOWN: &str = "issuer_unavailable";
const WRONG: &str = "invalid_token";

/// A world whose issuer has the key `a`, and an isolate that knows nothing yet.
fn world() -> (Fake, Isolate) {
    (Fake::new(&[key(Alg::Es256, "a", 1)]), Isolate::new(&json!({})))
}

fn by(kid: &str, mark: u8) -> String {
    token(Alg::Es256, kid, mark)
}

/// Verifies without looking at what is remembered, and counts the fetches so far.
#[track_caller]
fn check(world: &(Fake, Isolate), token: &str, expected: Result<(), &str>, fetches: usize) {
    let (fake, isolate) = world;
    let got = run(verify(&isolate.tokens, fake, isolate.trust(), token));
    let got = got.map(drop).map_err(|error| error.code.unwrap().into_owned());
    assert_eq!(got, expected.map_err(str::to_owned));
    assert_eq!(fake.fetches.borrow().len(), fetches, "fetches");
}

#[test]
fn a_set_is_fresh_for_ten_minutes() {
    let world = world();
    check(&world, &by("a", 1), Ok(()), 1);
    assert_eq!(world.0.fetches.borrow()[0], "https://login.example/keys");
    check(&world, &by("a", 1), Ok(()), 1);
    world.0.pass(FRESH_MS - 101);
    check(&world, &by("a", 1), Ok(()), 1);
    world.0.pass(1);
    check(&world, &by("a", 1), Ok(()), 2);
    check(&world, &by("a", 1), Ok(()), 2);
}

/// A key that was taken back is gone with the next set, as is what is remembered of its tokens.
#[test]
fn a_removed_key_is_gone_within_ten_minutes() {
    let world = world();
    let (fake, isolate) = &world;
    check(&world, &by("a", 1), Ok(()), 1);
    fake.publish(&[key(Alg::Es256, "b", 2)]);
    fake.pass(FRESH_MS - 30_000);
    check(&world, &by("a", 1), Ok(()), 1);
    assert!(isolate.tokens.borrow().recall(OWN, &by("a", 1), fake.now_ms() + 29_899).is_some());
    assert!(isolate.tokens.borrow().recall(OWN, &by("a", 1), fake.now_ms() + 29_900).is_none());
    fake.pass(30_000);
    check(&world, &by("a", 1), Err(WRONG), 2);
    check(&world, &by("b", 2), Ok(()), 2);
    check(&world, &by("a", 1), Err(WRONG), 3);
}

#[test]
fn a_new_key_is_found_at_once() {
    let world = world();
    check(&world, &by("a", 1), Ok(()), 1);
    world.0.publish(&[key(Alg::Es256, "a", 1), key(Alg::Es256, "b", 2)]);
    check(&world, &by("b", 2), Ok(()), 2);
    check(&world, &by("a", 1), Ok(()), 2);
    // The next one only a minute after the last search.
    world.0.publish(&[key(Alg::Es256, "c", 3)]);
    world.0.pass(UNKNOWN_MS - 101);
    check(&world, &by("c", 3), Err(WRONG), 2);
    check(&world, &by("a", 1), Ok(()), 2);
    world.0.pass(1);
    check(&world, &by("c", 3), Ok(()), 3);
    check(&world, &by("a", 1), Err(WRONG), 3);
}

#[test]
fn made_up_keys_make_one_fetch_in_a_minute() {
    let world = world();
    for (at, fetches) in (0..100).zip([1].into_iter().chain([2; 99])) {
        check(&world, &by(&format!("made-up-{at}"), 9), Err(WRONG), fetches);
    }
    world.0.pass(UNKNOWN_MS);
    check(&world, &by("made-up", 9), Err(WRONG), 3);
    check(&world, &by("made-up", 9), Err(WRONG), 3);
}

/// Whoever comes while a set is fetched waits for it.
#[test]
fn one_request_fetches_for_all() {
    for first in ["a", "made-up"] {
        let (fake, isolate) = world();
        let mut tokens = vec![by(first, 1)];
        tokens.extend((0..50).flat_map(|at| [by("a", 1), by(&format!("made-up-{at}"), 1)]));
        let all = run(join_all(tokens.iter().map(|token| isolate.verify(&fake, token))));
        for (at, (token, got)) in tokens.iter().zip(all).enumerate() {
            let right = *token == by("a", 1);
            assert_eq!(got.is_ok(), right, "{first} {at}: {got:?}");
        }
        assert_eq!(fake.fetches.borrow().len(), 1, "{first}");
    }
    // The same with a set that is known: those whose key it has do not wait.
    let world = world();
    check(&world, &by("a", 1), Ok(()), 1);
    let (fake, isolate) = &world;
    fake.publish(&[key(Alg::Es256, "b", 2)]);
    let (news, known) = (by("b", 2), by("a", 1));
    let (found, again, old, made_up) = run(async {
        futures::join!(isolate.verify(fake, &news), isolate.verify(fake, &news), isolate.verify(fake, &known), async {
            isolate.verify(fake, &by("made-up", 1)).await
        },)
    });
    assert!(found.is_ok() && again.is_ok() && old.is_ok(), "{found:?} {again:?} {old:?}");
    assert_eq!(made_up, Err(Refusal::Token(JwtError::UnknownKey)));
    assert_eq!(fake.fetches.borrow().len(), 2);
}

#[test]
fn known_keys_serve_for_an_hour_while_the_issuer_is_down() {
    let world = world();
    let (fake, isolate) = &world;
    check(&world, &by("a", 1), Ok(()), 1);
    fake.go_down();
    fake.pass(FRESH_MS);
    check(&world, &by("a", 1), Ok(()), 2);
    // Not asked again right away, and nobody is told that a key does not exist.
    check(&world, &by("a", 1), Ok(()), 2);
    check(&world, &by("b", 2), Err(DOWN), 2);
    fake.pass(RETRY_MS);
    check(&world, &by("b", 2), Err(DOWN), 3);
    check(&world, &by("a", 1), Ok(()), 3);
    let read_ms = NOW_MS;
    fake.now_ms.set(read_ms + USABLE_MS - 200);
    check(&world, &by("a", 1), Ok(()), 4);
    assert!(isolate.tokens.borrow().recall(OWN, &by("a", 1), read_ms + USABLE_MS - 1).is_some());
    assert!(isolate.tokens.borrow().recall(OWN, &by("a", 1), read_ms + USABLE_MS).is_none());
    fake.now_ms.set(read_ms + USABLE_MS);
    check(&world, &by("a", 1), Err(DOWN), 4);
    fake.pass(RETRY_MS);
    check(&world, &by("a", 1), Err(DOWN), 5);
    fake.publish(&[key(Alg::Es256, "b", 2)]);
    check(&world, &by("b", 2), Err(DOWN), 5);
    fake.pass(RETRY_MS);
    check(&world, &by("b", 2), Ok(()), 6);
}

#[test]
fn an_issuer_that_never_answered() {
    let world = world();
    let (fake, isolate) = &world;
    fake.go_down();
    check(&world, &by("a", 1), Err(DOWN), 1);
    check(&world, &by("a", 1), Err(DOWN), 1);
    let refusal = run(verify(&isolate.tokens, fake, isolate.trust(), &by("a", 1))).unwrap_err();
    assert_eq!((refusal.status, refusal.retry_after_ms), (503, Some(RETRY_MS)));
    fake.pass(RETRY_MS);
    for nonsense in [b"<html>".to_vec(), Vec::new(), b"{\"keys\":5}".to_vec(), vec![b' '; 300_000]] {
        fake.published.replace(Some(nonsense));
        let fetches = fake.fetches.borrow().len() + 1;
        check(&world, &by("a", 1), Err(DOWN), fetches);
        fake.pass(RETRY_MS);
    }
    fake.publish(&[key(Alg::Es256, "a", 1)]);
    check(&world, &by("a", 1), Ok(()), 6);
}

/// A search for a new key that fails leaves what is known as it is.
#[test]
fn a_search_that_fails() {
    let world = world();
    check(&world, &by("a", 1), Ok(()), 1);
    world.0.go_down();
    check(&world, &by("b", 2), Err(DOWN), 2);
    check(&world, &by("b", 2), Err(DOWN), 2);
    check(&world, &by("a", 1), Ok(()), 2);
    world.0.publish(&[key(Alg::Es256, "b", 2)]);
    world.0.pass(UNKNOWN_MS);
    check(&world, &by("b", 2), Ok(()), 3);
    // From here on it is known again what is not there.
    check(&world, &by("a", 1), Err(WRONG), 3);
}

/// A request that ends in the middle of its fetch, as one does whose client leaves.
#[test]
fn a_fetch_that_never_ends() {
    let (fake, isolate) = world();
    {
        let token = by("a", 1);
        let mut gone = pin!(isolate.verify(&fake, &token));
        assert!(gone.as_mut().now_or_never().is_none());
    }
    let began_ms = fake.now_ms();
    assert!(run(isolate.verify(&fake, &by("a", 1))).is_ok());
    assert_eq!(fake.fetches.borrow().len(), 2);
    let waited_ms = fake.now_ms() - began_ms;
    assert!((FLIGHT_MS..FLIGHT_MS + 200).contains(&waited_ms), "{waited_ms}");

    // Beside a set that is known, nobody waits for it, and what it would have found stays open.
    {
        let token = by("b", 2);
        let mut gone = pin!(isolate.verify(&fake, &token));
        assert!(gone.as_mut().now_or_never().is_none());
    }
    let began_ms = fake.now_ms();
    assert!(run(isolate.verify(&fake, &by("a", 1))).is_ok());
    assert_eq!(fake.now_ms(), began_ms);
    let got = run(isolate.verify(&fake, &by("b", 2)));
    assert!(matches!(got, Err(Refusal::Issuer(_))), "{got:?}");
    assert_eq!(fake.fetches.borrow().len(), 3);
}

/// While one request fetches what has grown old, the others go by it.
#[test]
fn nobody_waits_for_what_is_known() {
    let (fake, isolate) = world();
    let (first, second) = (by("a", 1), by("a", 1));
    assert!(run(isolate.verify(&fake, &first)).is_ok());
    fake.pass(FRESH_MS);
    let mut fetching = pin!(isolate.verify(&fake, &first));
    assert!(fetching.as_mut().now_or_never().is_none());
    assert!(isolate.verify(&fake, &second).now_or_never().is_some_and(|got| got.is_ok()));
    assert!(run(fetching).is_ok());
    assert_eq!(fake.fetches.borrow().len(), 2);
}

/// Of two answers the later question counts.
#[test]
fn a_slow_answer_does_not_undo_a_later_one() {
    let (fake, isolate) = world();
    fake.latency_ms.set(3 * FLIGHT_MS);
    let token = by("b", 2);
    let mut slow = pin!(isolate.verify(&fake, &token));
    assert!(slow.as_mut().now_or_never().is_none());
    fake.pass(FLIGHT_MS);
    fake.latency_ms.set(10);
    assert!(run(isolate.verify(&fake, &by("a", 1))).is_ok());
    fake.publish(&[key(Alg::Es256, "b", 2)]);
    assert_eq!(run(slow), Err(Refusal::Token(JwtError::UnknownKey)));
    assert!(run(isolate.verify(&fake, &by("a", 1))).is_ok());
    assert_eq!(fake.fetches.borrow().len(), 2);
}

#[test]
fn the_platform_fails() {
    let (fake, isolate) = world();
    fake.broken.set(true);
    let got = run(isolate.verify(&fake, &by("a", 1)));
    assert_eq!(got, Err(Refusal::Issuer("broken".to_owned())));
    fake.broken.set(false);
    assert!(run(isolate.verify(&fake, &by("a", 1))).is_ok());
}

#[test]
fn a_token_is_remembered_for_a_minute() {
    let (fake, isolate) = world();
    let token = by("a", 1);
    let first = isolate.ask(&fake, &token);
    for _ in 0..5 {
        assert_eq!(isolate.ask(&fake, &token), first);
    }
    assert_eq!(fake.verifications.get(), 1);
    let recall = |own: &str, ms: u64| isolate.tokens.borrow().recall(own, &token, ms);
    let verified_ms = fake.now_ms();
    assert!(recall(OWN, verified_ms + MEMORY_MS - 1).is_some());
    assert!(recall(OWN, verified_ms + MEMORY_MS).is_none());
    // A clock that went back, another deployment, another token.
    assert!(recall(OWN, verified_ms - 1).is_none());
    assert!(recall("https://other.example", verified_ms).is_none());
    assert!(isolate.tokens.borrow().recall(OWN, &by("a", 2), verified_ms).is_none());

    // Not beyond its end, with the leeway.
    let header = json!({ "alg": "ES256", "kid": "a" });
    let short = signed(&header, &claims(&json!({ "exp": NOW_S - 50 })), &material(&key(Alg::Es256, "a", 1)));
    assert!(isolate.ask(&fake, &short).is_ok());
    let end_ms = (NOW_S + 10) * 1_000;
    assert!(isolate.tokens.borrow().recall(OWN, &short, end_ms - 1).is_some());
    assert!(isolate.tokens.borrow().recall(OWN, &short, end_ms).is_none());
}

#[test]
fn memory_is_bounded() {
    let (fake, isolate) = world();
    let header = json!({ "alg": "ES256", "kid": "a" });
    let numbered = |at: usize| signed(&header, &claims(&json!({ "jti": at })), &material(&key(Alg::Es256, "a", 1)));
    for at in 0..CAPACITY {
        isolate.ask(&fake, &numbered(at)).unwrap();
    }
    assert_eq!(isolate.tokens.borrow().verified.len(), CAPACITY);
    isolate.ask(&fake, &numbered(CAPACITY)).unwrap();
    assert_eq!(isolate.tokens.borrow().verified.len(), 1);
}
