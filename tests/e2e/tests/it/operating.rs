//! Looking and steering: lists, windows, settings, the kill switch, and who may.

use e2e::{Edge, fetch, picture, with};
use serde_json::{Value, json};

use crate::check::{field, hit, refusal, refusal_of, whole_picture};
use crate::shared::{alone, shared};

#[tokio::test]
async fn pictures_are_found_by_what_is_known_of_them() {
    let pincel = shared().await;
    let shop = pincel.new_client("finder", json!({ "tags": ["autumn"] })).await.unwrap();
    let nasty = "<script>alert('x')</script> \u{1b}[2J café NEAR( \"quoted\" OR *";
    for (prompt, model) in
        [("an orange pumpkin", "gpt-image-2"), ("an orange leaf", "gpt-image-2.5-flare"), (nasty, "gpt-image-2")]
    {
        whole_picture(&fetch(shop.get(&with(&picture(prompt), json!({ "model": model })))).await.unwrap());
    }
    let path = "images?client=finder";
    let page = pincel.seen_when(path, |page| page["images"].as_array().map(Vec::len) == Some(3)).await.unwrap();
    assert_eq!(page["images"][0]["prompt"], nasty, "as it was asked for: {page:#}");
    let rows = [
        ("q=orange", 2),
        ("q=ORANGE%20pump", 1),
        ("q=cafe", 1),
        ("q=%22quoted%22%20OR%20*", 1),
        ("q=orange%20NOT%20leaf", 0),
        ("q=%F0%9F%8E%83", 0),
        ("model=gpt-image-2", 2),
        ("tag=autumn", 3),
        ("tag=spring", 0),
        ("size=1024x640", 3),
        ("min_cost_usd=1000", 0),
        ("state=purged", 0),
        ("created_before=1", 0),
    ];
    for (query, count) in rows {
        let page = pincel.seen(&format!("{path}&{query}")).await.unwrap();
        assert_eq!(page["images"].as_array().map(Vec::len), Some(count), "{query} {page:#}");
    }
    // Page by page, in either order, it is the same list.
    for order in ["asc", "desc"] {
        for sort in ["created", "hits", "cost", "bytes", "last_hit"] {
            let whole = pincel.seen(&format!("{path}&sort={sort}&order={order}")).await.unwrap();
            let mut paged = Vec::new();
            let mut next = String::new();
            for _ in 0..3 {
                let page = pincel.seen(&format!("{path}&sort={sort}&order={order}&limit=1{next}")).await.unwrap();
                paged.extend(page["images"].as_array().unwrap().clone());
                next = page["next"].as_str().map_or(String::new(), |next| format!("&after={next}"));
            }
            assert_eq!(Value::Array(paged), whole["images"], "{sort} {order}");
            assert_eq!(next, "", "{sort} {order}");
        }
    }
    let first = pincel.seen(&format!("{path}&limit=1")).await.unwrap();
    let cursor = first["next"].as_str().unwrap();
    for query in [format!("q=orange&after={cursor}"), format!("client=finder&after={cursor}x"), "after=!".to_owned()] {
        let reply = fetch(pincel.admin("GET", &format!("/admin/v1/images?{query}"))).await.unwrap();
        refusal(&reply, 400, "invalid_cursor");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name() {
    let pincel = shared().await;
    for (path, param) in [
        ("overview?window=100y", "window"),
        ("overview?window=9999d", "window"),
        ("overview?window=0h", "window"),
        ("overview?widow=1h", "widow"),
        ("images?limit=0", "limit"),
        ("images?limit=1001", "limit"),
        ("images?sort=beauty", "sort"),
        ("images?min_cost_usd=-1", "min_cost_usd"),
        ("images?created_after=yesterday", "created_after"),
        ("images?colour=red", "colour"),
        ("settings/history?limit=x", "limit"),
        ("metrics?x=1", "x"),
    ] {
        let reply = fetch(pincel.admin("GET", &format!("/admin/v1/{path}"))).await.unwrap();
        assert_eq!(reply.status, 400, "{path} {reply:?}");
        assert_eq!(field(&reply, "/error/param"), param, "{reply:?}");
    }
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let pincel = shared().await;
    let looker = pincel.new_client_with("looker", json!({ "scopes": ["admin:read"] }), json!({})).await.unwrap();
    let made = fetch(pincel.get(&picture("an exhibit"))).await.unwrap();
    let key = made.header("x-pincel-key");
    for path in [
        "overview",
        "images",
        "purges",
        "settings",
        "settings/history",
        "metrics",
        &format!("images/{key}"),
        &format!("images/{key}/explain"),
    ] {
        let reply = fetch(looker.request("GET", &format!("/admin/v1/{path}"))).await.unwrap();
        assert_eq!(reply.status, 200, "{path} {reply:?}");
    }
    let purge = json!({ "selector": { "keys": [key] } });
    let settings = json!({ "version": 0, "settings": { "generation": "off" } });
    let undo = format!("/admin/v1/purges/purge_{}/undo", "0".repeat(32));
    let change = |method: &str, path: &str, body: &Value| looker.request(method, path).json(body);
    for request in [
        change("POST", "/admin/v1/purge", &purge),
        change("PUT", "/admin/v1/settings", &settings),
        change("POST", &undo, &json!({})),
        // Before anything is said about what is wrong with it.
        change("POST", "/admin/v1/purge", &json!({ "selector": {} })),
    ] {
        refusal(&fetch(request).await.unwrap(), 403, "insufficient_scope");
    }
    // And nobody without a scope of an operator sees anything.
    for path in ["overview", "images", "purges", "settings", "metrics", "events"] {
        refusal(&fetch(pincel.request("GET", &format!("/admin/v1/{path}"))).await.unwrap(), 403, "insufficient_scope");
        refusal(
            &fetch(pincel.anonymous("GET", &format!("/admin/v1/{path}"))).await.unwrap(),
            401,
            "missing_credentials",
        );
    }
    hit(&fetch(pincel.get(&picture("an exhibit"))).await.unwrap());
}

#[tokio::test]
async fn the_kill_switch_stops_making_and_not_serving() {
    let edge = Edge::start(&[]).unwrap();
    let pincel = edge.client().unwrap();
    let kept = fetch(pincel.get(&picture("a kept promise"))).await.unwrap();
    whole_picture(&kept);
    let settings = pincel.seen("settings").await.unwrap();
    assert_eq!((&settings["version"], &settings["settings"]["generation"]), (&json!(0), &json!("on")), "{settings:#}");
    let put = |version: u64, changes: Value| {
        fetch(pincel.admin("PUT", "/admin/v1/settings").json(&json!({ "version": version, "settings": changes })))
    };
    let off = put(0, json!({ "generation": "off" })).await.unwrap();
    assert_eq!((off.status, field(&off, "/by").as_str()), (200, "admin"), "{off:?}");
    for request in [pincel.get(&picture("an unkept one")), pincel.post(&picture("an unkept one"))] {
        let reply = fetch(request).await.unwrap();
        refusal(&reply, 503, "generation_paused");
        assert_eq!(reply.header("x-should-retry"), "false", "{reply:?}");
    }
    let again = fetch(pincel.get(&picture("a kept promise"))).await.unwrap();
    hit(&again);
    assert_eq!(again.body, kept.body);
    assert_eq!(pincel.calls("an unkept one").await.unwrap().len(), 0);
    assert_eq!(pincel.seen("overview").await.unwrap()["now"]["generation"], "off");
    // Whoever changes what somebody else has changed meanwhile is told so.
    refusal(&put(0, json!({ "generation": "on" })).await.unwrap(), 409, "version_conflict");
    refusal_of(&put(1, json!({ "generation": "maybe" })).await.unwrap(), 400, "invalid_value", "generation");
    assert_eq!(put(1, json!({ "generation": "on" })).await.unwrap().status, 200);
    whole_picture(&fetch(pincel.get(&picture("an unkept one"))).await.unwrap());
    let history = pincel.seen("settings/history").await.unwrap();
    let states: Vec<&Value> =
        history["history"].as_array().unwrap().iter().map(|entry| &entry["settings"]["generation"]).collect();
    assert_eq!(states, ["on", "off"], "{history:#}");

    // A price that changes without a deploy: what is made next is counted by it.
    let table = json!({ "source": "a contract", "as_of": "2026-11-24", "models": { "gpt-image-2": {
        "token_rule": pincel_rule(), "text_in": 5000, "cached_text_in": 1250, "image_in": 8000, "cached_image_in": 2000, "image_out": 60000,
    } } });
    assert_eq!(
        put(2, json!({ "prices": table, "default_model": "gpt-image-2", "models": ["gpt-image-2"] }))
            .await
            .unwrap()
            .status,
        200
    );
    let dear = fetch(pincel.get(&picture("an expensive taste"))).await.unwrap();
    whole_picture(&dear);
    let bill = &pincel.bills("an expensive taste").await.unwrap()[0];
    assert_eq!(bill["model"], "gpt-image-2");
    let (paid, listed) = (crate::check::nano(dear.header("x-pincel-cost")), crate::check::cost(bill));
    let output = bill["usage"]["output_tokens"].as_u64().unwrap() * 30_000;
    assert_eq!(paid, listed + output, "each token of a picture costs twice what it did");
    let other =
        fetch(pincel.get(&with(&picture("another taste"), json!({ "model": "gpt-image-2.6-flare" })))).await.unwrap();
    refusal_of(&other, 403, "model_not_allowed", "model");
}

fn pincel_rule() -> Value {
    let table: Value = serde_json::from_str(include_str!("../../../../domain/src/money/prices.json")).unwrap();
    table["models"]["gpt-image-2"]["token_rule"].clone()
}

#[tokio::test]
async fn an_operator_that_is_alone_can_look_at_nothing_made() {
    let pincel = alone().await;
    let nobody = format!("/admin/v1/images/{}", "0".repeat(64));
    refusal(&fetch(pincel.admin("GET", &nobody)).await.unwrap(), 404, "picture_not_found");
    refusal(&fetch(pincel.admin("GET", &format!("{nobody}/explain"))).await.unwrap(), 404, "picture_not_found");
}
