//! Failures on purpose: scope is how each looks to a client, and whether it is billed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::helper::{Server, bytes, decode, fox};

#[tokio::test]
async fn errors_are_those_of_the_api() {
    let cases = [
        ("rate_limit", 429, "requests", json!("rate_limit_exceeded"), 0),
        ("quota", 429, "insufficient_quota", json!("insufficient_quota"), 0),
        ("moderation", 400, "image_generation_user_error", json!("moderation_blocked"), 0),
        ("unauthorized", 401, "invalid_request_error", json!("invalid_api_key"), 0),
        ("unverified", 403, "invalid_request_error", Value::Null, 0),
        ("server_error", 500, "server_error", json!("server_error"), 0),
        ("overloaded", 503, "service_unavailable_error", json!("server_is_overloaded"), 0),
        ("error_after_billing", 500, "server_error", json!("server_error"), 1),
    ];
    for (fail, status, kind, code, bills) in cases {
        let server = Server::start().await;
        server.behave(&json!({"fail": fail})).await;
        let response = server.generate(&fox()).await;
        assert_eq!(response.status(), status, "{fail}");
        let id = response.headers()["x-request-id"].to_str();
        let id = id.expect("a text").to_owned();
        let reply: Value = response.json().await.expect("JSON");
        let error = &reply["error"];
        assert_eq!((&error["type"], &error["code"]), (&json!(kind), &code), "{fail}");
        assert!(error["message"].is_string() && error["param"].is_null());
        let details = error.get("moderation_details");
        assert_eq!(details.is_some(), fail == "moderation");
        let found = server.bills().await;
        assert_eq!(found.len(), bills, "{fail}");
        assert!(found.iter().all(|bill| bill["id"] == id));
        // One failure was asked for, so the next call goes well.
        assert_eq!(server.generate(&fox()).await.status(), 200, "{fail}");
    }
}

#[tokio::test]
async fn a_wait_is_only_named_where_it_was_set() {
    let cases = [
        (json!({"fail": "rate_limit"}), None),
        (json!({"fail": "rate_limit", "retry_after_ms": 500}), Some(("1", "500"))),
        (json!({"fail": "overloaded", "retry_after_ms": 3000}), Some(("3", "3000"))),
        (json!({"fail": "quota", "retry_after_ms": 500}), None),
    ];
    for (change, expected) in cases {
        let server = Server::start().await;
        server.behave(&change).await;
        let response = server.generate(&fox()).await;
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        let found = header("retry-after").zip(header("retry-after-ms"));
        assert_eq!(found, expected, "{change}");
    }
}

#[tokio::test]
async fn an_empty_404_has_nothing_but_its_status() {
    let server = Server::start().await;
    server.behave(&json!({"fail": "empty_404"})).await;
    let response = server.generate(&fox()).await;
    assert_eq!(response.status(), 404);
    assert!(!response.headers().contains_key("content-type"));
    assert!(!response.headers().contains_key("x-request-id"));
    assert_eq!(response.bytes().await.expect("a body").len(), 0);
    assert_eq!(server.bills().await.len(), 0);
}

#[tokio::test]
async fn a_cut_before_the_bill_gives_no_reply_at_all() {
    let server = Server::start().await;
    server.behave(&json!({"fail": "cut_before_billing"})).await;
    let error = server.generation(&fox()).send().await.expect_err("a cut");
    assert!(!error.is_timeout(), "{error:?}");
    assert_eq!(server.bills().await.len(), 0);
}

#[tokio::test]
async fn a_cut_in_the_body_comes_after_right_headers_and_the_bill() {
    let server = Server::start().await;
    server.behave(&json!({"fail": "cut_mid_body"})).await;
    let mut response = server.generate(&fox()).await;
    assert_eq!(response.status(), 200);
    let announced = response.content_length().expect("a length");
    let mut received = 0;
    let cut = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => received += chunk.len() as u64,
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(cut, "the body ended cleanly");
    assert!(received > 0 && received < announced, "{received} of {announced}");
    assert_eq!(server.bills().await.len(), 1);
}

#[tokio::test]
async fn success_can_be_a_lie() {
    let server = Server::start().await;
    server.behave(&json!({"fail": "garbage"})).await;
    let response = server.generate(&fox()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.bytes().await.expect("a whole body");
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    assert_eq!(server.bills().await.len(), 1);

    server.behave(&json!({"fail": "not_an_image"})).await;
    let reply: Value = server.generate(&fox()).await.json().await.expect("JSON");
    let content = bytes(&reply["data"][0]);
    assert!(image::guess_format(&content).is_err());
    assert!(String::from_utf8(content).is_ok());
    assert_eq!(server.bills().await.len(), 2);
}

#[tokio::test]
async fn a_call_that_hangs_ends_with_the_client_or_a_reset() {
    let server = Server::start().await;
    server.behave(&json!({"fail": "hang", "times": 2})).await;
    let request = server.generation(&fox()).timeout(Duration::from_millis(200));
    let error = request.send().await.expect_err("no reply");
    assert!(error.is_timeout(), "{error:?}");
    server.settle().await;

    let reset = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(server.control_get("calls").await["in_flight"], 1);
        server.control_post("reset", &json!({})).await;
    };
    let (answer, ()) = tokio::join!(server.generation(&fox()).send(), reset);
    assert!(!answer.expect_err("a cut").is_timeout());
    server.settle().await;
    assert_eq!(server.bills().await.len(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_pays_all_the_same() {
    for stream in [false, true] {
        let server = Server::start().await;
        server.behave(&json!({"latency_ms": 400})).await;
        let mut body = fox();
        body["stream"] = json!(stream);
        let request = server.generation(&body).timeout(Duration::from_millis(100));
        let gone = match request.send().await {
            Ok(response) => response.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(gone, "the reply came too soon");
        assert_eq!(server.bills().await.len(), 0, "billed before it was made");
        server.settle().await;
        assert_eq!(server.bills().await.len(), 1);
    }
}

#[tokio::test]
async fn latency_holds_for_every_call_until_it_is_changed() {
    let server = Server::start().await;
    server.behave(&json!({"latency_ms": 300, "fail": "quota"})).await;
    for status in [429, 200] {
        let start = Instant::now();
        let response = server.generate(&fox()).await;
        assert_eq!(response.status(), status);
        assert!(start.elapsed() >= Duration::from_millis(300));
    }
    // Calls wait beside each other and not one after the other.
    let start = Instant::now();
    let body = fox();
    let calls = (0..6).map(|_| server.generate(&body));
    futures::future::join_all(calls).await;
    assert!(start.elapsed() < Duration::from_millis(1500));
    server.behave(&json!({"latency_ms": 0})).await;
    let reply: Value = server.generate(&fox()).await.json().await.expect("JSON");
    decode(&bytes(&reply["data"][0]));
}
