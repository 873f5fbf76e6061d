//! What a client may: its scopes, its policy, its state; and what clients do not share.

use std::collections::BTreeSet;

use e2e::{Client, Reply, fetch, picture, sign, with};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::check::{field, hit, refusal, refusal_of, whole_picture};
use crate::shared::shared;

#[tokio::test]
async fn a_suspended_client_gets_what_its_policy_says() {
    let pincel = shared().await;
    for (id, when_suspended) in [("asleep", "cached"), ("banned", "nothing")] {
        let client = pincel.new_client(id, json!({ "when_suspended": when_suspended })).await.unwrap();
        let (there, nowhere) = (picture(&format!("a lullaby for {id}")), picture(&format!("a dream of {id}")));
        let made = fetch(client.get(&there)).await.unwrap();
        whole_picture(&made);
        let key = format!("/v1/images/{}", made.header("x-pincel-key"));
        client.change(json!({ "state": "suspended" })).await.unwrap();
        for request in [client.get(&nowhere), client.post(&nowhere), client.get_signed(&nowhere)] {
            suspended(&fetch(request).await.unwrap());
        }
        for request in [client.get(&there), client.post(&there), client.get_signed(&there), client.request("GET", &key)]
        {
            let reply = fetch(request).await.unwrap();
            if when_suspended == "cached" { hit(&reply) } else { suspended(&reply) }
        }
        let more = fetch(client.get(&there).header("cache-control", "no-cache")).await.unwrap();
        suspended(&more);
        assert_eq!(client.bills(nowhere["prompt"].as_str().unwrap()).await.unwrap().len(), 0);
        client.change(json!({ "state": "active" })).await.unwrap();
        whole_picture(&fetch(client.get(&nowhere)).await.unwrap());
    }
}

fn suspended(reply: &Reply) {
    refusal(reply, 403, "client_suspended");
    assert_eq!(reply.header("x-should-retry"), "false", "{reply:?}");
}

#[tokio::test]
async fn scopes_are_all_that_credentials_allow() {
    let pincel = shared().await;
    let scoped = async |id: &str, scopes: Value| {
        pincel.new_client_with(id, json!({ "scopes": scopes }), json!({})).await.unwrap()
    };
    let reader = scoped("reader", json!(["images:read"])).await;
    let maker = scoped("maker", json!(["images:generate", "images:read"])).await;
    let auditor = scoped("auditor", json!(["admin:read"])).await;
    let operator = scoped("operator", json!(["admin:read", "admin:write"])).await;
    let writer = scoped("writer", json!(["admin:write"])).await;
    let asked = picture("a public library");
    let made = fetch(maker.get(&asked)).await.unwrap();
    whole_picture(&made);
    let key = format!("/v1/images/{}", made.header("x-pincel-key"));

    // (who, may read pictures, may have them made, may read as an operator, may change as one)
    let rows = [
        (&reader, true, false, false, false),
        (&maker, true, true, false, false),
        (&auditor, false, false, true, false),
        (&operator, false, false, true, true),
        (&writer, false, false, false, true),
    ];
    for (who, reads, makes, looks, changes) in rows {
        let may = async |request: reqwest::RequestBuilder, allowed: bool, what: &str| {
            let reply = fetch(request).await.unwrap();
            if allowed {
                assert!(matches!(reply.status, 200 | 201), "{} {what}: {reply:?}", who.id());
            } else {
                refusal(&reply, 403, "insufficient_scope");
                assert_eq!(reply.header("x-should-retry"), "false", "{reply:?}");
            }
        };
        let new = picture(&format!("a donation by {}", who.id()));
        may(who.request("GET", &key), reads, "reads by key").await;
        may(who.get_signed(&asked), reads, "reads by signature").await;
        may(who.post(&new), makes, "makes").await;
        may(who.get_signed(&with(&new, json!({ "quality": "medium" }))), makes, "makes by signature").await;
        for path in [
            "/admin/v1/clients".to_owned(),
            maker.admin_path(""),
            "/admin/v1/deployment".to_owned(),
            format!("/admin{key}"),
        ] {
            may(who.request("GET", &path), looks, &path).await;
        }
        let id = format!("{}s", who.id());
        let body = json!({ "id": id, "policy": { "budget_per_day_usd": null, "budget_per_month_usd": null } });
        may(who.request("POST", "/admin/v1/clients").json(&body), changes, "makes a client").await;
        may(who.request("PATCH", &reader.admin_path("")).json(&json!({})), changes, "changes a client").await;
        may(who.request("PATCH", "/admin/v1/deployment").json(&json!({})), changes, "changes all").await;
        let extra = pincel.new_client(&format!("{id}x"), json!({})).await.unwrap();
        for (kind, revoked) in [("keys", key_id(&extra).await), ("signing-keys", extra.keys.signing_key_id.clone())] {
            may(who.request("POST", &extra.admin_path(&format!("/{kind}"))), changes, "makes a key").await;
            may(who.request("DELETE", &extra.admin_path(&format!("/{kind}/{revoked}"))), changes, "revokes a key")
                .await;
        }
    }
    // A signed URL is no credential for what an operator does.
    let keys = &operator.keys;
    let soon = sign::seconds_from_now(60);
    let signed = sign::signed("/admin/v1/clients", &[], &keys.signing_key_id, &keys.signing_secret, soon);
    refusal(&fetch(pincel.anonymous("GET", &signed)).await.unwrap(), 401, "missing_credentials");
}

