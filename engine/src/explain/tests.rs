use domain::job::{Job, JobId, Joined, Money, Pool};
use domain::money::NanoUsd;
use domain::picture::{Digest, Format, Take};
use domain::trace::RequestId;
use serde_json::json;

use super::*;
use crate::desk::{self, Asked as Heard, Desk, NOW_MS, document, now, refusal, settings};

fn post(desk: &Desk, body: &Value) -> Reply<Vec<u8>> {
    let (settings, defaults) = (settings(), desk::defaults());
    now(Explain { ports: desk, settings: &settings, defaults: &defaults }.post(body.to_string().as_bytes()))
}

fn by_key(desk: &Desk, key: &PictureKey) -> Reply<Vec<u8>> {
    let (settings, defaults) = (settings(), desk::defaults());
    now(Explain { ports: desk, settings: &settings, defaults: &defaults }.by_key(key))
}

#[track_caller]
fn explanation(reply: &Reply<Vec<u8>>) -> Explanation {
    let (status, document) = document(reply);
    assert_eq!(status, 200, "{document}");
    serde_json::from_value(document).unwrap()
}

fn picture(namespace: &str, body: &Value) -> Picture {
    let defaults = Defaults { namespace, model: "gpt-image-2", now_s: NOW_MS / 1_000 };
    Asked::read(body.as_object().unwrap(), None, &defaults).unwrap().picture
}

/// The takes that are there.
fn pool(takes: &[u32]) -> Pointer {
    let take = |take: &u32| Take {
        take: *take,
        digest: Digest([1; 32]),
        format: Format::Png,
        bytes: 10,
        width: 1_024,
        height: 1_024,
        created_ms: NOW_MS,
        cost: None,
        quality: "low".to_owned(),
        background: "opaque".to_owned(),
    };
    Pointer {
        namespace: "default".to_owned(),
        preferred: 0,
        takes: takes.iter().map(take).collect(),
        ..Pointer::default()
    }
}

/// A job for these takes, which began ten minutes ago and took one.
fn receipts(number: u8, takes: &[u32], state: State) -> Vec<Receipt> {
    let failure = (state == State::Failed).then(|| ApiError::invalid("prompt", "moderation_blocked", "Too scary."));
    let job = Job {
        id: JobId::new([number; 16]),
        seq: 0,
        state,
        takes: takes.to_vec(),
        prefer: false,
        client: ClientId("shop".to_owned()),
        model: "gpt-image-2".to_owned(),
        leader: RequestId::default(),
        joined: Joined::default(),
        reserve: NanoUsd(1),
        money: Money::Done,
        usage: None,
        cost: None,
        attempts: 1,
        upstream_request_id: None,
        hold: UnknownHold::Operator,
        claimed_ms: NOW_MS - 600_000,
        dispatched_ms: None,
        ended_ms: (!state.is_active()).then_some(NOW_MS - 540_000),
        deadline_ms: 0,
        failure,
        refused: false,
        left: None,
        tags: Vec::new(),
        listed: true,
    };
    Pool { jobs: vec![job], ..Pool::default() }.receipts()
}

fn told(pointer: Pointer, receipts: &[Vec<Receipt>]) -> Answer {
    Answer::Receipts { pointer, receipts: receipts.concat(), purged: Vec::new(), picture: None }
}

/// The verdict on a request, and what its reason holds.
#[track_caller]
fn check(request: &Value, pointer: Pointer, attempts: &[Vec<Receipt>], expected: Verdict, part: &str) {
    let desk = Desk::answering([told(pointer, attempts)], []).with_shop(&json!({}));
    let explained = explanation(&post(&desk, &json!({ "request": request })));
    assert_eq!(explained.verdict, expected, "{}", explained.why);
    assert!(explained.why.contains(part) && explained.why.ends_with('.'), "{}", explained.why);
    // It asks, and buys nothing.
    let asked = desk.asked.borrow();
    assert!(
        asked
            .iter()
            .all(|asked| matches!(asked, Heard::Object(_, Ask::Receipts) | Heard::Catalog(CatalogAsk::Near { .. })))
    );
    assert_eq!(explained.nearest, []);
}

