//! `GET /v1/image` and `GET /v1/images/{key}`: the picture itself.

use e2e::{Client, fetch, picture, with};
use image::ImageFormat;
use serde_json::{Value, json};

use crate::check::{common, cost, decoded, hit, nano, refusal, whole_picture};
use crate::shared::shared;

#[tokio::test]
async fn a_miss_and_then_a_hit_by_key_and_by_signature() {
    let pincel = shared().await;
    for (proof, life) in [("key", "private, max-age=300"), ("signature", "public, max-age=300, s-maxage=2592000")] {
        let asked = picture(&format!("a kite by {proof}"));
        let ask = || if proof == "key" { pincel.get(&asked) } else { pincel.get_signed(&asked) };

        let miss = fetch(ask()).await.unwrap();
        whole_picture(&miss);
        let bills = bills(&pincel, &asked).await;
        assert_eq!(bills.len(), 1);
        assert_eq!(miss.header("cache-status"), "pincel; fwd=uri-miss; stored");
        assert_eq!(miss.header("age"), "0");
        assert_eq!(miss.header("cache-control"), life);
        assert_eq!(miss.header("content-type"), "image/png");
        assert_eq!(miss.header("x-pincel-take"), "0");
        assert_eq!(nano(miss.header("x-pincel-cost")), cost(&bills[0]), "{miss:?}");
        assert_eq!(miss.header("x-pincel-saved"), "");
        assert!(miss.header("x-pincel-receipt").starts_with("job_"), "{miss:?}");
        assert_eq!(decoded(&miss.body), (ImageFormat::Png, (1024, 640)));

        let found = fetch(ask()).await.unwrap();
        whole_picture(&found);
        hit(&found);
        assert!(found.header("age").parse::<u32>().unwrap() < 60, "{found:?}");
        assert_eq!(found.header("cache-control"), life);
        assert_eq!(nano(found.header("x-pincel-saved")), cost(&bills[0]), "{found:?}");
        assert_eq!(found.body, miss.body);
        for same in ["etag", "x-pincel-key", "x-pincel-take", "content-type", "last-modified"] {
            assert_eq!(found.header(same), miss.header(same), "{same}");
        }
        for own in ["x-request-id", "traceparent"] {
            assert_ne!(found.header(own), miss.header(own), "{own}");
        }
        assert_eq!(self::bills(&pincel, &asked).await.len(), 1);
    }
}

#[tokio::test]
async fn a_trace_goes_on() {
    let pincel = shared().await;
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let reply = fetch(pincel.get(&picture("a trace")).header("traceparent", theirs)).await.unwrap();
    let ours = reply.header("traceparent");
    assert!(ours.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && ours.ends_with("-01"), "{ours}");
    assert!(!ours.contains("00f067aa0ba902b7"), "{ours}");
}

#[tokio::test]
async fn every_format_has_the_size_that_was_asked_for() {
    let pincel = shared().await;
    for (format, mime, decodes_as, size) in [
        ("png", "image/png", ImageFormat::Png, (1024, 1536)),
        ("jpeg", "image/jpeg", ImageFormat::Jpeg, (1536, 1024)),
        ("webp", "image/webp", ImageFormat::WebP, (1280, 768)),
    ] {
        let fields = json!({ "output_format": format, "size": format!("{}x{}", size.0, size.1) });
        let reply = fetch(pincel.get(&with(&picture("a format"), fields))).await.unwrap();
        whole_picture(&reply);
        assert_eq!(reply.header("content-type"), mime);
        assert_eq!(decoded(&reply.body), (decodes_as, size), "{format}");
    }
}

/// Headers of a request, the status of the reply, and its body.
type Row<'a> = (&'a [(&'a str, &'a str)], u16, &'a [u8]);

