//! Whatever fails, no log line and no refusal holds a secret or a prompt.

use e2e::{Edge, fetch, picture, with};
use serde_json::json;

use crate::check::common;

const MARK: &str = "zanzibar-unrepeatable-marker";

#[tokio::test]
async fn neither_logs_nor_refusals_tell_secrets() {
    let edge =
        Edge::start_saying("log", &[("GENERATION_TIMEOUT_SECONDS", "2"), ("UNKNOWN_HOLD_SECONDS", "60")]).unwrap();
    let pincel = edge.client().unwrap();
    let keys = &pincel.keys;
    let api_secret = keys.api_key.splitn(3, '_').nth(2).unwrap();
    let secrets = [
        MARK,
        &keys.api_key,
        &api_secret[..20],
        &keys.signing_secret,
        &keys.signing_secret[..20],
        &keys.admin_token,
        "sk-fake-for-the-stand-in",
    ];
    let tells = |text: &str| secrets.iter().find(|secret| text.contains(**secret)).map(|secret| (*secret).to_owned());

    let mut replies = Vec::new();
    for fail in [
        "rate_limit",
        "quota",
        "moderation",
        "unauthorized",
        "unverified",
        "server_error",
        "overloaded",
        "empty_404",
        "error_after_billing",
        "cut_before_billing",
        "cut_mid_body",
        "hang",
        "garbage",
        "not_an_image",
    ] {
        pincel.behave(json!({ "fail": fail, "times": 99, "retry_after_ms": 5 })).await.unwrap();
        let asked = picture(&format!("{MARK} {fail}"));
        for request in [pincel.get(&asked), pincel.post(&asked), pincel.get_signed(&asked)] {
            let reply = fetch(request).await.unwrap();
            assert!(reply.status >= 400, "{fail}: {reply:?}");
            replies.push(reply);
        }
    }
    pincel.behave_well().await.unwrap();
    let asked = picture(MARK);
    let bad = |change| with(&asked, change);
    let key = "0".repeat(64);
    for request in [
        pincel.get(&bad(json!({ "size": "7x7" }))),
        pincel.post(&bad(json!({ "n": 99 }))),
        pincel.post(&bad(json!({ "prompt": MARK.repeat(2_000) }))),
        pincel
            .request("POST", "/v1/images/generations")
            .header("content-type", "application/json")
            .body(format!("{{\"prompt\": \"{MARK}\"")),
        pincel.get(&asked).header("cache-control", "only-if-cached"),
        pincel.request("GET", &format!("/v1/image?prompt={MARK}%ff")),
        pincel.anonymous("GET", &format!("/v1/image?prompt={MARK}")),
        pincel.anonymous("GET", &format!("{}0", pincel.signed(&asked))),
        pincel.anonymous("GET", &pincel.signed_until(&asked, 1)),
        pincel.anonymous("GET", &format!("/v1/images/{key}")).bearer_auth(&keys.admin_token),
        pincel.anonymous("GET", &format!("/admin/v1/images/{key}")).bearer_auth(&keys.api_key),
        pincel.anonymous("GET", &format!("/{MARK}")),
        pincel.request("GET", &format!("/v1/images/{key}?{MARK}=1")).bearer_auth("other"),
    ] {
        let reply = fetch(request).await.unwrap();
        assert!(reply.status >= 400, "{reply:?}");
        replies.push(reply);
    }
    for reply in &replies {
        common(reply);
        let shown = format!("{:?} {}", reply.headers, String::from_utf8_lossy(&reply.body));
        assert_eq!(tells(&shown), None, "{shown}");
    }
    for receipts in replies.iter().map(|reply| reply.header("x-pincel-key")).filter(|key| !key.is_empty()) {
        let receipts = pincel.receipts(receipts).await.unwrap();
        assert_eq!(tells(&json!(receipts).to_string()), None, "{receipts:?}");
    }

    // One of each kind that succeeds is logged as well, or not at all.
    assert_eq!(fetch(pincel.get(&asked)).await.unwrap().status, 200);
    assert_eq!(fetch(pincel.post(&asked)).await.unwrap().status, 200);
    let log = edge.log();
    assert!(log.contains("request_failed"), "nothing of the Worker is in its log:\n{log}");
    // What wrangler itself says of a request that no route takes is its path.
    let lines = log.lines().filter(|line| !line.contains(&format!("GET /{MARK} 404")));
    for line in lines {
        assert_eq!(tells(line), None, "{line}");
    }
}
