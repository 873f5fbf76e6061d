//! `POST /v1/images/sign`: an address for an `<img>`, from whoever would rather not sign by itself.

use e2e::{Client, Keys, Reply, fetch, picture, sign, with};
use serde_json::{Value, json};

use crate::browser::look;
use crate::check::{hit, refusal, refusal_of, whole_picture};
use crate::shared::shared;

fn ask(client: &Client, body: &Value) -> reqwest::RequestBuilder {
    client.request("POST", "/v1/images/sign").json(body)
}

async fn signed(client: &Client, body: &Value) -> Value {
    let reply = fetch(ask(client, body)).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("cache-control"), "no-store");
    reply.json().unwrap()
}

#[tokio::test]
async fn the_address_opens_for_everybody_and_in_a_browser() {
    let pincel = shared().await;
    let asked = picture("a lantern & a moth, 100% + caf\u{e9} \u{1f98b}");
    let prompt = asked["prompt"].as_str().unwrap();
    let document = signed(&pincel, &asked).await;
    let url = document["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/v1/image?", pincel.edge)), "{url}");
    assert_eq!(document["kid"], pincel.keys.signing_key_id.as_str());
    let expires = document["expires_at"].as_u64().unwrap();
    assert!(expires.abs_diff(sign::seconds_from_now(3_600)) < 60, "{document}");
    assert_eq!(pincel.calls(prompt).await.unwrap().len(), 0, "signing made the picture");

    let made = fetch(pincel.anonymous("GET", url)).await.unwrap();
    whole_picture(&made);
    assert_eq!(document["key"], made.header("x-pincel-key"));
    // Another signature of the same request, by the client itself.
    let own = fetch(pincel.get_signed(&asked)).await.unwrap();
    hit(&own);
    assert_eq!(own.body, made.body);
    let seen = look(url).await;
    assert_eq!(seen[..3], ["loaded", "1024x640", "200"]);
    assert_eq!(pincel.bills(prompt).await.unwrap().len(), 1);
    for altered in
        [url.replace("quality=low", "quality=high"), url.replace(&expires.to_string(), &(expires + 9).to_string())]
    {
        assert_ne!(altered, url);
        refusal(&fetch(pincel.anonymous("GET", &altered)).await.unwrap(), 403, "invalid_signature");
    }
}

/// No address holds so much; the request is kept under its key instead.
#[tokio::test]
async fn a_prompt_too_long_for_an_address_is_kept_by_its_key() {
    let pincel = shared().await;
    let words = "a very long letter, na\u{ef}ve & 100% ";
    let asked = picture(words.chars().cycle().take(20_000).collect::<String>().trim());
    let prompt = asked["prompt"].as_str().unwrap();
    let document = signed(&pincel, &asked).await;
    let (url, key) = (document["url"].as_str().unwrap(), document["key"].as_str().unwrap());
    assert!(url.len() < 400 && url.contains(&format!("key={key}")), "{url}");
    assert_eq!(pincel.bills(prompt).await.unwrap().len(), 0);
    let nothing = fetch(pincel.anonymous("HEAD", url)).await.unwrap();
    assert_eq!(nothing.status, 404, "{nothing:?}");
    let made = fetch(pincel.anonymous("GET", url)).await.unwrap();
    whole_picture(&made);
    assert_eq!(made.header("x-pincel-key"), key);
    for request in
        [pincel.anonymous("GET", url), pincel.post(&asked), pincel.request("GET", &format!("/v1/images/{key}"))]
    {
        let found = fetch(request).await.unwrap();
        hit(&found);
        assert_eq!(found.picture().unwrap(), made.body);
    }
    let bills = pincel.bills(prompt).await.unwrap();
    assert_eq!(bills.len(), 1, "the provider got another prompt, or got it twice");
    for altered in [url.replace(key, &"0".repeat(64)), url.replace("key=", "prompt=x&key=")] {
        refusal(&fetch(pincel.anonymous("GET", &altered)).await.unwrap(), 403, "invalid_signature");
    }
    // A key that nobody kept a request under makes nothing.
    let unknown = pincel.signed(&json!({ "key": "0".repeat(64) }));
    refusal(&fetch(pincel.anonymous("GET", &unknown)).await.unwrap(), 404, "picture_not_found");
    // Nor does a client of another namespace reach what this one kept.
    let stranger = pincel.new_client("stranger", json!({ "namespace": "elsewhere" })).await.unwrap();
    let theirs = fetch(stranger.anonymous("GET", &stranger.signed(&json!({ "key": key })))).await.unwrap();
    refusal(&theirs, 404, "picture_not_found");
}