#[test]
fn verdicts() {
    let one = json!({ "prompt": "x" });
    let three = json!({ "prompt": "x", "n": 3 });
    let (first, second) = (JobId::new([1; 16]), JobId::new([2; 16]));
    let made = || receipts(1, &[0], State::Settled);
    check(&one, pool(&[]), &[], Verdict::NeverMade, "never made");
    check(&one, pool(&[0]), &[made()], Verdict::Cached, "is there");
    check(&three, pool(&[0, 1, 2]), &[], Verdict::Cached, "is there");
    check(&three, pool(&[0, 1]), &[made()], Verdict::NeverMade, "never made");
    check(&one, pool(&[1]), &[receipts(1, &[1], State::Settled)], Verdict::NeverMade, "never made");
    for state in [State::Claimed, State::Dispatched, State::Stored] {
        check(&one, pool(&[]), &[receipts(1, &[0], state)], Verdict::InFlight, "since 2026-11-23T23:50:00Z");
    }
    check(&three, pool(&[0]), &[made(), receipts(2, &[1, 2], State::Dispatched)], Verdict::InFlight, second.as_str());
    check(&one, pool(&[]), &[receipts(1, &[0], State::Failed)], Verdict::Failed, "cost nothing: Too scary. The next");
    check(
        &one,
        pool(&[]),
        &[receipts(1, &[0], State::Failed), receipts(2, &[0], State::Dispatched)],
        Verdict::InFlight,
        second.as_str(),
    );
    check(
        &one,
        pool(&[]),
        &[receipts(2, &[0], State::Dispatched), receipts(1, &[0], State::Failed)],
        Verdict::Failed,
        first.as_str(),
    );
    check(&one, pool(&[]), &[made()], Verdict::Purged, "as take 0");
    check(&one, pool(&[]), &[receipts(1, &[7], State::Settled)], Verdict::Purged, "as take 7");
    // Not kept is not taken back.
    check(&one, pool(&[]), &[receipts(1, &[], State::Settled)], Verdict::NeverMade, "never made");
    check(&one, pool(&[]), &[receipts(1, &[7], State::Failed)], Verdict::NeverMade, "never made");
    // The client's hold is ten minutes, and nine are over.
    check(&one, pool(&[]), &[receipts(1, &[0], State::Unknown)], Verdict::Held, "Until 2026-11-24T00:01:00Z");
}

#[test]
fn how_long_an_unknown_outcome_is_waited_for() {
    for (policy, expected, part) in [
        (json!({ "unknown_hold_seconds": 541 }), Verdict::Held, "Until 2026-11-24T00:00:01Z"),
        (json!({ "unknown_hold_seconds": 540 }), Verdict::Failed, "buys it again"),
        (json!({ "unknown_hold_seconds": "operator" }), Verdict::Held, "until an operator decides"),
    ] {
        let desk = Desk::answering([told(pool(&[]), &[receipts(1, &[0], State::Unknown)])], []).with_shop(&policy);
        let explained = explanation(&post(&desk, &json!({ "request": { "prompt": "x" } })));
        assert_eq!(explained.verdict, expected, "{policy}");
        assert!(explained.why.contains(part), "{}", explained.why);
    }
    // Of a client that is not there nothing is known, and it is held to be safe.
    let desk = Desk::answering([told(pool(&[]), &[receipts(1, &[0], State::Unknown)])], []);
    assert_eq!(explanation(&post(&desk, &json!({ "request": { "prompt": "x" } }))).verdict, Verdict::Held);
}

