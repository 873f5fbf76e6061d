//! Clients as an operator keeps them: made, shown, changed and listed.

use e2e::{Keys, fetch, with};
use serde_json::{Value, json};

use crate::check::{field, refusal};
use crate::shared::shared;

#[tokio::test]
async fn a_client_is_made_shown_changed_and_listed() {
    let pincel = shared().await;
    let policy = json!({
        "budget_per_day_usd": "10.00", "budget_per_month_usd": null, "models": ["gpt-image-2"], "sizes": ["1024x1024", "auto"],
        "qualities": ["low"], "requests_per_minute": 60, "concurrent_generations": 10, "dedup": "off",
        "namespace": "winter-sale", "unknown_hold_seconds": "operator", "tags": ["winter"], "when_suspended": "nothing",
    });
    let body = json!({ "id": "whole", "name": "The shop", "scopes": ["images:read"], "policy": policy });
    let made = fetch(pincel.admin("POST", "/admin/v1/clients").json(&body)).await.unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    let document = made.json().unwrap();
    for (name, expected) in [
        ("id", json!("whole")),
        ("name", json!("The shop")),
        ("state", json!("active")),
        ("scopes", json!(["images:read"])),
        ("policy", policy.clone()),
        ("keys", json!([])),
        ("signing_keys", json!([])),
    ] {
        assert_eq!(document[name], expected, "{name}");
    }
    let day = &document["spending"]["day"];
    for (name, expected) in [
        ("limit_usd", json!("10.00")),
        ("settled_usd", json!("0.00")),
        ("kept_usd", json!("0.00")),
        ("reserved_usd", json!("0.00")),
        ("left_usd", json!("10.00")),
        ("warned_percent", json!(0)),
    ] {
        assert_eq!(day[name], expected, "{name} of {day}");
    }
    assert!(day["start"].as_str().unwrap().starts_with(document["spending"]["month"]["start"].as_str().unwrap()));
    assert_eq!(document["spending"]["month"]["limit_usd"], Value::Null);
    assert_eq!(document["spending"]["month"]["left_usd"], Value::Null);
    assert_eq!((&document["spending"]["open_reserves"], &document["spending"]["events"]), (&json!(0), &json!([])));
    let found = pincel.acting_as(Keys { api_key: "pcl_whole_".to_owned(), ..pincel.keys.clone() });
    assert_eq!(found.document().await.unwrap(), document);
    refusal(&fetch(pincel.admin("POST", "/admin/v1/clients").json(&body)).await.unwrap(), 409, "client_exists");

    // What is given replaces, also by null; the rest stays.
    let change = json!({ "name": "Closed", "policy": { "models": null, "budget_per_month_usd": "0.000000001" } });
    let changed = found.change(change).await.unwrap();
    let expected = with(&policy, json!({ "budget_per_month_usd": "0.000000001" }));
    assert_eq!((&changed["name"], &changed["state"]), (&json!("Closed"), &json!("active")));
    for (name, value) in expected.as_object().unwrap() {
        let value = if name == "models" { &Value::Null } else { value };
        assert_eq!(&changed["policy"][name], value, "{name}");
    }
    assert_eq!(changed["spending"]["month"]["limit_usd"], "0.000000001");
    assert_eq!(found.document().await.unwrap()["policy"], changed["policy"]);

    // What a client has that says nothing but its budgets.
    let plain = pincel.new_client("plain", json!({})).await.unwrap();
    let document = plain.document().await.unwrap();
    assert_eq!(document["scopes"], json!(["images:generate", "images:read"]));
    assert_eq!(
        document["policy"],
        json!({
            "budget_per_day_usd": null, "budget_per_month_usd": null, "models": null, "sizes": null, "qualities": null,
            "requests_per_minute": null, "concurrent_generations": null, "dedup": "on", "namespace": "default",
            "unknown_hold_seconds": 600, "tags": [], "when_suspended": "cached",
        })
    );

    // The list, by pages of one.
    let (mut after, mut ids) = (String::new(), Vec::new());
    loop {
        let page = fetch(pincel.admin("GET", &format!("/admin/v1/clients?after={after}&limit=1"))).await.unwrap();
        let page = page.json().unwrap();
        ids.extend(page["clients"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert!(ids.is_sorted(), "{ids:?}");
    let all = fetch(pincel.admin("GET", "/admin/v1/clients?limit=100")).await.unwrap().json().unwrap();
    let listed = |id: &str, name: &str| all["clients"].as_array().unwrap().contains(&json!({ "id": id, "name": name }));
    assert!(listed("whole", "Closed") && listed("dev", "This machine"), "{all}");
    for id in ["dev", "plain", "whole"] {
        assert_eq!(ids.iter().filter(|listed| *listed == id).count(), 1, "{id} in {ids:?}");
    }
}

#[tokio::test]
async fn what_an_operator_cannot_mean_is_refused() {
    let pincel = shared().await;
    let good = json!({ "id": "wrong", "policy": { "budget_per_day_usd": "1.00", "budget_per_month_usd": null } });
    let policy = |change| json!({ "policy": with_nulls(&good["policy"], &change) });
    for (change, code, says) in [
        (json!({ "id": null }), "invalid_value", "32"),
        (json!({ "id": "a-b" }), "invalid_value", "32"),
        (json!({ "id": "x".repeat(33) }), "invalid_value", "32"),
        (json!({ "colour": "red" }), "unknown_parameter", "colour"),
        (json!({ "state": "suspended" }), "unknown_parameter", "state"),
        (json!({ "scopes": ["images:burn"] }), "invalid_value", "images:generate"),
        (json!({ "policy": null }), "invalid_value", "budget"),
        (json!({ "policy": { "budget_per_day_usd": null } }), "invalid_value", "budget_per_month_usd"),
        (policy(json!({ "colour": "red" })), "unknown_parameter", "colour"),
        (policy(json!({ "budget_per_day_usd": 10 })), "invalid_value", "policy"),
        (policy(json!({ "budget_per_day_usd": "-1.00" })), "invalid_value", "amount"),
        (policy(json!({ "budget_per_day_usd": "0.0000000001" })), "invalid_value", "amount"),
        (policy(json!({ "models": ["dall-e-3"] })), "invalid_value", "dall-e-3"),
        (policy(json!({ "sizes": ["large"] })), "invalid_value", "large"),
        (policy(json!({ "qualities": ["best"] })), "invalid_value", "best"),
        (policy(json!({ "requests_per_minute": 0 })), "invalid_value", "policy"),
        (policy(json!({ "concurrent_generations": -1 })), "invalid_value", "policy"),
        (policy(json!({ "dedup": true })), "invalid_value", "policy"),
        (policy(json!({ "namespace": "a b" })), "invalid_value", "namespace"),
        (policy(json!({ "unknown_hold_seconds": "soon" })), "invalid_value", "unknown_hold_seconds"),
    ] {
        let reply = fetch(pincel.admin("POST", "/admin/v1/clients").json(&with(&good, change.clone()))).await.unwrap();
        refusal(&reply, 400, code);
        assert!(field(&reply, "/error/message").contains(says), "{change}: {reply:?}");
    }
    let missing = pincel.acting_as(Keys { api_key: "pcl_wrong_".to_owned(), ..pincel.keys.clone() });
    for (method, path) in [
        ("GET", missing.admin_path("")),
        ("PATCH", missing.admin_path("")),
        ("POST", missing.admin_path("/keys")),
        ("POST", missing.admin_path("/signing-keys")),
        ("DELETE", missing.admin_path("/keys/1")),
        ("DELETE", missing.admin_path("/signing-keys/wrong-00000000")),
    ] {
        let request = pincel.admin(method, &path);
        let request = if method == "PATCH" { request.json(&json!({})) } else { request };
        refusal(&fetch(request).await.unwrap(), 404, "client_not_found");
    }
    for kind in ["keys", "signing-keys"] {
        let reply = fetch(pincel.admin("DELETE", &pincel.admin_path(&format!("/{kind}/none")))).await.unwrap();
        refusal(&reply, 404, "key_not_found");
    }
}

/// `with`, but that a null is a value.
fn with_nulls(members: &Value, change: &Value) -> Value {
    let mut all = members.as_object().cloned().unwrap_or_default();
    all.extend(change.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}
