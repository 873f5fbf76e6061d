//! What surrounds the pictures: probes, CORS, and requests that no route takes.

use e2e::{Bare, Keys, PLAIN, Worker, fetch, picture};
use serde_json::json;

use crate::check::{common, refusal};
use crate::shared::shared;

#[tokio::test]
async fn probes_answer() {
    let pincel = shared().await;
    for (path, name, value) in [("/healthz", "status", json!("ok")), ("/readyz", "ready", json!(true))] {
        let reply = fetch(pincel.anonymous("GET", path)).await.unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        common(&reply);
        assert_eq!(reply.json().unwrap()[name], value, "{reply:?}");
    }
}

/// A setting that cannot be read is named to the operator, and opens nothing.
#[tokio::test]
async fn an_unusable_setting_closes_the_door() {
    let vars = [("PINCEL_SECRET", "hunter2"), ("UNKNOWN_HOLD_SECONDS", "soon")];
    let running = Bare::start(&[Worker { vars: &vars, ..PLAIN }]).await.unwrap();
    let operator = running.operator();
    let pincel = operator.acting_as(Keys {
        api_key: format!("pcl_shop_{}", "k".repeat(43)),
        signing_key_id: "shop-00000000".to_owned(),
        signing_secret: "s".repeat(43),
        ..operator.keys.clone()
    });
    let ready = fetch(pincel.anonymous("GET", "/readyz")).await.unwrap();
    assert_eq!((ready.status, &ready.json().unwrap()["ready"]), (503, &json!(false)), "{ready:?}");
    let problems = ready.json().unwrap()["problems"].to_string();
    assert!(problems.contains("PINCEL_SECRET") && problems.contains("UNKNOWN_HOLD_SECONDS"), "{problems}");
    assert!(!problems.contains("hunter2"), "{problems}");
    let asked = picture("a closed door");
    for request in [
        pincel.get(&asked),
        pincel.post(&asked),
        pincel.get_signed(&asked),
        pincel.get(&asked).bearer_auth("hunter2"),
        pincel.admin("GET", &format!("/admin/v1/images/{}", "0".repeat(64))),
        pincel.admin("GET", "/admin/v1/clients"),
        pincel.admin("GET", "/admin/v1/deployment"),
        pincel.request("POST", "/v1/images/quote").json(&asked),
        pincel.request("POST", "/v1/images/sign").json(&asked),
    ] {
        refusal(&fetch(request).await.unwrap(), 503, "not_configured");
    }
    assert_eq!(pincel.call_count().await.unwrap(), 0);
}

#[tokio::test]
async fn requests_that_no_route_takes() {
    let pincel = shared().await;
    let key = "0".repeat(64);
    for path in [
        "/".to_owned(),
        "/v1".to_owned(),
        "/v1/images".to_owned(),
        "/v1/image/".to_owned(),
        format!("/v1/images/{}", "0".repeat(63)),
        format!("/v1/images/{}", "G".repeat(64)),
        format!("/v1/images/{key}/x"),
        "/.pincel/0".to_owned(),
        "//v1/image".to_owned(),
    ] {
        refusal(&fetch(pincel.request("GET", &path)).await.unwrap(), 404, "unknown_url");
    }
    for (method, path, allowed) in [
        ("POST", "/v1/image".to_owned(), "GET, HEAD, OPTIONS"),
        ("DELETE", format!("/v1/images/{key}"), "GET, HEAD, OPTIONS"),
        ("GET", "/v1/images/generations".to_owned(), "POST, OPTIONS"),
        ("PUT", "/healthz".to_owned(), "GET, HEAD, OPTIONS"),
        ("GET", "/v1/images/quote".to_owned(), "POST, OPTIONS"),
        ("GET", "/v1/images/sign".to_owned(), "POST, OPTIONS"),
    ] {
        let reply = fetch(pincel.request(method, &path)).await.unwrap();
        refusal(&reply, 405, "method_not_allowed");
        assert_eq!(reply.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_and_read() {
    let pincel = shared().await;
    for (path, methods) in [("/v1/image", "GET, HEAD, OPTIONS"), ("/v1/images/generations", "POST, OPTIONS")] {
        let request = pincel.anonymous("OPTIONS", path).header("origin", "https://shop.example");
        let reply = fetch(request.header("access-control-request-method", "POST")).await.unwrap();
        assert_eq!((reply.status, reply.body.len()), (204, 0), "{reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(reply.header("access-control-allow-methods"), methods);
        for name in ["authorization", "content-type", "cache-control", "range", "x-pincel-take", "traceparent"] {
            assert!(list(reply.header("access-control-allow-headers")).contains(&name), "{name}");
        }
    }
    let reply = fetch(pincel.get(&picture("a neighbour"))).await.unwrap();
    assert_eq!(reply.header("cross-origin-resource-policy"), "cross-origin");
    let exposed = list(reply.header("access-control-expose-headers"));
    // Of what a reply has, everything that a page cannot read without being allowed to.
    let read_anyway = ["cache-control", "content-type", "last-modified", "content-language", "expires", "pragma"];
    let others = ["server-timing", "cache-status", "etag", "age", "repr-digest", "x-request-id", "retry-after"];
    let ours =
        reply.headers.keys().map(reqwest::header::HeaderName::as_str).filter(|name| name.starts_with("x-pincel"));
    for name in ours.chain(others) {
        assert!(exposed.contains(&name) || read_anyway.contains(&name), "{name} of {exposed:?}");
    }
}

fn list(header: &str) -> Vec<&str> {
    header.split(',').map(str::trim).collect()
}
