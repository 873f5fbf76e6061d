//! Deployments that lack a store: no KV for pointers, no R2 for pictures.

use e2e::{Bare, PLAIN, Worker, fetch, picture, with};
use futures::future::join_all;
use serde_json::json;

use crate::check::{cost, hit, nano, refusal, whole_picture};

/// The pointers are a hint. Without them the object answers, and nothing is bought because they are missing.
#[tokio::test]
async fn without_kv_the_object_answers() {
    let running = Bare::start(&[Worker { kv: false, ..PLAIN }]).await.unwrap();
    let pincel = running.client("shop").await.unwrap();
    let ready = fetch(pincel.anonymous("GET", "/readyz")).await.unwrap();
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.json().unwrap()["problems"].to_string().contains("POINTERS"), "{ready:?}");

    pincel.behave(json!({ "latency_ms": 300 })).await.unwrap();
    let asked = picture("a map");
    let requests = (0..20).map(|at| fetch(if at % 2 == 0 { pincel.get(&asked) } else { pincel.post(&asked) }));
    let replies: Vec<_> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
    let first = replies[0].picture().unwrap();
    for reply in &replies {
        assert_eq!((reply.status, reply.picture().unwrap()), (200, first.clone()), "{reply:?}");
    }
    let bills = pincel.bills("a map").await.unwrap();
    assert_eq!(bills.len(), 1);
    let key = replies[0].header("x-pincel-key");
    let receipts =
        pincel.receipts_when(key, |all| all.iter().all(|receipt| receipt["state"] == "settled")).await.unwrap();
    assert_eq!(receipts[0]["cost_nano_usd"], cost(&bills[0]));
    for request in [pincel.get(&asked), pincel.get_signed(&asked), pincel.request("GET", &format!("/v1/images/{key}"))]
    {
        let reply = fetch(request).await.unwrap();
        hit(&reply);
        assert_eq!(reply.body, first);
    }
    let nothing = fetch(pincel.get(&picture("no map")).header("cache-control", "only-if-cached")).await.unwrap();
    refusal(&nothing, 504, "picture_not_found");
    assert_eq!(pincel.call_count().await.unwrap(), 1);
}

#[tokio::test]
async fn without_r2_pictures_are_kept_in_kv() {
    let running = Bare::start(&[Worker { bucket: false, ..PLAIN }]).await.unwrap();
    let pincel = running.client("shop").await.unwrap();
    let ready = fetch(pincel.anonymous("GET", "/readyz")).await.unwrap();
    assert_eq!(ready.status, 200, "{ready:?}");

    let asked = picture("a drawer");
    // By a URL, so that the bytes are in the store and in no cache.
    let made = fetch(pincel.post(&with(&asked, json!({ "response_format": "url", "n": 2 })))).await.unwrap();
    assert_eq!(made.status, 200, "{made:?}");
    let ranges = ["bytes=0-7", "bytes=100-299", "bytes=5000-", "bytes=-64"];
    let mut parts = Vec::new();
    for range in ranges {
        let part = fetch(pincel.get(&asked).header("range", range)).await.unwrap();
        assert_eq!(part.status, 206, "{part:?}");
        parts.push(part);
    }
    let whole = fetch(pincel.get(&asked)).await.unwrap();
    whole_picture(&whole);
    hit(&whole);
    let (bytes, end) = (&whole.body, whole.body.len());
    let expected = [(0, 8), (100, 300), (5000, end), (end - 64, end)];
    for (part, (start, stop)) in parts.iter().zip(expected) {
        assert!(part.body == bytes[start..stop], "{part:?}");
        assert_eq!(part.header("content-range"), format!("bytes {start}-{}/{end}", stop - 1));
    }
    let same = fetch(pincel.get(&asked).header("if-none-match", whole.header("etag"))).await.unwrap();
    assert_eq!((same.status, same.body.len()), (304, 0), "{same:?}");
    let document = fetch(pincel.post(&with(&asked, json!({ "n": 2 })))).await.unwrap();
    hit(&document);
    assert_eq!(document.pictures().unwrap()[0], *bytes);
    let bills = pincel.bills("a drawer").await.unwrap();
    assert_eq!(bills.len(), 1);
    assert_eq!(nano(document.header("x-pincel-saved")), cost(&bills[0]));
}