#[test]
fn the_namespace_is_that_of_the_client() {
    let key = |namespace: &str| PictureKey::of(&picture(namespace, &json!({ "prompt": "x" })));
    for (body, expected) in [
        (json!({ "request": { "prompt": "x" } }), "default"),
        (json!({ "request": { "prompt": "x" }, "client": "shop" }), "shop"),
        (json!({ "request": { "prompt": "x" }, "client": null, "url": null }), "default"),
        (json!({ "url": "https://img.shop/v1/image?prompt=x" }), "default"),
        (json!({ "url": "/v1/image?prompt=x", "client": "shop" }), "shop"),
        (json!({ "url": "https://img.shop:8080/v1/image?prompt=x&kid=shop-0000000a&exp=1&sig=zz#top" }), "shop"),
        (json!({ "url": "http://localhost/v1/image?kid=not-a-kid&prompt=x" }), "default"),
    ] {
        let desk = Desk::answering([told(pool(&[]), &[])], []).with_shop(&json!({}));
        let explained = explanation(&post(&desk, &body));
        assert_eq!(explained.key, key(expected), "{body}");
        assert_eq!(explained.fields[0].value, json!(expected));
        assert_eq!(desk.asked.borrow()[0], Heard::Object(key(expected), Ask::Receipts));
    }
}

#[test]
fn the_take_that_an_address_names_is_the_one_that_counts() {
    let desk = Desk::answering([told(pool(&[0]), &[receipts(1, &[2], State::Dispatched)])], []);
    let explained = explanation(&post(&desk, &json!({ "url": "https://x/v1/image?prompt=x&take=2" })));
    assert_eq!(explained.verdict, Verdict::InFlight);
}

#[test]
fn what_else_decides_is_said() {
    for (policy, part) in [
        (json!({ "dedup": "off" }), "'dedup' off"),
        (json!({ "models": ["gpt-image-2.5-flare"] }), "may not use model 'gpt-image-2'"),
    ] {
        let desk = Desk::answering([told(pool(&[0]), &[])], []).with_shop(&policy);
        let explained = explanation(&post(&desk, &json!({ "request": { "prompt": "x" }, "client": "shop" })));
        assert!(explained.verdict == Verdict::Cached && explained.why.contains(part), "{}", explained.why);
    }
    let mut settings = settings();
    let only = json!({ "models": ["gpt-image-2.6-flare"] });
    settings.runtime = std::rc::Rc::new(settings.runtime.changed(only.as_object().unwrap()).unwrap());
    let defaults = desk::defaults();
    let post = |body: Value| {
        let desk = Desk::answering([told(pool(&[]), &[])], []);
        let explain = Explain { ports: &desk, settings: &settings, defaults: &defaults };
        explanation(&now(explain.post(body.to_string().as_bytes())))
    };
    let given = post(json!({ "request": { "prompt": "x", "model": "gpt-image-2" } }));
    assert!(given.why.contains("does not offer the model 'gpt-image-2'"), "{}", given.why);
    // Left out it is the one that is offered.
    let left_out = post(json!({ "request": { "prompt": "x" } }));
    assert_eq!((left_out.fields[2].name.as_str(), &left_out.fields[2].value), ("model", &json!("gpt-image-2.6-flare")));
    assert!(!left_out.why.contains("offer"), "{}", left_out.why);
}

#[test]
fn the_nearest_pictures_come_first_and_only_those_of_the_namespace() {
    let of = |namespace: &str, body: Value| {
        let picture = picture(namespace, &body);
        (PictureKey::of(&picture), picture)
    };
    let same = of("default", json!({ "prompt": "a fox" }));
    let quality = of("default", json!({ "prompt": "a fox", "quality": "low" }));
    let two = of("default", json!({ "prompt": "a  fox", "quality": "low" }));
    let secret = of("blog", json!({ "prompt": "a fox", "quality": "high" }));
    let mut all = vec![secret, two.clone(), same, quality.clone()];
    all.extend((0..9).map(|at| {
        of("default", json!({ "prompt": format!("fox {at}"), "quality": "max", "model": "gpt-image-2.5-flare" }))
    }));
    let desk = Desk::answering([told(pool(&[]), &[])], [CatalogAnswer::Near { pictures: all }]);
    let reply = post(&desk, &json!({ "request": { "prompt": "a fox" } }));
    assert!(!document(&reply).1.to_string().contains("blog"));
    let explained = explanation(&reply);
    assert_eq!(explained.nearest.len(), 5);
    let counts: Vec<usize> = explained.nearest.iter().map(|near| near.differences.len()).collect();
    assert_eq!(counts, [1, 2, 3, 3, 3]);
    assert_eq!((explained.nearest[0].key, explained.nearest[1].key), (quality.0, two.0));
    let difference = json!({ "name": "quality", "asked": "auto", "exists": "low" });
    assert_eq!(
        json!(explained.nearest[0]),
        json!({ "key": quality.0, "prompt": "a fox", "differences": [difference] })
    );
    let asked = CatalogAsk::Near { picture: Box::new(picture("default", &json!({ "prompt": "a fox" }))) };
    assert_eq!(desk.asked.borrow()[1], Heard::Catalog(asked));
}

