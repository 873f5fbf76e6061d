//! URLs that are signed here, and requests that are kept because they are too long for one.

use domain::access::{Masters, signature};
use domain::picture::Picture;

use super::*;

const ORIGIN: &str = "https://img.shop";

fn sign(fake: &Fake, who: &Principal, signer: Option<&SigningKey>, body: &Value) -> Reply<Vec<u8>> {
    let (settings, memo) = (settings(), RefCell::default());
    let service = Service { ports: fake, settings: &settings, memo: &memo, signer, timing: &Timing::default() };
    let request = Request { origin: ORIGIN.to_owned(), ..Request::default() };
    now(service.sign(who, body.to_string().as_bytes(), &request))
}

fn masters() -> Masters {
    Masters::parse(&"m".repeat(32)).unwrap()
}

fn key() -> SigningKey {
    SigningKey::derived(masters().first(), "shop-00000001")
}

fn document(reply: &Reply<Vec<u8>>) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    let ReplyBody::Text(text) = &reply.body else { panic!("{reply:?}") };
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_url_asks_for_the_picture_of_the_body() {
    for body in [
        json!({ "prompt": "a cat & a dog, 100 %" }),
        json!({ "prompt": "x", "model": "gpt-image-2.6-flare", "size": "1024x1024", "quality": "max", "complexity": "low" }),
        json!({ "prompt": "x", "output_format": "webp", "output_compression": 7, "background": "transparent" }),
        json!({ "prompt": "x", "moderation": "low", "expires_in": 60, "response_format": "url" }),
        json!({ "prompt": "x", "model": "gpt-image-2.6-flare", "output_format": "gif", "frame_count": 3, "frame_duration_ms": 70 }),
    ] {
        let signed = document(&sign(&Fake::default(), &who(Proof::Bearer), Some(&key()), &body));
        let url = signed["url"].as_str().unwrap().strip_prefix("https://img.shop/v1/image?").unwrap();
        let query = Query::parse(url).unwrap();
        let life_s = body["expires_in"].as_u64().unwrap_or(3_600);
        assert_eq!(signed["expires_at"], NOW_MS / 1_000 + life_s);
        assert_eq!(query.get("exp"), Some(signed["expires_at"].to_string().as_str()));
        let (client, kid) = signature::verify(&masters(), "GET", "/v1/image", &query, NOW_MS / 1_000).unwrap();
        assert_eq!((client.as_str(), Some(kid)), ("shop", signed["kid"].as_str()));
        let defaults = Defaults { namespace: "shop", model: "gpt-image-2.5-flare", now_s: NOW_MS / 1_000 };
        let picture = Asked::from_query(&query, &defaults).unwrap().picture;
        assert_eq!(Some(PictureKey::of(&picture).to_string().as_str()), signed["key"].as_str(), "{body}");
    }
}

#[test]
fn a_long_request_is_kept_and_its_address_makes_it() {
    let body = json!({ "prompt": "é".repeat(900), "model": "gpt-image-2" });
    let defaults = Defaults { namespace: "shop", model: "gpt-image-2", now_s: NOW_MS / 1_000 };
    let picture = Asked::from_json(body.to_string().as_bytes(), &defaults).unwrap().picture;
    let kept = |picture: Option<&Picture>| {
        Said::Told(Box::new(Answer::Kept { picture: picture.cloned().map(Box::new) }), Vec::new())
    };
    let fake = Fake::answering([kept(Some(&picture)), kept(Some(&picture)), made(&[(0, How::Made)])]);
    let signed = document(&sign(&fake, &who(Proof::Bearer), Some(&key()), &body));
    let url = signed["url"].as_str().unwrap();
    assert!(url.len() < 300 && !url.contains("prompt"), "{url}");
    let query = url.split_once('?').unwrap().1;
    let reply = image(&fake, &who(Proof::SignedUrl), query, &Request::default());
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(fake.wants().len(), 1);
    let asked = fake.asked.borrow();
    assert!(matches!(&asked[0], Ask::Keep(kept) if **kept == picture));
    assert!(matches!(&asked[2], Ask::Make(order) if order.picture == picture));

    let get = |fake: &Fake, who: &Principal, query: &str| image(fake, who, query, &Request::default()).status;
    // There already: nobody is asked for what was kept.
    assert_eq!(get(&Fake::default(), &who(Proof::SignedUrl), query), 200);
    let nothing = || Fake::answering([kept(None)]);
    assert_eq!(get(&nothing(), &who(Proof::SignedUrl), query), 404);
    let there = || Fake::answering([kept(Some(&picture))]);
    assert_eq!(get(&there(), &with_policy(Proof::Bearer, &json!({ "namespace": "other" })), query), 404);
    assert_eq!(get(&there(), &with_policy(Proof::Bearer, &json!({ "models": [] })), query), 403);
    assert_eq!(get(&nothing(), &who(Proof::Bearer), "key=7"), 404);
    assert_eq!(get(&nothing(), &who(Proof::Bearer), &format!("{query}&prompt=x")), 400);
}

#[test]
fn what_cannot_be_made_is_not_signed() {
    #[track_caller]
    fn check(policy: &Value, change: &Value, expected: (u16, &str)) {
        let mut body = json!({ "prompt": "a cat" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let reply = sign(&Fake::default(), &with_policy(Proof::Bearer, policy), Some(&key()), &body);
        assert_eq!((reply.status, code(&reply).as_str()), expected, "{body}");
    }
    let none = json!({});
    check(&none, &json!({ "n": 2 }), (400, "invalid_value"));
    check(&none, &json!({ "user": "u" }), (400, "invalid_value"));
    check(&none, &json!({ "expires_in": 59 }), (400, "invalid_value"));
    check(&none, &json!({ "expires_in": 31_536_001 }), (400, "invalid_value"));
    check(&none, &json!({ "expires_in": "60" }), (400, "invalid_value"));
    check(&none, &json!({ "take": 1 }), (400, "unknown_parameter"));
    check(&json!({ "sizes": ["1024x1024"] }), &none, (403, "size_not_allowed"));
    check(&json!({ "qualities": ["low"] }), &json!({ "quality": "high" }), (403, "quality_not_allowed"));
    let svg = json!({ "model": "gpt-image-2.6-flare", "output_format": "svg", "svg": { "model": "m" } });
    check(&none, &svg, (400, "price_missing"));
    let reply = sign(&Fake::default(), &who(Proof::Bearer), None, &json!({ "prompt": "a cat" }));
    assert_eq!((reply.status, code(&reply).as_str()), (400, "no_signing_key"));
    let reader = Principal { scopes: vec![Scope::Read], ..who(Proof::Bearer) };
    let reply = sign(&Fake::default(), &reader, Some(&key()), &json!({ "prompt": "a cat" }));
    assert_eq!((reply.status, code(&reply).as_str()), (403, "insufficient_scope"));
}
