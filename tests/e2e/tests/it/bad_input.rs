//! Requests that cannot be right: each is refused with what is allowed, and costs nothing.

use e2e::{fetch, picture, with};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::check::{refusal, refusal_of};
use crate::shared::alone;

/// Each row changes a request that is right. The refusal names the parameter and says what would do.
#[tokio::test]
async fn fields_of_a_body() {
    let rows = [
        (json!({ "prompt": null }), "prompt", "missing_required_parameter", "prompt"),
        (json!({ "prompt": "" }), "prompt", "invalid_value", "1 to 32000"),
        (json!({ "prompt": " \t\r\n\u{3000}" }), "prompt", "invalid_value", "1 to 32000"),
        (json!({ "prompt": "x".repeat(32_001) }), "prompt", "string_above_max_length", "32000"),
        (json!({ "prompt": ["a"] }), "prompt", "invalid_type", "a string"),
        (json!({ "prompt": 7 }), "prompt", "invalid_type", "a string"),
        (json!({ "seed": 1 }), "seed", "unknown_parameter", "seed"),
        (json!({ "Prompt": "x" }), "Prompt", "unknown_parameter", "Prompt"),
        (json!({ "model": "dall-e-3" }), "model", "model_not_found", "gpt-image-2.6-flare"),
        (json!({ "model": "no-such" }), "model", "model_not_found", "gpt-image-2.6-flare"),
        (json!({ "model": 2 }), "model", "invalid_type", "a string"),
        (json!({ "n": 0 }), "n", "invalid_value", "1 to 10"),
        (json!({ "n": 11 }), "n", "invalid_value", "1 to 10"),
        (json!({ "n": -1 }), "n", "invalid_value", "1 to 10"),
        (json!({ "n": "2" }), "n", "invalid_type", "1 to 10"),
        (json!({ "n": 1.5 }), "n", "invalid_type", "1 to 10"),
        (json!({ "size": "1000x1000" }), "size", "invalid_value", "multiples of 16"),
        (json!({ "size": "3840x3840" }), "size", "invalid_value", "8294400"),
        (json!({ "size": "512x512" }), "size", "invalid_value", "655360"),
        (json!({ "size": "3840x1264" }), "size", "invalid_value", "3:1"),
        (json!({ "size": "large" }), "size", "invalid_value", "auto"),
        (json!({ "size": 1024 }), "size", "invalid_type", "a string"),
        (json!({ "quality": "max", "model": "gpt-image-2" }), "quality", "invalid_value", "'high'"),
        (json!({ "quality": "best" }), "quality", "invalid_value", "'high'"),
        (json!({ "background": "transparent", "output_format": "jpeg" }), "background", "invalid_value", "webp"),
        (json!({ "background": "blue" }), "background", "invalid_value", "'opaque'"),
        (json!({ "moderation": "none" }), "moderation", "invalid_value", "'low'"),
        (json!({ "output_format": "bmp" }), "output_format", "invalid_value", "'png'"),
        (json!({ "output_format": "gif", "model": "gpt-image-2" }), "output_format", "invalid_value", "'png'"),
        (json!({ "output_compression": 50 }), "output_compression", "invalid_value", "webp"),
        (json!({ "output_compression": 101, "output_format": "webp" }), "output_compression", "invalid_value", "100"),
        (json!({ "complexity": "low", "model": "gpt-image-2" }), "complexity", "unknown_parameter", "2.6"),
        (json!({ "response_format": "png" }), "response_format", "invalid_value", "'b64_json'"),
        (json!({ "style": "gothic" }), "style", "invalid_value", "'vivid'"),
        (json!({ "stream": "true" }), "stream", "invalid_type", "true or false"),
        (json!({ "partial_images": 9 }), "partial_images", "invalid_value", "0 to 3"),
        (json!({ "user": {} }), "user", "invalid_type", "a string"),
        (json!({ "frame_count": 4 }), "frame_count", "invalid_value", "gif"),
        (json!({ "svg": { "model": "m" } }), "svg", "invalid_value", "svg"),
    ];
    let pincel = alone().await;
    let before = pincel.call_count().await.unwrap();
    for (change, param, code, says) in rows {
        check(pincel.post(&with(&picture("a mistake"), change.clone())), param, code, says).await;
    }
    assert_eq!(pincel.call_count().await.unwrap(), before, "the provider was called");
}