/// The last column is the part of the picture that must come.
#[tokio::test]
async fn conditions_and_ranges() {
    let pincel = shared().await;
    let asked = picture("a ruler");
    // By a URL, so that the bytes are in the store and in no cache.
    let made = fetch(pincel.post(&with(&asked, json!({ "response_format": "url" })))).await.unwrap();
    let url = made.json().unwrap()["data"][0]["url"].as_str().unwrap().to_owned();
    let from_store = fetch(pincel.anonymous("GET", &url).header("range", "bytes=1-7")).await.unwrap();
    assert_eq!((from_store.status, &from_store.body[..]), (206, &b"PNG\r\n\x1a\n"[..]), "{from_store:?}");
    let suffix_from_store = fetch(pincel.get(&asked).header("range", "bytes=-12")).await.unwrap();

    let whole = fetch(pincel.get(&asked)).await.unwrap();
    whole_picture(&whole);
    let (bytes, end) = (&whole.body, whole.body.len());
    assert_eq!(suffix_from_store.body, bytes[end - 12..], "{suffix_from_store:?}");
    let etag = whole.header("etag").to_owned();
    let weak = format!("W/{etag}, \"other\"");
    let beyond = format!("bytes={end}-");
    let past_end = format!("bytes={}-{}", end - 2, end + 5);
    let none: &[u8] = &[];
    let rows: &[Row<'_>] = &[
        (&[("if-none-match", &etag)], 304, none),
        (&[("if-none-match", &weak)], 304, none),
        (&[("if-none-match", "*")], 304, none),
        (&[("if-none-match", "\"other\"")], 200, bytes),
        (&[("if-none-match", &etag), ("range", "bytes=0-9")], 304, none),
        (&[("range", "bytes=0-0")], 206, &bytes[..1]),
        (&[("range", "bytes=100-199")], 206, &bytes[100..200]),
        (&[("range", "bytes=1000-")], 206, &bytes[1000..]),
        (&[("range", "bytes=-5")], 206, &bytes[end - 5..]),
        (&[("range", &past_end)], 206, &bytes[end - 2..]),
        (&[("range", "bytes=0-9"), ("if-range", &etag)], 206, &bytes[..10]),
        (&[("range", "bytes=0-9"), ("if-range", "\"other\"")], 200, bytes),
        (&[("range", "bytes=0-9,20-29")], 200, bytes),
        (&[("range", "bytes=9-0")], 200, bytes),
        (&[("range", "lines=0-9")], 200, bytes),
    ];
    for (headers, status, expected) in rows {
        let send = |signed: bool| {
            let request = if signed { pincel.get_signed(&asked) } else { pincel.get(&asked) };
            fetch(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
        };
        for signed in [false, true] {
            let reply = send(signed).await.unwrap();
            assert_eq!(reply.status, *status, "{headers:?} {reply:?}");
            assert!(reply.body == *expected, "{headers:?}: other bytes, {reply:?}");
            common(&reply);
            assert_eq!(reply.header("etag"), etag, "{headers:?}");
            assert!(reply.header("cache-control").contains("max-age=300"), "{headers:?} {reply:?}");
            if *status == 206 {
                let start = if expected.len() == 1 { 0 } else { position(bytes, expected) };
                let range = format!("bytes {start}-{}/{end}", start + expected.len() - 1);
                assert_eq!(reply.header("content-range"), range, "{headers:?}");
                assert_eq!(reply.header("content-length"), expected.len().to_string(), "{headers:?}");
                assert_eq!(reply.header("repr-digest"), whole.header("repr-digest"), "{headers:?}");
            }
        }
    }
    for range in [beyond.as_str(), "bytes=-0", "bytes=99999999999999999999-"] {
        let reply = fetch(pincel.get(&asked).header("range", range)).await.unwrap();
        refusal(&reply, 416, "range_not_satisfiable");
        assert_eq!(reply.header("content-range"), format!("bytes */{end}"), "{range}");
    }
    assert_eq!(bills(&pincel, &asked).await.len(), 1);
}

#[tokio::test]
async fn head_is_get_without_a_body_and_makes_nothing() {
    let pincel = shared().await;
    let asked = picture("a head");
    let head = |extra: &[(&'static str, &'static str)]| {
        let request = pincel.anonymous("HEAD", &pincel.signed(&asked));
        fetch(extra.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
    };
    let before = head(&[]).await.unwrap();
    assert_eq!((before.status, before.body.len()), (404, 0), "{before:?}");
    assert_eq!(pincel.calls("a head").await.unwrap().len(), 0);

    let whole = fetch(pincel.get_signed(&asked)).await.unwrap();
    let reply = head(&[]).await.unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, 0), "{reply:?}");
    for same in
        ["etag", "repr-digest", "content-type", "content-length", "cache-control", "accept-ranges", "x-pincel-key"]
    {
        assert_eq!(reply.header(same), whole.header(same), "{same}");
    }
    let part = head(&[("range", "bytes=0-99")]).await.unwrap();
    assert_eq!((part.status, part.header("content-length")), (206, "100"), "{part:?}");
}

