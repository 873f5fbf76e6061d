//! Keys of clients: what opens nothing, and how those that open something are replaced.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use e2e::{Keys, fetch, picture, sign};
use serde_json::json;

use crate::check::{hit, refusal, whole_picture};
use crate::shared::{alone, shared};

/// Every bearer here has the right shape, or is as long as somebody cares to send.
#[tokio::test]
async fn a_key_that_was_not_made_here_opens_nothing_and_asks_nobody() {
    let pincel = alone().await;
    let one = pincel.new_client("forge1", json!({})).await.unwrap();
    let two = pincel.new_client("forge2", json!({})).await.unwrap();
    let made = fetch(one.get(&picture("a signet"))).await.unwrap();
    whole_picture(&made);
    let (key, other) = (one.keys.api_key.as_str(), two.keys.api_key.as_str());
    let (start, secret) = key.split_at("pcl_forge1_".len());
    let other_secret = &other["pcl_forge2_".len()..];
    assert_eq!((secret.len(), other_secret.len()), (43, 43));
    let accounts = accounts(&pincel.state());
    assert!(accounts >= 4, "{accounts} files are not those of the accounts");
    for (what, bearer) in [
        ("a random secret", format!("{start}{}", "Zk".repeat(21) + "Q")),
        ("the secret of another client", format!("{start}{other_secret}")),
        ("the check of another client", format!("{start}{}{}", &secret[..32], &other_secret[32..])),
        ("the random part of another client", format!("{start}{}{}", &other_secret[..32], &secret[32..])),
        ("an unknown client", format!("pcl_nobody_{secret}")),
        ("a name that none can have", format!("pcl_a-b_{secret}")),
        ("no name", format!("pcl__{secret}")),
        ("one character less", key[..key.len() - 1].to_owned()),
        ("one character more", format!("{key}A")),
        ("only the name", start.to_owned()),
        ("another case", key.to_uppercase()),
        ("with another before it", format!("{key} {key}")),
        ("another kind of secret", one.keys.signing_secret.clone()),
        ("ten thousand characters", format!("{start}{}", "A".repeat(10_000))),
    ] {
        let reply = fetch(pincel.anonymous("GET", "/v1/image?prompt=a+signet").bearer_auth(&bearer)).await.unwrap();
        refusal(&reply, 401, "invalid_api_key");
        assert_eq!(reply.header("x-should-retry"), "false", "{what}");
        let reply = fetch(pincel.anonymous("GET", "/admin/v1/clients").bearer_auth(&bearer)).await.unwrap();
        refusal(&reply, 401, "invalid_api_key");
    }
    // This may be too much for what runs in front of the Worker, which then answers in its own words.
    let huge = pincel.anonymous("GET", "/v1/image?prompt=a+signet").bearer_auth("A".repeat(100_000));
    if let Ok(reply) = fetch(huge).await {
        assert!(matches!(reply.status, 400..=499), "{reply:?}");
    }
    let pairs = [("prompt", "a signet"), ("quality", "low"), ("size", "1024x640")];
    let (soon, secret) = (sign::seconds_from_now(300), one.keys.signing_secret.as_str());
    for kid in
        [two.keys.signing_key_id.as_str(), "nobody-00000000", "forge1", "forge1-0000000", "forge1-ABCDEF01", "-", ""]
    {
        let url = sign::signed("/v1/image", &pairs, kid, secret, soon);
        refusal(&fetch(pincel.anonymous("GET", &url)).await.unwrap(), 403, "invalid_signature");
    }
    assert_eq!(self::accounts(&pincel.state()), accounts, "an account was asked that nobody opened");
    // And with the right key it is there.
    hit(&fetch(one.get(&picture("a signet"))).await.unwrap());
    hit(&fetch(one.get_signed(&picture("a signet"))).await.unwrap());
}

/// Each object has a file of its own as soon as it was asked anything.
fn accounts(state: &Path) -> usize {
    fs::read_dir(state.join("v3/do/pincel-Account")).map_or(0, |files| files.flatten().count())
}