#[test]
fn a_key_is_explained_by_what_was_kept_under_it() {
    let picture = picture("shop", &json!({ "prompt": "x", "quality": "low" }));
    let key = PictureKey::of(&picture);
    let kept = || Answer::Kept { picture: Some(Box::new(picture.clone())) };
    let desk = || Desk::answering([kept(), told(pool(&[0]), &[])], []);
    let explained = explanation(&by_key(&desk(), &key));
    assert_eq!((explained.key, explained.verdict, explained.fields.len()), (key, Verdict::Cached, 19));
    for url in [
        format!("https://x/v1/images/{key}"),
        format!("https://x/v1/image?key={key}"),
        format!("/v1/images/{key}?take=0"),
    ] {
        assert_eq!(explanation(&post(&desk(), &json!({ "url": url }))), explained, "{url}");
    }
    let other = explanation(&post(&desk(), &json!({ "url": format!("/v1/images/{key}?take=1") })));
    assert_eq!(other.verdict, Verdict::NeverMade);
    let nothing = Desk::answering([Answer::Kept { picture: None }], []);
    let reply = by_key(&nothing, &key);
    assert_eq!(refusal(&reply), (404, "picture_not_found".to_owned(), None));
    assert!(document(&reply).1["error"]["message"].as_str().unwrap().contains("POST /admin/v1/explain"));
}

#[test]
fn refusals() {
    for (body, param) in [
        (json!({}), "request"),
        (json!({ "request": {}, "url": "/v1/image" }), "request"),
        (json!({ "request": "x" }), "request"),
        (json!({ "request": {} }), "prompt"),
        (json!({ "request": { "prompt": "x", "size": "huge" } }), "size"),
        (json!({ "prompt": "x" }), "prompt"),
        (json!({ "url": 7 }), "url"),
        (json!({ "url": "https://x" }), "url"),
        (json!({ "url": "https://x/v1/imagery?prompt=x" }), "url"),
        (json!({ "url": "https://x/v1/models" }), "url"),
        (json!({ "url": "https://x/v1/images/nokey" }), "url"),
        (json!({ "url": "https://x/v1/image?key=nokey" }), "url"),
        (json!({ "url": "https://x/v1/image?prompt=x&prompt=y" }), "prompt"),
        (json!({ "url": "https://x/v1/image?prompt=x&take=x" }), "take"),
        (json!({ "request": { "prompt": "x" }, "client": "no/client" }), "client"),
        (json!({ "request": { "prompt": "x" }, "client": 7 }), "client"),
    ] {
        let (status, _, found) = refusal(&post(&Desk::default(), &body));
        assert_eq!((status, found.as_deref()), (400, Some(param)), "{body}");
    }
    let unknown = json!({ "request": { "prompt": "x" }, "client": "nobody" });
    assert_eq!(refusal(&post(&Desk::default(), &unknown)), (404, "client_not_found".to_owned(), None));
    let good = json!({ "request": { "prompt": "x" } });
    let desk = Desk::default();
    assert_eq!(refusal(&post(&desk, &good)).1, "object_unavailable");
    // It was asked again before that was said.
    assert_eq!(desk.asked.borrow().iter().filter(|asked| matches!(asked, Heard::Object(..))).count(), 3);
    desk.accounts_down.set(true);
    assert_eq!(
        refusal(&post(&desk, &json!({ "request": { "prompt": "x" }, "client": "shop" }))).1,
        "account_unavailable"
    );
}
