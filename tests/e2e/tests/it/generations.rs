//! `POST /v1/images/generations`: OpenAI's request and reply, and the takes behind them.

use std::collections::BTreeSet;

use e2e::{Client, fetch, picture, with};
use serde_json::{Value, json};

use crate::check::{common, cost, decoded, hit, nano, refusal, refusal_of, whole_picture};
use crate::shared::shared;

#[tokio::test]
async fn the_document_holds_the_same_bytes_as_the_picture() {
    let pincel = shared().await;
    let asked = picture("a letter");
    let miss = fetch(pincel.post(&asked)).await.unwrap();
    let bills = pincel.bills("a letter").await.unwrap();
    assert_eq!((miss.status, bills.len()), (200, 1), "{miss:?}");
    common(&miss);
    assert_eq!(miss.header("cache-status"), "pincel; fwd=uri-miss; stored");
    assert_eq!(miss.header("cache-control"), "no-store");
    assert_eq!(miss.header("content-type"), "application/json");
    assert_eq!(miss.header("content-length"), miss.body.len().to_string());
    assert_eq!(nano(miss.header("x-pincel-cost")), cost(&bills[0]));
    assert_eq!(nano(miss.header("x-pincel-saved")), 0);
    let document = miss.json().unwrap();
    assert_eq!(document["usage"], bills[0]["usage"], "what was billed is what is told");
    for (name, expected) in
        [("size", "1024x640"), ("quality", "low"), ("background", "opaque"), ("output_format", "png")]
    {
        assert_eq!(document[name], expected);
    }
    let created = document["created"].as_u64().unwrap();
    assert!(created.abs_diff(e2e::sign::seconds_from_now(0)) < 120, "{created}");

    let bytes = miss.picture().unwrap();
    let got = fetch(pincel.get(&asked)).await.unwrap();
    whole_picture(&got);
    assert_eq!(got.body, bytes);

    let found = fetch(pincel.post(&with(&asked, json!({ "response_format": "b64_json" })))).await.unwrap();
    hit(&found);
    assert_eq!(found.picture().unwrap(), bytes);
    assert_eq!(nano(found.header("x-pincel-saved")), cost(&bills[0]));
    let usage = &found.json().unwrap()["usage"];
    for count in [
        "/input_tokens",
        "/output_tokens",
        "/total_tokens",
        "/input_tokens_details/text_tokens",
        "/input_tokens_details/image_tokens",
        "/output_tokens_details/text_tokens",
        "/output_tokens_details/image_tokens",
    ] {
        assert_eq!(usage.pointer(count), Some(&json!(0)), "{count} of {usage}");
    }
    assert_eq!(pincel.bills("a letter").await.unwrap().len(), 1);
}

/// What only this service knows stays here, and what the provider needs is always sent.
#[tokio::test]
async fn the_provider_gets_only_what_it_knows() {
    let pincel = shared().await;
    let mine = json!({ "response_format": "url", "style": "vivid", "quality": "standard", "user": "u-1", "n": 2 });
    let reply = fetch(pincel.post(&with(&picture("a courier"), mine))).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    let calls = pincel.calls("a courier").await.unwrap();
    assert_eq!(calls.len(), 1);
    let call = calls[0].as_object().unwrap();
    for name in ["response_format", "style", "stream", "partial_images"] {
        assert!(!call.contains_key(name), "{calls:?}");
    }
    for (name, value) in [
        ("model", json!("gpt-image-2.6-flare")),
        ("quality", json!("medium")),
        ("size", json!("1024x640")),
        ("n", json!(2)),
        ("user", json!("u-1")),
    ] {
        assert_eq!(call.get(name), Some(&value), "{name} of {calls:?}");
    }
}

