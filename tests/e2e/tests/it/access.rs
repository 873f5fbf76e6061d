//! Requests without the right to be made. A refusal must not depend on what exists.

use e2e::{Client, Reply, fetch, picture, sign};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::check::refusal;
use crate::shared::shared;

/// Asks for a picture that exists and for one that does not, in every way in which a right can be missing.
#[tokio::test]
async fn every_refusal_is_the_same_whether_or_not_the_picture_exists() {
    let pincel = shared().await;
    let (there, nowhere) = (picture("a public statue"), picture("a hidden statue"));
    let made = fetch(pincel.get(&there)).await.unwrap();
    let missing = fetch(pincel.get(&nowhere).header("cache-control", "only-if-cached")).await.unwrap();
    assert_eq!((made.status, missing.status), (200, 504), "{missing:?}");
    let keys = [made.header("x-pincel-key"), missing.header("x-pincel-key")];
    assert!(keys.iter().all(|key| key.len() == 64), "{missing:?}");

    let rows: &[(&str, u16, &str)] = &[
        ("no credentials", 401, "missing_credentials"),
        ("an empty header", 401, "missing_credentials"),
        ("another scheme", 401, "invalid_api_key"),
        ("a wrong secret", 401, "invalid_api_key"),
        ("a wrong id", 401, "invalid_api_key"),
        ("half of the key", 401, "invalid_api_key"),
        ("the admin token", 401, "invalid_api_key"),
        ("the provider's key", 401, "invalid_api_key"),
        ("a wrong key beside a right signature", 401, "invalid_api_key"),
        ("expired", 403, "signature_expired"),
        ("an end that is no number", 403, "invalid_signature"),
        ("another prompt", 403, "invalid_signature"),
        ("a longer life", 403, "invalid_signature"),
        ("one field more", 403, "invalid_signature"),
        ("one field less", 403, "invalid_signature"),
        ("another path", 403, "invalid_signature"),
        ("foreign secret", 403, "invalid_signature"),
        ("foreign kid", 403, "invalid_signature"),
        ("no kid", 403, "invalid_signature"),
        ("an empty signature", 403, "invalid_signature"),
        ("a signature that is no base64", 403, "invalid_signature"),
    ];
    for (what, status, code) in rows {
        let mut told = Vec::new();
        for (asked, key) in [&there, &nowhere].into_iter().zip(keys) {
            let replies = [
                without_right(&pincel, what, "/v1/image", asked),
                without_right(&pincel, what, &format!("/v1/images/{key}"), &json!({ "take": "0" })),
            ];
            let mut pair = Vec::new();
            for request in replies {
                let reply = fetch(request).await.unwrap();
                refusal(&reply, *status, code);
                let challenge = if *status == 401 { "Bearer realm=\"pincel\"" } else { "" };
                assert_eq!(reply.header("www-authenticate"), challenge, "{what}");
                assert_eq!(reply.header("x-should-retry"), "false", "{what}");
                pair.push(told_of(&reply));
            }
            told.push(pair);
        }
        assert_eq!(told[0], told[1], "{what}: it tells whether the picture exists");
    }
    assert_eq!(pincel.calls("a hidden statue").await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_body_is_read_only_from_who_may_send_one() {
    let pincel = shared().await;
    let asked = picture("a forged letter");
    for token in ["", "pcl_shop_wrong", &pincel.keys.admin_token, &pincel.keys.signing_secret] {
        let request = pincel.anonymous("POST", "/v1/images/generations").bearer_auth(token).json(&asked);
        refusal(&fetch(request).await.unwrap(), 401, "invalid_api_key");
    }
    let request = pincel.anonymous("POST", "/v1/images/generations").body("{");
    refusal(&fetch(request).await.unwrap(), 401, "missing_credentials");
    // A signature covers no body, so none opens this route.
    let path = sign::signed(
        "/v1/images/generations",
        &[],
        &pincel.keys.signing_key_id,
        &pincel.keys.signing_secret,
        sign::seconds_from_now(60),
    );
    let reply = fetch(pincel.anonymous("POST", &path).json(&asked)).await.unwrap();
    refusal(&reply, 403, "invalid_signature");
    assert_eq!(pincel.calls("a forged letter").await.unwrap().len(), 0);
}

#[tokio::test]
async fn receipts_are_for_operators() {
    let pincel = shared().await;
    let made = fetch(pincel.get(&picture("a receipt"))).await.unwrap();
    for key in [made.header("x-pincel-key"), &"0".repeat(64)] {
        let path = format!("/admin/v1/images/{key}");
        refusal(&fetch(pincel.anonymous("GET", &path)).await.unwrap(), 401, "missing_credentials");
        refusal(&fetch(pincel.request("GET", &path)).await.unwrap(), 403, "insufficient_scope");
        let signed = sign::signed(
            &path,
            &[],
            &pincel.keys.signing_key_id,
            &pincel.keys.signing_secret,
            sign::seconds_from_now(60),
        );
        refusal(&fetch(pincel.anonymous("GET", &signed)).await.unwrap(), 401, "missing_credentials");
    }
    assert_eq!(pincel.receipts(made.header("x-pincel-key")).await.unwrap().len(), 1);
}

/// A request for `fields` at `path` in which something is missing.
fn without_right(pincel: &Client, what: &str, path: &str, fields: &Value) -> RequestBuilder {
    let keys = &pincel.keys;
    let texts: Vec<(String, String)> = fields
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    let pairs: Vec<(&str, &str)> = texts.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let plain = format!("{path}?{}", sign::query(&pairs));
    let bearer = |token: &str| pincel.anonymous("GET", &plain).bearer_auth(token);
    let soon = sign::seconds_from_now(300);
    let (kid, secret) = (keys.signing_key_id.as_str(), keys.signing_secret.as_str());
    let signed = |pairs: &[(&str, &str)]| sign::signed(path, pairs, kid, secret, soon);
    let good = signed(&pairs);
    let sig = good.rsplit_once("sig=").unwrap().1.to_owned();
    let get = |to: String| pincel.anonymous("GET", &to);
    match what {
        "no credentials" => get(plain),
        "an empty header" => get(plain).header("authorization", ""),
        "another scheme" => get(plain).header("authorization", format!("Basic {}", keys.api_key)),
        "a wrong secret" => bearer(&format!("{}0", keys.api_key)),
        "a wrong id" => bearer(&keys.api_key.replace("pcl_", "pcl_x")),
        "half of the key" => bearer(&keys.api_key[..keys.api_key.len() / 2]),
        "the admin token" => bearer(&keys.admin_token),
        "the provider's key" => bearer("sk-fake-for-the-stand-in"),
        "a wrong key beside a right signature" => get(good).bearer_auth("pcl_shop_wrong"),
        "expired" => get(sign::signed(path, &pairs, kid, secret, sign::seconds_from_now(0) - 1)),
        "an end that is no number" => {
            let pairs: Vec<_> = pairs.iter().copied().chain([("exp", "never"), ("kid", kid)]).collect();
            get(format!("{path}?{}&sig={}", sign::query(&pairs), sign::signature(path, &pairs, secret)))
        }
        "another prompt" => get(good.replace("statue", "castle").replace("take=0", "take=1")),
        "a longer life" => get(good.replace(&format!("exp={soon}"), &format!("exp={}", soon + 1))),
        "one field more" => get(format!("{good}&moderation=low")),
        "one field less" => get(good.replace("quality=low&", "").replace("take=0&", "")),
        "another path" => get(sign::signed("/v1/other", &pairs, kid, secret, soon).replace("/v1/other", path)),
        "foreign secret" => get(sign::signed(path, &pairs, kid, &"f".repeat(43), soon)),
        "foreign kid" => get(sign::signed(path, &pairs, "foreign", secret, soon)),
        "no kid" => get(good.replace(&format!("kid={kid}&"), "")),
        "an empty signature" => get(good.replace(&sig, "")),
        "a signature that is no base64" => get(good.replace(&sig, "%21%21%21")),
        other => panic!("no such row: {other}"),
    }
}

/// Everything that a refusal tells, but for what names the one request.
fn told_of(reply: &Reply) -> (u16, String, Vec<(String, String)>) {
    let own = ["x-request-id", "traceparent", "server-timing", "date"];
    let headers = reply.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (reply.status, String::from_utf8_lossy(&reply.body).into_owned(), headers)
}