async fn key_id(client: &Client) -> String {
    client.document().await.unwrap()["keys"][0]["id"].as_str().unwrap().to_owned()
}

/// What a policy leaves out is refused with what it allows, whether or not the picture exists.
#[tokio::test]
async fn a_policy_names_what_it_allows() {
    let pincel = shared().await;
    let asked = picture("a menu");
    whole_picture(&fetch(pincel.get(&asked)).await.unwrap());
    let policy =
        json!({ "models": ["gpt-image-2"], "sizes": ["1024x1024", "1024x1536"], "qualities": ["low", "medium"] });
    let strict = pincel.new_client("strict", policy).await.unwrap();
    let good = json!({ "prompt": "a menu", "model": "gpt-image-2", "size": "1024x1024", "quality": "low" });
    whole_picture(&fetch(strict.get(&good)).await.unwrap());
    for (change, code, param, allowed) in [
        (json!({ "model": "gpt-image-2.6-flare" }), "model_not_allowed", "model", ["gpt-image-2"].as_slice()),
        (json!({ "model": null }), "model_not_allowed", "model", &["gpt-image-2"]),
        (json!({ "size": "1024x640" }), "size_not_allowed", "size", &["1024x1024", "1024x1536"]),
        (json!({ "size": "auto" }), "size_not_allowed", "size", &["1024x1024"]),
        (json!({ "size": null }), "size_not_allowed", "size", &["1024x1024"]),
        (json!({ "quality": "high" }), "quality_not_allowed", "quality", &["low", "medium"]),
        (json!({ "quality": "auto" }), "quality_not_allowed", "quality", &["low"]),
        (json!({ "quality": null }), "quality_not_allowed", "quality", &["medium"]),
    ] {
        let asked = with(&good, change.clone());
        for request in [
            strict.get(&asked),
            strict.post(&asked),
            strict.get_signed(&asked),
            strict.request("POST", "/v1/images/quote").json(&asked),
            strict.request("POST", "/v1/images/sign").json(&asked),
        ] {
            let reply = fetch(request).await.unwrap();
            refusal_of(&reply, 403, code, param);
            assert_eq!(reply.header("x-should-retry"), "false", "{reply:?}");
            let message = field(&reply, "/error/message");
            assert!(allowed.iter().all(|name| message.contains(name)), "{change}: {message}");
        }
    }
    // The picture of the other client is there, and its existence opens nothing.
    refusal(&fetch(strict.get(&asked)).await.unwrap(), 403, "model_not_allowed");
    let auto = pincel.new_client("auto", json!({ "sizes": ["auto"], "qualities": ["auto"] })).await.unwrap();
    whole_picture(&fetch(auto.get(&json!({ "prompt": "a menu" }))).await.unwrap());
    refusal(&fetch(auto.get(&asked)).await.unwrap(), 403, "size_not_allowed");
}

#[tokio::test]
async fn namespaces_share_nothing_and_clients_of_one_share_all() {
    let pincel = shared().await;
    let asked = picture("a commons");
    let mut keys = BTreeSet::new();
    for (namespace, first, second) in [("north", "north1", "north2"), ("south", "south1", "south2")] {
        let first = pincel.new_client(first, json!({ "namespace": namespace })).await.unwrap();
        let second = pincel.new_client(second, json!({ "namespace": namespace })).await.unwrap();
        let bills = pincel.bills("a commons").await.unwrap().len();
        let made = fetch(first.get(&asked)).await.unwrap();
        whole_picture(&made);
        assert_eq!(made.header("cache-status"), "pincel; fwd=uri-miss; stored");
        let found = fetch(second.get(&asked)).await.unwrap();
        hit(&found);
        assert_eq!(found.body, made.body);
        assert_eq!(pincel.bills("a commons").await.unwrap().len(), bills + 1);
        keys.insert(made.header("x-pincel-key").to_owned());
        // Only the one that had it made has paid.
        assert_eq!(second.settled_spending().await.unwrap()["day"]["settled_usd"], "0.00");
        let paid = first.settled_spending().await.unwrap();
        assert_eq!(paid["day"]["settled_usd"], made.header("x-pincel-cost"), "{paid}");
    }
    assert_eq!(keys.len(), 2, "the same key in two namespaces");
}

#[tokio::test]
async fn without_dedup_every_call_is_a_fresh_take() {
    let pincel = shared().await;
    let client = pincel.new_client("fresh", json!({ "dedup": "off" })).await.unwrap();
    let asked = picture("a snowflake");
    let calls = join_all((0..4).map(|_| fetch(client.post(&asked)))).await;
    let mut pictures: BTreeSet<Vec<u8>> = calls.into_iter().map(|reply| reply.unwrap().picture().unwrap()).collect();
    pictures.insert(fetch(client.post(&asked)).await.unwrap().picture().unwrap());
    assert_eq!(pictures.len(), 5);
    assert_eq!(client.bills("a snowflake").await.unwrap().len(), 5);
}