#[tokio::test]
async fn three_after_one_buys_two_in_one_call() {
    let pincel = shared().await;
    let asked = picture("a triptych");
    let n = |n: u32| pincel.post(&with(&asked, json!({ "n": n })));
    let one = fetch(n(1)).await.unwrap();
    let three = fetch(n(3)).await.unwrap();
    assert_eq!(three.status, 200, "{three:?}");
    let bills = pincel.bills("a triptych").await.unwrap();
    let counts: Vec<&Value> = bills.iter().map(|bill| &bill["n"]).collect();
    assert_eq!(counts, [&json!(1), &json!(2)]);
    assert_eq!(three.header("cache-status"), "pincel; fwd=partial; stored");
    assert_eq!(three.header("x-pincel-take"), "0, 1, 2");
    assert_eq!(nano(three.header("x-pincel-cost")), cost(&bills[1]));
    assert_eq!(nano(three.header("x-pincel-saved")), cost(&bills[0]));
    assert_eq!(three.json().unwrap()["usage"], bills[1]["usage"]);
    let pictures = three.pictures().unwrap();
    assert_eq!(pictures[0], one.picture().unwrap());
    assert_eq!(distinct(&pictures), 3);

    for (count, saved) in [(3, cost(&bills[0]) + cost(&bills[1])), (1, cost(&bills[0]))] {
        let again = fetch(n(count)).await.unwrap();
        hit(&again);
        assert_eq!(again.pictures().unwrap(), pictures[..count as usize]);
        assert_eq!(nano(again.header("x-pincel-saved")), saved);
    }
    let key = one.header("x-pincel-key");
    let receipts = pincel.receipts_when(key, |all| all.iter().all(|one| one["state"] == "settled")).await.unwrap();
    let costs: Vec<u64> = receipts.iter().map(|receipt| receipt["cost_nano_usd"].as_u64().unwrap()).collect();
    assert_eq!(costs.len(), 3, "{receipts:?}");
    assert_eq!(costs.iter().sum::<u64>(), bills.iter().map(cost).sum::<u64>(), "every cent has a receipt");
    assert_eq!(pincel.calls("a triptych").await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_url_opens_without_credentials_until_it_is_altered() {
    let pincel = shared().await;
    let asked = with(&picture("a window"), json!({ "response_format": "url", "n": 2 }));
    let reply = fetch(pincel.post(&asked)).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    let document = reply.json().unwrap();
    let urls: Vec<&str> =
        document["data"].as_array().unwrap().iter().map(|item| item["url"].as_str().unwrap()).collect();
    let mut bytes = Vec::new();
    for url in &urls {
        assert!(url.starts_with(&format!("{}/v1/images/", pincel.edge)), "{url}");
        let picture = fetch(pincel.anonymous("GET", url)).await.unwrap();
        whole_picture(&picture);
        hit(&picture);
        assert_eq!(picture.header("cache-control"), "public, max-age=300, s-maxage=2592000");
        bytes.push(picture.body.to_vec());
    }
    let documents = fetch(pincel.post(&with(&asked, json!({ "response_format": null })))).await.unwrap();
    assert_eq!(documents.pictures().unwrap(), bytes);
    for altered in
        [urls[0].replace("take=0", "take=1"), urls[0].replace("/images/", "/images/0"), format!("{}0", urls[0])]
    {
        let reply = fetch(pincel.anonymous("GET", &altered)).await.unwrap();
        assert!(matches!(reply.status, 403 | 404), "{altered}: {reply:?}");
    }
    assert_eq!(pincel.calls("a window").await.unwrap().len(), 1);
}

#[tokio::test]
async fn no_store_shares_nothing() {
    let pincel = shared().await;
    let asked = picture("a secret garden");
    let loose = |request: reqwest::RequestBuilder| fetch(request.header("cache-control", "no-store"));
    let (first, second, document) =
        tokio::join!(loose(pincel.get(&asked)), loose(pincel.get(&asked)), loose(pincel.post(&asked)));
    let replies = [first.unwrap(), second.unwrap(), document.unwrap()];
    for reply in &replies {
        assert_eq!(reply.status, 200, "{reply:?}");
        common(reply);
        assert_eq!(reply.header("cache-status"), "pincel; fwd=request");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(decoded(&reply.picture().unwrap()).1, (1024, 640));
    }
    let pictures: Vec<Vec<u8>> = replies.iter().map(|reply| reply.picture().unwrap()).collect();
    assert_eq!(distinct(&pictures), 3);
    assert_eq!(pincel.bills("a secret garden").await.unwrap().len(), 3);
    let kept = fetch(pincel.get(&asked).header("cache-control", "only-if-cached")).await.unwrap();
    refusal(&kept, 504, "picture_not_found");

    let two = fetch(pincel.post(&with(&asked, json!({ "n": 2 }))).header("cache-control", "no-store")).await.unwrap();
    assert_eq!(distinct(&two.pictures().unwrap()), 2);
    let bills = pincel.bills("a secret garden").await.unwrap();
    assert_eq!((bills.len(), &bills[3]["n"]), (4, &json!(2)));
    let url = with(&asked, json!({ "response_format": "url" }));
    refusal_of(&loose(pincel.post(&url)).await.unwrap(), 400, "invalid_value", "response_format");

    // Nor is it read from what is kept.
    let kept = fetch(pincel.get(&asked)).await.unwrap();
    whole_picture(&kept);
    let fresh = loose(pincel.get(&asked)).await.unwrap();
    assert_ne!(fresh.body, kept.body);
    let again = fetch(pincel.get(&asked)).await.unwrap();
    hit(&again);
    assert_eq!(again.body, kept.body);
}

#[tokio::test]
async fn a_reroll_makes_another_take_the_preferred_one() {
    let pincel = shared().await;
    let asked = picture("a die");
    let first = fetch(pincel.get(&asked)).await.unwrap();
    let rolled = fetch(pincel.get(&asked).header("cache-control", "no-cache")).await.unwrap();
    whole_picture(&rolled);
    assert_eq!(rolled.header("cache-status"), "pincel; fwd=request; stored");
    assert_eq!(rolled.header("x-pincel-take"), "1");
    assert_ne!(rolled.body, first.body);
    let bills = pincel.bills("a die").await.unwrap();
    assert_eq!(bills.len(), 2);
    assert_eq!(nano(rolled.header("x-pincel-cost")), cost(&bills[1]));

    for request in [pincel.get(&asked), pincel.get_signed(&asked), pincel.post(&asked)] {
        let reply = fetch(request).await.unwrap();
        hit(&reply);
        assert_eq!((reply.header("x-pincel-take"), reply.picture().unwrap()), ("1", rolled.body.to_vec()));
    }
    let by_url = with(&asked, json!({ "take": "0" }));
    for request in [pincel.get(&asked).header("x-pincel-take", "0"), pincel.get(&by_url), pincel.get_signed(&by_url)] {
        let reply = fetch(request).await.unwrap();
        hit(&reply);
        assert_eq!((reply.header("x-pincel-take"), &reply.body), ("0", &first.body));
    }
    let both = fetch(pincel.post(&with(&asked, json!({ "n": 2 })))).await.unwrap();
    hit(&both);
    assert_eq!(both.header("x-pincel-take"), "1, 0");
    assert_eq!(both.pictures().unwrap(), [rolled.body.to_vec(), first.body.to_vec()]);
    assert_eq!(pincel.bills("a die").await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_take_can_be_named_before_the_ones_in_front_of_it_exist() {
    let pincel = shared().await;
    let asked = picture("a fourth wall");
    let named = fetch(pincel.post(&asked).header("x-pincel-take", "2")).await.unwrap();
    assert_eq!((named.status, named.header("x-pincel-take")), (200, "2"), "{named:?}");
    let three = fetch(pincel.post(&with(&asked, json!({ "n": 3 })))).await.unwrap();
    assert_eq!(three.header("x-pincel-take"), "0, 1, 2");
    assert_eq!(three.pictures().unwrap()[2], named.picture().unwrap());
    assert_eq!(counts(&pincel, "a fourth wall").await, [1, 2]);
    let two_of_one = fetch(pincel.post(&with(&asked, json!({ "n": 2 }))).header("x-pincel-take", "0")).await.unwrap();
    refusal_of(&two_of_one, 400, "invalid_value", "n");
}

async fn counts(pincel: &Client, prompt: &str) -> Vec<u64> {
    pincel.bills(prompt).await.unwrap().iter().map(|bill| bill["n"].as_u64().unwrap()).collect()
}

fn distinct(pictures: &[Vec<u8>]) -> usize {
    pictures.iter().collect::<BTreeSet<_>>().len()
}
