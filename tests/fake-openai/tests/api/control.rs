//! The control routes: scope is what they accept, report and forget.

use serde_json::{Value, json};

use crate::helper::{Server, fox, fox_with};

#[tokio::test]
async fn the_behaviour_in_force_is_reported() {
    let server = Server::start().await;
    let change = json!({"latency_ms": 5, "fail": "quota", "times": 3, "retry_after_ms": 7});
    server.control_post("behaviour", &change).await;
    server.generate(&fox()).await;
    let report: Value = server.control_post("behaviour", &json!({})).await.json().await.expect("JSON");
    let expected = json!({
        "latency_ms": 5, "fail": "quota", "times": 2, "retry_after_ms": 7, "pad_bytes": 0,
    });
    assert_eq!(report, expected);

    for wrong in [json!({"fail": "no_such"}), json!({"no_such": 1}), json!([])] {
        let response = server.control_post("behaviour", &wrong).await;
        assert_eq!(response.status(), 400, "{wrong}");
        let reply: Value = response.json().await.expect("JSON");
        let message = reply["error"]["message"].as_str().expect("a text");
        let lists_names = message.contains("cut_mid_body") || message.contains("pad_bytes");
        assert_eq!(lists_names, wrong.is_object(), "{message}");
    }
}

#[tokio::test]
async fn the_journal_keeps_what_was_received_but_no_key() {
    let server = Server::start().await;
    let body = fox_with(&json!({"surprise": [1, 2]}));
    let request = server.generation(&body).header("x-trace", "abc");
    request.send().await.expect("a reply");
    server.post("/elsewhere").send().await.expect("a reply");
    let calls = server.control_get("calls").await;
    assert_eq!((&calls["calls"], &calls["in_flight"]), (&json!(2), &json!(0)));
    let [first, second] = calls["requests"].as_array().expect("a list").as_slice() else {
        panic!("two calls were received: {calls}");
    };
    assert_eq!(first["body"], body);
    assert_eq!(first["path"], "/v1/images/generations");
    assert_eq!(first["headers"]["x-trace"], "abc");
    assert_eq!(first["headers"].get("authorization"), None);
    assert!(first["at"].is_u64());
    assert_eq!(second["path"], "/v1/elsewhere");
    assert!(!calls.to_string().contains("any-key"));
}

#[tokio::test]
async fn the_journal_keeps_the_last_fifty_calls() {
    let server = Server::start().await;
    for number in 0..52 {
        server.post(&format!("/{number}")).send().await.expect("a reply");
    }
    let calls = server.control_get("calls").await;
    assert_eq!(calls["calls"], 52);
    let requests = calls["requests"].as_array().expect("a list");
    assert_eq!(requests.len(), 50);
    assert_eq!(requests[0]["path"], "/v1/2");
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let server = Server::start().await;
    server.generate(&fox()).await;
    server.behave(&json!({"fail": "quota", "times": 9, "pad_bytes": 9})).await;
    assert_eq!(server.bills().await.len(), 1);
    assert_eq!(server.control_post("reset", &json!({})).await.status(), 200);
    assert_eq!(server.bills().await.len(), 0);
    assert_eq!(server.control_get("calls").await["calls"], 0);
    let report: Value = server.control_post("behaviour", &json!({})).await.json().await.expect("JSON");
    assert_eq!((&report["fail"], &report["pad_bytes"]), (&Value::Null, &json!(0)));
    assert_eq!(server.generate(&fox()).await.status(), 200);
}