#[tokio::test]
async fn keys_are_replaced_without_a_gap() {
    let pincel = shared().await;
    let first = pincel.new_client("rotate", json!({})).await.unwrap();
    let asked = picture("a changing of the guard");
    whole_picture(&fetch(first.get(&asked)).await.unwrap());
    let before = first.document().await.unwrap();
    let first_id = before["keys"][0]["id"].as_str().unwrap();
    let (second_id, second) = first.new_key().await.unwrap();
    assert_ne!(first.keys.api_key, second.keys.api_key);
    for client in [&first, &second] {
        hit(&fetch(client.get(&asked)).await.unwrap());
    }
    let third = fetch(pincel.admin("POST", &first.admin_path("/keys"))).await.unwrap();
    refusal(&third, 409, "too_many_keys");

    let document = first.document().await.unwrap();
    let keys = document["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "{document}");
    for (key, (id, client)) in keys.iter().zip([(first_id, &first), (second_id.as_str(), &second)]) {
        assert_eq!(key["id"], id);
        let hint = key["hint"].as_str().unwrap();
        assert!(!hint.is_empty() && hint.len() < 24, "{hint}");
        assert!(key["created_ms"].as_u64().unwrap().abs_diff(sign::seconds_from_now(0) * 1_000) < 120_000, "{key}");
        let shown = document.to_string();
        assert!(!shown.contains(&client.keys.api_key) && !shown.contains(&client.keys.api_key[11..43]), "{shown}");
    }
    assert!(!document.to_string().contains(&first.keys.signing_secret), "{document}");
    assert!(keys[0]["last_used_ms"].as_u64().is_some_and(|used| used > 1_700_000_000_000), "{document}");

    let revoked = first.revoke_key(first_id).await.unwrap();
    assert_eq!(revoked, json!({ "revoked": first_id, "effective_within_seconds": 60 }));
    // This isolate did it, so it knows at once.
    for _ in 0..3 {
        refusal(&fetch(first.get(&asked)).await.unwrap(), 401, "invalid_api_key");
        hit(&fetch(second.get(&asked)).await.unwrap());
    }
    let (_, third) = second.new_key().await.unwrap();
    hit(&fetch(third.get(&asked)).await.unwrap());
    let again = fetch(pincel.admin("DELETE", &first.admin_path(&format!("/keys/{first_id}")))).await.unwrap();
    refusal(&again, 404, "key_not_found");
}

#[tokio::test]
async fn signing_keys_are_replaced_without_a_gap() {
    let pincel = shared().await;
    let first = pincel.new_client("resign", json!({})).await.unwrap();
    let asked = picture("a seal");
    whole_picture(&fetch(first.get_signed(&asked)).await.unwrap());
    let mut all = vec![first.clone()];
    for _ in 0..4 {
        all.push(first.new_signing_key().await.unwrap());
    }
    let kids: BTreeSet<&str> = all.iter().map(|one| one.keys.signing_key_id.as_str()).collect();
    assert!(kids.len() == 5 && kids.iter().all(|kid| kid.len() == 15 && kid.starts_with("resign-")), "{kids:?}");
    assert_eq!(all.iter().map(|one| &one.keys.signing_secret).collect::<BTreeSet<_>>().len(), 5);
    refusal(&fetch(pincel.admin("POST", &first.admin_path("/signing-keys"))).await.unwrap(), 409, "too_many_keys");
    for one in &all {
        hit(&fetch(one.get_signed(&asked)).await.unwrap());
    }
    let document = first.document().await.unwrap();
    assert_eq!(document["signing_keys"].as_array().unwrap().len(), 5);
    for one in &all {
        assert!(!document.to_string().contains(&one.keys.signing_secret[..20]), "{document}");
    }
    let revoked = first.revoke_signing_key().await.unwrap();
    assert_eq!(revoked, json!({ "revoked": first.keys.signing_key_id, "effective_within_seconds": 60 }));
    refusal(&fetch(first.get_signed(&asked)).await.unwrap(), 403, "invalid_signature");
    for one in &all[1..] {
        hit(&fetch(one.get_signed(&asked)).await.unwrap());
    }
    // A key's secret under the name of another one of the same client is as foreign as any.
    let mixed = all[1].acting_as(Keys { signing_key_id: all[2].keys.signing_key_id.clone(), ..all[1].keys.clone() });
    refusal(&fetch(mixed.get_signed(&asked)).await.unwrap(), 403, "invalid_signature");
}