#[tokio::test]
async fn what_may_not_be_made_is_not_signed() {
    let pincel = shared().await;
    let asked = picture("a forged passport");
    for (change, code, param) in [
        (json!({ "expires_in": 59 }), "invalid_value", "expires_in"),
        (json!({ "expires_in": 31_536_001 }), "invalid_value", "expires_in"),
        (json!({ "expires_in": "600" }), "invalid_value", "expires_in"),
        (json!({ "expires_in": 60.5 }), "invalid_value", "expires_in"),
        (json!({ "n": 2 }), "invalid_value", "n"),
        (json!({ "size": "7x7" }), "invalid_value", "size"),
        (json!({ "prompt": null }), "missing_required_parameter", "prompt"),
        (json!({ "prompt": "x".repeat(32_001) }), "string_above_max_length", "prompt"),
        (json!({ "colour": "red" }), "unknown_parameter", "colour"),
    ] {
        refusal_of(&fetch(ask(&pincel, &with(&asked, change))).await.unwrap(), 400, code, param);
    }
    for (expires_in, n) in [(60, 1), (31_536_000, 1)] {
        let document = signed(&pincel, &with(&asked, json!({ "expires_in": expires_in, "n": n }))).await;
        let expires = document["expires_at"].as_u64().unwrap();
        assert!(expires.abs_diff(sign::seconds_from_now(expires_in)) < 60, "{document}");
        assert!(document["url"].as_str().unwrap().contains(&format!("exp={expires}")), "{document}");
    }
    let unsigned = async |reply: Reply, status: u16, code: &str| refusal(&reply, status, code);
    unsigned(
        fetch(pincel.anonymous("POST", "/v1/images/sign").json(&asked)).await.unwrap(),
        401,
        "missing_credentials",
    )
    .await;
    let reader = pincel.new_client_with("signreader", json!({ "scopes": ["images:read"] }), json!({})).await.unwrap();
    unsigned(fetch(ask(&reader, &asked)).await.unwrap(), 403, "insufficient_scope").await;
    let strict = pincel.new_client("signstrict", json!({ "qualities": ["high"] })).await.unwrap();
    unsigned(fetch(ask(&strict, &asked)).await.unwrap(), 403, "quality_not_allowed").await;
    let suspended = pincel.new_client("signsuspended", json!({})).await.unwrap();
    suspended.change(json!({ "state": "suspended" })).await.unwrap();
    unsigned(fetch(ask(&suspended, &asked)).await.unwrap(), 403, "client_suspended").await;
    let keyless = pincel.new_client("signkeyless", json!({})).await.unwrap();
    keyless.revoke_signing_key().await.unwrap();
    unsigned(fetch(ask(&keyless, &asked)).await.unwrap(), 400, "no_signing_key").await;
    // With a new one it goes on, by the newest.
    let newest = keyless.new_signing_key().await.unwrap().new_signing_key().await.unwrap();
    assert_eq!(signed(&newest, &asked).await["kid"], newest.keys.signing_key_id.as_str());
    let foreign = newest.acting_as(Keys { api_key: pincel.keys.api_key.clone(), ..newest.keys.clone() });
    assert_eq!(signed(&foreign, &asked).await["kid"], pincel.keys.signing_key_id.as_str());
    assert_eq!(pincel.calls("a forged passport").await.unwrap().len(), 0);
}
