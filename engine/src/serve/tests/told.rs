//! What is counted of a reply.

use domain::usage::Outcome;

use super::*;
use crate::reply::Told;

const SAVED: NanoUsd = NanoUsd(4_000_000);
const COST: NanoUsd = NanoUsd(6_055_000);
const ZERO: NanoUsd = NanoUsd::ZERO;

fn key() -> PictureKey {
    let defaults = Defaults { namespace: "shop", model: "gpt-image-2", now_s: NOW_MS / 1_000 };
    PictureKey::of(&Asked::from_query(&Query::parse(TARGET).unwrap(), &defaults).unwrap().picture)
}

fn told(outcome: Outcome, reason: &'static str, money: (Option<NanoUsd>, Option<NanoUsd>), bytes: u64) -> Told {
    let (cost, saved) = money;
    let model = Some("gpt-image-2".to_owned());
    Told { outcome, reason: Some(reason.into()), model, key: Some(key()), cost, saved, bytes }
}

#[track_caller]
fn check(reply: Reply<Vec<u8>>, expected: Told) {
    assert_eq!(reply.told.map(|told| *told), Some(expected));
}

#[test]
fn of_pictures() {
    let shop = who(Proof::Bearer);
    let ask = |fake: Fake, request: Request| image(&fake, &shop, TARGET, &request);
    let hit = |bytes| told(Outcome::Hit, "kv", (Some(ZERO), Some(SAVED)), bytes);
    check(ask(Fake::default(), Request::default()), hit(10));
    check(ask(Fake::default(), Request { range: Some("bytes=2-4".to_owned()), ..Request::default() }), hit(3));
    check(ask(Fake::default(), Request { head: true, ..Request::default() }), hit(0));
    let tag = format!("\"{}\"", Digest([0; 32]));
    check(ask(Fake::default(), Request { if_none_match: Some(tag), ..Request::default() }), hit(0));
    let by = |how| ask(Fake::answering([made(&[(0, how)])]), Request::default());
    check(by(How::Made), told(Outcome::Miss, "uri-miss", (Some(COST), Some(ZERO)), 10));
    check(by(How::Joined), told(Outcome::Coalesced, "uri-miss", (Some(COST), Some(SAVED)), 10));
    check(by(How::Had), told(Outcome::Hit, "object", (Some(COST), Some(SAVED)), 10));
    let request = |directive: &str| Request { cache_control: Some(directive.to_owned()), ..Request::default() };
    let loose = ask(Fake::answering([loose(1)]), request("no-store"));
    check(loose, told(Outcome::Bypass, "request", (Some(COST), None), 10));
    let rerolled = ask(Fake::answering([made(&[(2, How::Made)])]), request("no-cache"));
    check(rerolled, told(Outcome::Miss, "request", (Some(COST), Some(ZERO)), 10));
    // Nobody said what it cost to make it, which is not nothing.
    let mut pointer = pool(1);
    pointer.takes[0].cost = None;
    check(ask(Fake { kv: Kv::Has(pointer), ..Fake::default() }, Request::default()), Told { saved: None, ..hit(10) });
}

#[test]
fn of_documents() {
    let post = |fake: Fake, body: Value| {
        let body = body.to_string();
        serve(&fake, async |s| s.generations(&who(Proof::Bearer), body.as_bytes(), &Request::default()).await)
    };
    let twice = NanoUsd(8_000_000);
    let hit = |bytes| told(Outcome::Hit, "kv", (Some(ZERO), Some(twice)), bytes);
    check(post(Fake::default(), json!({ "prompt": "a cat", "n": 2 })), hit(20));
    check(post(Fake::default(), json!({ "prompt": "a cat", "n": 2, "response_format": "url" })), hit(0));
    let partly = Fake::answering([made(&[(0, How::Had), (1, How::Made)])]);
    let expected = told(Outcome::Miss, "partial", (Some(COST), Some(SAVED)), 20);
    check(post(partly, json!({ "prompt": "a cat", "n": 2 })), expected);
}

#[test]
fn of_refusals() {
    let shop = who(Proof::Bearer);
    let none = (None, None);
    let refused = |status, code| {
        let error = ApiError::new(status, "x", code, "No.");
        let fake = Fake::answering([Said::Told(Box::new(Answer::Refused { error }), Vec::new())]);
        image(&fake, &shop, TARGET, &Request::default())
    };
    check(refused(402, "budget_exceeded"), told(Outcome::Refused, "budget_exceeded", none, 0));
    check(refused(499, "odd"), told(Outcome::Refused, "odd", none, 0));
    check(refused(500, "odd"), told(Outcome::Failed, "odd", none, 0));
    let range = Request { range: Some("bytes=10-".to_owned()), ..Request::default() };
    let reply = image(&Fake::default(), &shop, TARGET, &range);
    check(reply, told(Outcome::Refused, "range_not_satisfiable", none, 0));
    let reply = image(&Fake::default(), &shop, "prompt=", &Request::default());
    let told = reply.told.unwrap();
    assert_eq!((told.outcome, told.key, told.model), (Outcome::Refused, None, None));
}

/// By its key a picture is known without what was asked for.
#[test]
fn by_key() {
    let by_key = |fake: Fake| {
        let query = Query::default();
        serve(&fake, async |s| s.by_key(&who(Proof::Bearer), &key(), &query, &Request::default()).await)
    };
    let hit = told(Outcome::Hit, "kv", (Some(ZERO), Some(SAVED)), 10);
    check(by_key(Fake::default()), hit.clone());
    let older = Pointer { model: String::new(), ..pool(1) };
    check(by_key(Fake { kv: Kv::Has(older), ..Fake::default() }), Told { model: None, ..hit });
    let missing = told(Outcome::Refused, "picture_not_found", (None, None), 0);
    check(by_key(Fake::answering([found(None)])), Told { model: None, ..missing });
}
