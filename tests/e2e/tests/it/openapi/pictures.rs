//! What clients call: pictures, tokens, and what needs no credentials.

use e2e::{fetch, picture, with};
use serde_json::{Value, json};

use super::calls::{Calls, Sent, Who};

/// Gives the key of a picture that exists.
pub(super) async fn pictures(calls: &mut Calls<'_>) -> String {
    let (image, by_key) = ("/v1/image", "/v1/images/{key}");
    let asked = "/v1/image?prompt=a+contract&quality=low&size=1024x640";
    let made = calls.get(Who::Client, image, asked, 200).await;
    let key = made.header("x-pincel-key").to_owned();
    calls.get(Who::Client, image, &format!("{asked}&download"), 200).await;
    let etag = made.header("etag").to_owned();
    for (name, value, status) in
        [("if-none-match", etag.as_str(), 304), ("range", "bytes=0-9", 206), ("range", "bytes=99999999-", 416)]
    {
        let headers = &[(name, value)];
        calls.call(Who::Client, "GET", image, asked, Sent { headers, ..Sent::default() }, status).await;
        let to = format!("/v1/images/{key}");
        calls.call(Who::Client, "GET", by_key, &to, Sent { headers, ..Sent::default() }, status).await;
    }
    let signed = calls.pincel.signed(&picture("a contract"));
    calls.get(Who::Nobody, image, &signed, 200).await;
    calls.get(Who::Nobody, image, &format!("{signed}x"), 403).await;
    calls.get(Who::Nobody, image, asked, 401).await;
    calls.get(Who::Client, image, &format!("{asked}&colour=red"), 400).await;
    calls.get(Who::Client, image, &format!("/v1/image?key={}", "0".repeat(64)), 404).await;
    for headers in [&[("cache-control", "no-store")], &[("cache-control", "no-cache")]] {
        calls.call(Who::Client, "GET", image, asked, Sent { headers, ..Sent::default() }, 200).await;
    }
    calls.get(Who::Client, by_key, &format!("/v1/images/{key}?take=0"), 200).await;
    calls.get(Who::Client, by_key, &format!("/v1/images/{key}?take=1000"), 400).await;
    calls.get(Who::Client, by_key, &format!("/v1/images/{}", "0".repeat(64)), 404).await;
    calls.get(Who::Nobody, by_key, &format!("/v1/images/{key}"), 401).await;

    let (quote, sign, generations) = ("/v1/images/quote", "/v1/images/sign", "/v1/images/generations");
    let body = picture("a contract");
    for change in
        [json!({}), json!({ "n": 2 }), json!({ "response_format": "url" }), json!({ "user": "x", "style": null })]
    {
        calls.send(Who::Client, "POST", generations, generations, with(&body, change), 200).await;
    }
    for path in [generations, quote, sign] {
        calls.send(Who::Client, "POST", path, path, body.clone(), 200).await;
        calls.send(Who::Client, "POST", path, path, with(&body, json!({ "quality": "best" })), 400).await;
        calls.send(Who::Client, "POST", path, path, json!([]), 400).await;
        calls.send(Who::Nobody, "POST", path, path, body.clone(), 401).await;
        let text = Some(("text/plain", "a contract"));
        calls.call(Who::Client, "POST", path, path, Sent { text, ..Sent::default() }, 415).await;
        let long = "x".repeat(2 << 20);
        let text = Some(("application/json", long.as_str()));
        calls.call(Who::Client, "POST", path, path, Sent { text, ..Sent::default() }, 413).await;
    }
    refused(calls, &body).await;
    key
}

/// Pictures that a client may not have, that it cannot pay for, and that the provider does not make.
async fn refused(calls: &mut Calls<'_>, body: &Value) {
    let pincel = calls.pincel;
    let path = "/v1/images/generations";
    let strict = json!({ "budget_per_day_usd": "0.00", "sizes": ["1024x640"] });
    let poor = pincel.new_client("contract", strict).await.unwrap();
    let post = |body: &Value| poor.post(body);
    for (change, status) in [(json!({ "size": "1024x1024" }), 403), (json!({ "prompt": "a contract too dear" }), 402)] {
        let reply = fetch(post(&with(body, change))).await.unwrap();
        calls.hold(&reply, "POST", path, path, status);
    }
    poor.change_policy(json!({ "budget_per_day_usd": null, "requests_per_minute": 1 })).await.unwrap();
    for (prompt, status) in [("a contract in time", 200), ("a contract in haste", 429)] {
        let reply = fetch(post(&picture(prompt))).await.unwrap();
        calls.hold(&reply, "POST", path, path, status);
    }
    for (fail, status) in [("moderation", 400), ("server_error", 502), ("quota", 429)] {
        pincel.behave(json!({ "fail": fail, "times": 1 })).await.unwrap();
        let reply = fetch(pincel.post(&picture(&format!("a contract that ends in {fail}")))).await.unwrap();
        calls.hold(&reply, "POST", path, path, status);
    }
    // Its outcome is unknown, so it is not bought again.
    let again = fetch(pincel.post(&picture("a contract that ends in server_error"))).await.unwrap();
    calls.hold(&again, "POST", path, path, 503);
    pincel.behave_well().await.unwrap();
}

pub(super) async fn others(calls: &mut Calls<'_>) {
    let published = ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/openapi.json"];
    for path in ["/healthz", "/readyz"].into_iter().chain(published) {
        calls.get(Who::Nobody, path, path, 200).await;
    }
}

pub(super) async fn tokens(calls: &mut Calls<'_>) {
    let path = "/oauth/token";
    let secret = format!("client_id={}&client_secret={}", calls.pincel.id(), calls.pincel.keys.api_key);
    for (form, status) in [
        (format!("grant_type=client_credentials&{secret}"), 200),
        (format!("grant_type=password&{secret}"), 400),
        (format!("grant_type=client_credentials&scope=all&{secret}"), 400),
        ("grant_type=client_credentials&client_id=dev&client_secret=x".to_owned(), 401),
    ] {
        let text = Some(("application/x-www-form-urlencoded", form.as_str()));
        calls.call(Who::Nobody, "POST", path, path, Sent { text, ..Sent::default() }, status).await;
    }
}
