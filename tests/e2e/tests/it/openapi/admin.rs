//! What operators call, but for the feed.

use std::time::Duration;

use e2e::{fetch, picture, with};
use serde_json::json;

use super::calls::{Calls, Sent, Who};

pub(super) async fn clients(calls: &mut Calls<'_>) {
    let (all, one) = ("/admin/v1/clients", "/admin/v1/clients/{id}");
    let policy = json!({ "budget_per_day_usd": "1.00", "budget_per_month_usd": null });
    calls.send(Who::Admin, "POST", all, all, json!({ "id": "listed", "policy": policy }), 201).await;
    calls.send(Who::Admin, "POST", all, all, json!({ "id": "listed", "policy": policy }), 409).await;
    calls.send(Who::Admin, "POST", all, all, json!({ "id": "listed" }), 400).await;
    calls.get(Who::Admin, all, &format!("{all}?limit=1"), 200).await;
    calls.get(Who::Admin, all, &format!("{all}?limit=0"), 400).await;
    calls.get(Who::Client, all, all, 403).await;
    calls.get(Who::Nobody, all, all, 401).await;
    let listed = format!("{all}/listed");
    calls.get(Who::Admin, one, &listed, 200).await;
    calls.get(Who::Admin, one, &format!("{all}/nobody"), 404).await;
    calls.send(Who::Admin, "PATCH", one, &listed, json!({ "policy": { "tags": ["a"] } }), 200).await;
    calls.send(Who::Admin, "PATCH", one, &listed, json!({ "policy": { "tags": "a" } }), 400).await;
    calls.send(Who::Admin, "PATCH", one, &format!("{all}/nobody"), json!({}), 404).await;
    calls.send(Who::Client, "PATCH", one, &listed, json!({}), 403).await;
    for (kind, name, key, most) in [("keys", "{key_id}", "id", 2), ("signing-keys", "{kid}", "kid", 5)] {
        let (path, to) = (format!("{one}/{kind}"), format!("{listed}/{kind}"));
        let post = |to: String| (to, Sent::default());
        let mut made = String::new();
        for _ in 0..most {
            let (to, sent) = post(to.clone());
            let reply = calls.call(Who::Admin, "POST", &path, &to, sent, 201).await;
            made = reply.json().unwrap()[key].as_str().unwrap_or_default().to_owned();
        }
        calls.call(Who::Admin, "POST", &path, &to, Sent::default(), 409).await;
        calls.call(Who::Admin, "POST", &path, &format!("{all}/nobody/{kind}"), Sent::default(), 404).await;
        let path = format!("{path}/{name}");
        for status in [200, 404] {
            calls.call(Who::Admin, "DELETE", &path, &format!("{to}/{made}"), Sent::default(), status).await;
        }
    }
    calls.get(Who::Admin, one, &listed, 200).await;
    let deployment = "/admin/v1/deployment";
    calls.get(Who::Admin, deployment, deployment, 200).await;
    calls.send(Who::Admin, "PATCH", deployment, deployment, json!({ "requests_per_minute": 1_000_000 }), 200).await;
    calls.send(Who::Admin, "PATCH", deployment, deployment, json!({ "requests_per_minute": 0 }), 400).await;
    calls.pincel.unlimit_deployment().await.unwrap();
}

pub(super) async fn settings(calls: &mut Calls<'_>) {
    let (path, history) = ("/admin/v1/settings", "/admin/v1/settings/history");
    let before = calls.get(Who::Admin, path, path, 200).await.json().unwrap();
    let mut version = before["version"].clone();
    for (change, status) in [
        (json!({ "retention": { "max_idle_days": 3_650 } }), 200),
        (json!({ "generation": "off" }), 200),
        (json!({ "generation": "maybe" }), 400),
        (json!({ "colour": "red" }), 400),
    ] {
        let body = json!({ "version": version, "settings": change });
        let reply = calls.send(Who::Admin, "PUT", path, path, body, status).await.json().unwrap();
        version = reply.get("version").unwrap_or(&version).clone();
    }
    let asked = picture("a contract that nobody makes");
    let reply = fetch(calls.pincel.post(&asked)).await.unwrap();
    calls.hold(&reply, "POST", "/v1/images/generations", "/v1/images/generations", 503);
    calls.send(Who::Admin, "PUT", path, path, json!({ "version": before["version"], "settings": {} }), 409).await;
    let back =
        json!({ "version": version, "settings": { "generation": "on", "retention": { "max_idle_days": null } } });
    calls.send(Who::Admin, "PUT", path, path, back.clone(), 200).await;
    calls.send(Who::Client, "PUT", path, path, back, 403).await;
    calls.get(Who::Admin, history, &format!("{history}?limit=1"), 200).await;
    calls.get(Who::Admin, history, &format!("{history}?limit=101"), 400).await;
    calls.get(Who::Nobody, history, history, 401).await;
}

pub(super) async fn usage(calls: &mut Calls<'_>) {
    let (overview, metrics, reconcile) = ("/admin/v1/overview", "/admin/v1/metrics", "/admin/v1/reconcile");
    for window in ["", "?window=15m", "?window=24h", "?window=30d"] {
        calls.get(Who::Admin, overview, &format!("{overview}{window}"), 200).await;
    }
    for wrong in ["?window=401d", "?window=soon", "?since=1h"] {
        calls.get(Who::Admin, overview, &format!("{overview}{wrong}"), 400).await;
    }
    calls.get(Who::Admin, metrics, metrics, 200).await;
    for path in [overview, metrics] {
        calls.get(Who::Client, path, path, 403).await;
    }
    let export = json!({ "object": "page", "data": [], "has_more": false, "next_page": null }).to_string();
    let to = format!("{reconcile}?from=1795478400000&to=1795564800000");
    let send = |kind, text| Sent { text: Some((kind, text)), ..Sent::default() };
    calls.call(Who::Admin, "POST", reconcile, &to, send("application/json", &export), 200).await;
    calls.call(Who::Admin, "POST", reconcile, &to, send("application/json", "{"), 400).await;
    calls.call(Who::Admin, "POST", reconcile, &to, send("application/pdf", "{}"), 415).await;
    calls.call(Who::Client, "POST", reconcile, &to, send("application/json", &export), 403).await;
}