#[tokio::test]
async fn a_download_has_a_name_and_needs_no_other_signature() {
    let pincel = shared().await;
    let asked = picture("a file");
    let plain = fetch(pincel.get_signed(&asked)).await.unwrap();
    assert_eq!(plain.header("content-disposition"), "");
    let reply = fetch(pincel.anonymous("GET", &format!("{}&download=1", pincel.signed(&asked)))).await.unwrap();
    whole_picture(&reply);
    let name = format!("attachment; filename=\"{}-0.png\"", reply.header("x-pincel-key"));
    assert_eq!(reply.header("content-disposition"), name);
    assert_eq!(reply.body, plain.body);
}

#[tokio::test]
async fn only_what_is_cached() {
    let pincel = shared().await;
    let asked = picture("a squirrel's store");
    let only = |request: reqwest::RequestBuilder| fetch(request.header("cache-control", "only-if-cached"));
    for request in [pincel.get(&asked), pincel.post(&asked)] {
        refusal(&only(request).await.unwrap(), 504, "picture_not_found");
    }
    assert_eq!(pincel.calls("a squirrel's store").await.unwrap().len(), 0);
    let made = fetch(pincel.get(&asked)).await.unwrap();
    for request in [pincel.get(&asked), pincel.post(&asked)] {
        let reply = only(request).await.unwrap();
        hit(&reply);
        assert_eq!(reply.picture().unwrap(), made.body);
    }
}

/// A browser sends `no-cache` on every hard reload. A signature covers no header, so none of them may cost anything.
#[tokio::test]
async fn a_signed_url_ignores_directives() {
    let pincel = shared().await;
    let asked = picture("a reload");
    let made = fetch(pincel.get_signed(&asked).header("cache-control", "only-if-cached")).await.unwrap();
    whole_picture(&made);
    for directive in ["no-cache", "no-store", "max-age=0"] {
        let reply = fetch(pincel.get_signed(&asked).header("cache-control", directive)).await.unwrap();
        hit(&reply);
        assert_eq!(reply.body, made.body, "{directive}");
    }
    let reply = fetch(pincel.get_signed(&asked).header("x-pincel-take", "1")).await.unwrap();
    refusal(&reply, 400, "invalid_value");
    assert_eq!(bills(&pincel, &asked).await.len(), 1);
}

#[tokio::test]
async fn by_key_a_picture_is_found_and_never_made() {
    let pincel = shared().await;
    let made = fetch(pincel.get(&picture("a key"))).await.unwrap();
    let key = made.header("x-pincel-key").to_owned();
    for path in [format!("/v1/images/{key}"), format!("/v1/images/{key}?take=0")] {
        let reply = fetch(pincel.request("GET", &path)).await.unwrap();
        whole_picture(&reply);
        hit(&reply);
        assert_eq!(reply.body, made.body, "{path}");
    }
    let calls = pincel.calls("a key").await.unwrap().len();
    for path in [format!("/v1/images/{key}?take=1"), format!("/v1/images/{}", "0".repeat(64))] {
        let reply = fetch(pincel.request("GET", &path)).await.unwrap();
        refusal(&reply, 404, "picture_not_found");
    }
    assert_eq!(pincel.calls("a key").await.unwrap().len(), calls);
}

/// Different words, one picture; and pictures that differ only in what decides about them.
#[tokio::test]
async fn the_same_picture_in_other_words_is_a_hit() {
    let pincel = shared().await;
    let asked = picture("caf\u{e9}");
    let made = fetch(pincel.get(&asked)).await.unwrap();
    let same = [
        with(&asked, json!({ "prompt": " cafe\u{301}\r\n" })),
        with(&asked, json!({ "model": "gpt-image-2.6-flare", "background": "auto", "complexity": "high" })),
    ];
    for request in same.iter().flat_map(|same| [pincel.get(same), pincel.get_signed(same), pincel.post(same)]) {
        let reply = fetch(request).await.unwrap();
        hit(&reply);
        assert_eq!(reply.picture().unwrap(), made.body);
    }
    assert_eq!(bills(&pincel, &asked).await.len(), 1);
    let other = fetch(pincel.get(&with(&asked, json!({ "moderation": "low" })))).await.unwrap();
    whole_picture(&other);
    assert_ne!(other.body, made.body);
    assert_eq!(bills(&pincel, &asked).await.len(), 2);
}

async fn bills(pincel: &Client, asked: &Value) -> Vec<Value> {
    pincel.bills(asked["prompt"].as_str().unwrap()).await.unwrap()
}

fn position(whole: &[u8], part: &[u8]) -> usize {
    whole.windows(part.len()).rposition(|window| window == part).unwrap()
}