#[tokio::test]
async fn bodies_that_are_no_request() {
    let pincel = alone().await;
    let before = pincel.call_count().await.unwrap();
    let post = |kind: &str, body: Vec<u8>| {
        pincel.request("POST", "/v1/images/generations").header("content-type", kind).body(body)
    };
    let json = "application/json; charset=utf-8";
    for body in [&b""[..], b"{", b"[]", b"\"a fox\"", b"null", b"prompt=a+fox", b"{\"prompt\":\"a\"} x", b"\xff\xfe{}"]
    {
        check(post(json, body.to_vec()), "body", "invalid_json", "JSON").await;
    }
    check(post(json, b"{\"prompt\":\"\xc3\x28\"}".to_vec()), "body", "invalid_json", "UTF-8").await;
    let deep = format!("{}1{}", "[".repeat(9_000), "]".repeat(9_000));
    check(post(json, deep.into_bytes()), "body", "invalid_json", "JSON").await;

    for kind in ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"] {
        let reply = fetch(post(kind, b"{\"prompt\":\"a fox\"}".to_vec())).await.unwrap();
        refusal(&reply, 415, "unsupported_media_type");
    }
    let reply = fetch(pincel.request("POST", "/v1/images/generations")).await.unwrap();
    refusal(&reply, 415, "unsupported_media_type");

    // The largest body that is read, and one byte more, with its length announced and without.
    let padded = |length: usize| {
        let start = "{\"prompt\":\"a heavy fox\", \"quality\":\"low\"";
        format!("{start}{}}}", " ".repeat(length - start.len() - 1)).into_bytes()
    };
    let most = fetch(post(json, padded(1 << 20)).header("cache-control", "only-if-cached")).await.unwrap();
    refusal(&most, 504, "picture_not_found");
    let too_much = padded((1 << 20) + 1);
    for body in [reqwest::Body::from(too_much.clone()), chunked(&too_much)] {
        refusal(&fetch(post(json, Vec::new()).body(body)).await.unwrap(), 413, "request_too_large");
    }
    // Far more is not even received: whoever goes on sending may find the connection closed, by workerd or by what
    // wrangler runs in front of it, which then answers in its own words.
    for _ in 0..3 {
        if let Ok(reply) = fetch(post(json, Vec::new()).body(chunked(&vec![b' '; 8 << 20]))).await {
            assert!(reply.status >= 400, "{reply:?}");
        }
    }
    assert_eq!(pincel.call_count().await.unwrap(), before, "the provider was called");
}

/// With the key; what is wrong with a query is told to nobody else.
#[tokio::test]
async fn queries() {
    let pincel = alone().await;
    let before = pincel.call_count().await.unwrap();
    let long = format!("prompt={}", "x".repeat(32_001));
    for (query, param, code, says) in [
        ("", "prompt", "missing_required_parameter", "prompt"),
        ("size=1024x1024", "prompt", "missing_required_parameter", "prompt"),
        ("prompt=", "prompt", "invalid_value", "1 to 32000"),
        ("prompt=+%0A%20", "prompt", "invalid_value", "1 to 32000"),
        (long.as_str(), "prompt", "string_above_max_length", "32000"),
        ("prompt=a&prompt=b", "prompt", "duplicate_parameter", "once"),
        ("prompt=a&%70rompt=a", "prompt", "duplicate_parameter", "once"),
        ("prompt=a&size=1024x1024&size=1024x1024", "size", "duplicate_parameter", "once"),
        ("prompt=%ff", "prompt", "invalid_encoding", "UTF-8"),
        ("prompt=%C3%28", "prompt", "invalid_encoding", "UTF-8"),
        ("prompt=%e2%82", "prompt", "invalid_encoding", "UTF-8"),
        ("prompt=50%", "prompt", "invalid_encoding", "UTF-8"),
        ("prompt=a&n=2", "n", "unknown_parameter", "n"),
        ("prompt=a&response_format=url", "response_format", "unknown_parameter", "response_format"),
        ("prompt=a&width=3", "width", "unknown_parameter", "width"),
        ("prompt=a&size=10x10", "size", "invalid_value", "multiples of 16"),
        ("prompt=a&quality=best", "quality", "invalid_value", "'high'"),
        ("prompt=a&background=transparent&output_format=jpeg", "background", "invalid_value", "webp"),
        ("prompt=a&output_compression=1e1&output_format=webp", "output_compression", "invalid_type", "whole number"),
        ("prompt=a&take=-1", "take", "invalid_value", "0 to 999"),
        ("prompt=a&take=1000", "take", "invalid_value", "0 to 999"),
    ] {
        check(pincel.request("GET", &format!("/v1/image?{query}")), param, code, says).await;
    }
    let key = "0".repeat(64);
    check(pincel.request("GET", &format!("/v1/images/{key}?prompt=a")), "prompt", "unknown_parameter", "prompt").await;
    check(pincel.request("GET", &format!("/v1/images/{key}?take=x")), "take", "invalid_value", "0 to 999").await;
    check(pincel.get(&picture("a mistake")).header("x-pincel-take", "first"), "take", "invalid_value", "0 to 999")
        .await;
    assert_eq!(pincel.call_count().await.unwrap(), before, "the provider was called");
}

/// A signed URL is checked like any other request.
#[tokio::test]
async fn signed_queries() {
    let pincel = alone().await;
    let before = pincel.call_count().await.unwrap();
    for (change, param) in [
        (json!({ "size": "7x7" }), "size"),
        (json!({ "n": "2" }), "n"),
        (json!({ "prompt": " " }), "prompt"),
        (json!({ "onload": "x" }), "onload"),
    ] {
        let asked: Value = with(&picture("a signed mistake"), change);
        let reply = fetch(pincel.get_signed(&asked)).await.unwrap();
        assert_eq!((reply.status, reply.json().unwrap()["error"]["param"].as_str()), (400, Some(param)), "{reply:?}");
    }
    assert_eq!(pincel.call_count().await.unwrap(), before, "the provider was called");
}

async fn check(request: RequestBuilder, param: &str, code: &str, says: &str) {
    let reply = fetch(request).await.unwrap();
    refusal_of(&reply, 400, code, param);
    let error = &reply.json().unwrap()["error"];
    assert_eq!(error["type"], "invalid_request_error", "{reply:?}");
    assert!(error["message"].as_str().unwrap().contains(says), "{says:?} is not in {reply:?}");
    assert_eq!(reply.header("x-should-retry"), "false", "{reply:?}");
}

/// A body whose length is not announced.
fn chunked(body: &[u8]) -> reqwest::Body {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = body.chunks(64 << 10).map(|piece| Ok(piece.to_vec())).collect();
    reqwest::Body::wrap_stream(futures::stream::iter(pieces))
}
