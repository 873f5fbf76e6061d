//! Replies in OpenAI's shape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn post(fake: &Fake, body: &Value, request: &Request) -> Reply<Vec<u8>> {
    let body = body.to_string();
    serve(fake, async |service| service.generations(&who(Proof::Bearer), body.as_bytes(), request).await)
}

/// The document as it arrives.
#[track_caller]
fn document(reply: Reply<Vec<u8>>) -> Value {
    let length = reply.length();
    let ReplyBody::Pieces(pieces) = reply.body else { panic!("{reply:?}") };
    let text: String = pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Base64(source) => STANDARD.encode(source.body),
        })
        .collect();
    assert_eq!(u64::try_from(text.len()).unwrap(), length);
    serde_json::from_str(&text).unwrap()
}

fn usage(text_in: u64, image_out: u64) -> Value {
    json!({
        "input_tokens": text_in,
        "output_tokens": image_out,
        "total_tokens": text_in + image_out,
        "input_tokens_details": { "text_tokens": text_in, "image_tokens": 0 },
        "output_tokens_details": { "text_tokens": 0, "image_tokens": image_out },
    })
}

#[test]
fn two_pictures_of_which_one_is_made() {
    let fake = Fake::answering([made(&[(0, How::Had), (1, How::Made)])]);
    let reply = post(&fake, &json!({ "prompt": "a cat", "n": 2 }), &Request::default());
    let expected = [
        "200",
        "cache-status: pincel; fwd=partial; stored",
        "age: 0",
        "x-pincel-cost: 0.006055",
        "x-pincel-receipt: job_01010101010101010101010101010101",
        "x-pincel-take: 0, 1",
        "x-pincel-saved: 0.004",
        "content-type: application/json",
        "cache-control: no-store",
    ];
    assert_eq!(lines(&reply), expected);
    let expected = json!({
        "created": 1_789_999_940,
        "background": "opaque",
        "output_format": "png",
        "quality": "low",
        "size": "1024x1536",
        "usage": usage(11, 200),
        "data": [{ "b64_json": STANDARD.encode([0; 10]) }, { "b64_json": STANDARD.encode([1; 10]) }],
    });
    assert_eq!(document(reply), expected);
    assert_eq!(fake.wants(), [Want::First(2.try_into().unwrap())]);
}

#[test]
fn a_hit_used_nothing() {
    let reply = post(&Fake::default(), &json!({ "prompt": "a cat", "n": 2 }), &Request::default());
    let expected = [
        "200",
        "cache-status: pincel; hit; ttl=86400; detail=kv",
        "age: 0",
        "x-pincel-cost: 0.00",
        "x-pincel-take: 0, 1",
        "x-pincel-saved: 0.008",
        "content-type: application/json",
        "cache-control: no-store",
    ];
    assert_eq!(lines(&reply), expected);
    assert_eq!(document(reply)["usage"], usage(0, 0));
}

#[test]
fn the_same_picture_whether_asked_for_by_url_or_by_document() {
    let by_url = image(&Fake::default(), &who(Proof::Bearer), TARGET, &Request::default());
    let by_document = post(&Fake::default(), &json!({ "prompt": "a cat" }), &Request::default());
    assert_eq!(by_url.headers.get("x-pincel-key"), by_document.headers.get("x-pincel-key"));
}

#[test]
fn urls_in_place_of_bytes() {
    let asked = json!({ "prompt": "a cat", "n": 2, "response_format": "url" });
    let request = Request { origin: "https://img.shop".to_owned(), ..Request::default() };
    let fake = Fake { store: Store::Down, ..Fake::default() };
    let reply = post(&fake, &asked, &request);
    let key = reply.headers.get("x-pincel-key").unwrap().to_owned();
    let document = document(reply);
    for (take, item) in document["data"].as_array().unwrap().iter().enumerate() {
        let url = item["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("https://img.shop/v1/images/{key}?exp=1790003600&kid=k1&take={take}&sig=")));
        assert_eq!(item.as_object().unwrap().len(), 1);
    }
    assert_eq!(fake.reads.get(), 0);
}

#[test]
fn urls_need_a_kept_picture_and_a_key_to_sign_with() {
    let asked = json!({ "prompt": "a cat", "response_format": "url" });
    let request = Request { cache_control: Some("no-store".to_owned()), ..Request::default() };
    let fake = Fake::answering([loose(1)]);
    assert_eq!(code(&post(&fake, &asked, &request)), "invalid_value");
    let (settings, memo) = (settings(), RefCell::default());
    let service = Service { ports: &fake, settings: &settings, memo: &memo, signer: None, timing: &Timing::default() };
    let body = asked.to_string();
    let reply = now(service.generations(&who(Proof::Bearer), body.as_bytes(), &Request::default()));
    assert_eq!(code(&reply), "invalid_value");
    // Found out before anything was bought.
    assert!(fake.asked.borrow().is_empty());
}

#[test]
fn pictures_that_are_not_kept() {
    let request = Request { cache_control: Some("no-store".to_owned()), ..Request::default() };
    let reply = post(&Fake::answering([loose(2)]), &json!({ "prompt": "a cat", "n": 2 }), &request);
    assert_eq!(reply.headers.get("cache-status"), Some("pincel; fwd=request"));
    assert_eq!((reply.headers.get("x-pincel-take"), reply.headers.get("etag")), (None, None));
    let document = document(reply);
    assert_eq!(document["data"].as_array().unwrap().len(), 2);
    assert_eq!(document["background"], "transparent");
    assert_eq!(document["usage"], usage(11, 200));
}

#[test]
fn a_picture_that_is_lost_is_an_error_and_no_broken_document() {
    let fake = Fake { store: Store::Lost, ..Fake::default() };
    fake.object.borrow_mut().extend([found(Some(pool(1)))]);
    let reply = post(&fake, &json!({ "prompt": "a cat" }), &Request::default());
    assert_eq!((reply.status, code(&reply).as_str()), (502, "picture_lost"));
}

#[test]
fn dedup_off_wants_takes_that_nobody_has_seen() {
    let sdk = with_policy(Proof::Bearer, &json!({ "dedup": "off" }));
    let fake = Fake { kv: Kv::Has(pool(2)), ..Fake::answering([made(&[(2, How::Made)])]) };
    let body = json!({ "prompt": "a cat" }).to_string();
    let reply = serve(&fake, async |service| service.generations(&sdk, body.as_bytes(), &Request::default()).await);
    assert_eq!(reply.headers.get("cache-status"), Some("pincel; fwd=bypass; stored"));
    assert_eq!(fake.wants(), [Want::New { n: 1.try_into().unwrap(), prefer: false }]);
}

#[test]
fn a_take_is_one_picture() {
    let request = Request { take: Some("1".to_owned()), ..Request::default() };
    let reply = post(&Fake::default(), &json!({ "prompt": "a cat" }), &request);
    assert_eq!(reply.headers.get("x-pincel-take"), Some("1"));
    let reply = post(&Fake::default(), &json!({ "prompt": "a cat", "n": 2 }), &request);
    assert_eq!((reply.status, code(&reply).as_str()), (400, "invalid_value"));
}