pub(super) async fn catalog(calls: &mut Calls<'_>, key: &str) {
    let (all, one) = ("/admin/v1/images", "/admin/v1/images/{key}");
    let first = calls.get(Who::Admin, all, &format!("{all}?limit=1"), 200).await.json().unwrap();
    let next = first["next"].as_str().unwrap_or_default();
    calls.get(Who::Admin, all, &format!("{all}?limit=1&after={next}"), 200).await;
    calls.get(Who::Admin, all, &format!("{all}?limit=1&sort=hits&after={next}"), 400).await;
    calls
        .get(
            Who::Admin,
            all,
            &format!("{all}?q=contract&client=dev&size=1024x640&sort=cost&order=asc&min_cost_usd=0.001"),
            200,
        )
        .await;
    for wrong in ["limit=201", "sort=colour", "colour=red", "min_cost_usd=-1", "size=large"] {
        calls.get(Who::Admin, all, &format!("{all}?{wrong}"), 400).await;
    }
    calls.get(Who::Client, all, all, 403).await;
    let none = "0".repeat(64);
    for (path, rest) in [(one.to_owned(), ""), (format!("{one}/explain"), "/explain")] {
        calls.get(Who::Admin, &path, &format!("{all}/{key}{rest}"), 200).await;
        calls.get(Who::Admin, &path, &format!("{all}/{none}{rest}"), 404).await;
        calls.get(Who::Client, &path, &format!("{all}/{key}{rest}"), 403).await;
    }
    let explain = "/admin/v1/explain";
    let request = picture("a contract of another kind");
    for (body, status) in [
        (json!({ "request": request, "client": "dev" }), 200),
        (json!({ "url": "/v1/image?prompt=a+contract&quality=low&size=1024x640", "client": "dev" }), 200),
        (json!({ "request": with(&request, json!({ "quality": "best" })), "client": "dev" }), 400),
        (json!({ "client": "dev" }), 400),
        (json!({ "request": request, "client": "nobody" }), 404),
    ] {
        calls.send(Who::Admin, "POST", explain, explain, body, status).await;
    }
    calls.send(Who::Client, "POST", explain, explain, json!({ "request": request, "client": "dev" }), 403).await;
}

pub(super) async fn purges(calls: &mut Calls<'_>, key: &str) {
    let (purge, all, one) = ("/admin/v1/purge", "/admin/v1/purges", "/admin/v1/purges/{id}");
    let selector = json!({ "keys": [key] });
    calls.send(Who::Admin, "POST", purge, purge, json!({ "selector": selector, "dry_run": true }), 200).await;
    for wrong in [
        json!({ "selector": {} }),
        json!({ "selector": { "colour": "red" } }),
        json!({ "selector": { "all": false } }),
        json!([]),
    ] {
        calls.send(Who::Admin, "POST", purge, purge, wrong, 400).await;
    }
    calls.send(Who::Client, "POST", purge, purge, json!({ "selector": selector }), 403).await;
    for mode in ["soft", "hard"] {
        let begun = fetch(calls.pincel.admin("POST", purge).json(&json!({ "selector": selector, "mode": mode })))
            .await
            .unwrap();
        // One picture may be done before the reply, and may not.
        let status = if begun.status == 200 { 200 } else { 202 };
        calls.hold(&begun, "POST", purge, purge, status);
        let to = format!("{all}/{}", begun.json().unwrap()["id"].as_str().unwrap_or_default());
        done(calls, one, &to, "done").await;
        gone(calls, &format!("/v1/images/{key}?take=0")).await;
        let undone = fetch(calls.pincel.admin("POST", &format!("{to}/undo"))).await.unwrap();
        let status = if mode == "hard" { 409 } else { undone.status.clamp(200, 202) };
        calls.hold(&undone, "POST", "/admin/v1/purges/{id}/undo", &to, status);
        if mode == "soft" {
            done(calls, one, &to, "undone").await;
        }
    }
    let none = format!("{all}/purge_{}", "0".repeat(32));
    calls.get(Who::Admin, one, &none, 404).await;
    calls.call(Who::Admin, "POST", "/admin/v1/purges/{id}/undo", &format!("{none}/undo"), Sent::default(), 404).await;
    calls.get(Who::Admin, all, &format!("{all}?limit=1"), 200).await;
    calls.get(Who::Admin, all, &format!("{all}?after=x"), 400).await;
    calls.get(Who::Client, all, all, 403).await;
}

/// Waits until the isolate has forgotten a take that was purged.
async fn gone(calls: &mut Calls<'_>, to: &str) {
    for _ in 0..150 {
        if fetch(calls.pincel.request("GET", to)).await.unwrap().status == 410 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    calls.get(Who::Client, "/v1/images/{key}", to, 410).await;
}

/// Waits for the state of a purge.
async fn done(calls: &mut Calls<'_>, path: &str, to: &str, state: &str) {
    for _ in 0..100 {
        let shown = calls.get(Who::Admin, path, to, 200).await.json().unwrap();
        if shown["state"] == state || shown["id"].is_null() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    calls.wrong.push(format!("{to} did not become {state}"));
}
