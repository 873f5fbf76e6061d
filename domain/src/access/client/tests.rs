use serde_json::json;

use super::*;
use crate::access::policy::UnknownHold;
use crate::access::{Masters, Principal, Proof, api_key};

fn read(body: &Value) -> Result<Client, ApiError> {
    let defaults = Defaults { namespace: "default".to_owned(), unknown_hold: UnknownHold::Ms(600_000) };
    Client::read(body.as_object().unwrap(), &defaults, 7)
}

fn least() -> Value {
    json!({ "id": "shop", "policy": { "budget_per_day_usd": null, "budget_per_month_usd": null } })
}

fn with(name: &str, value: Value) -> Value {
    let mut body = least();
    body.as_object_mut().unwrap().insert(name.to_owned(), value);
    body
}

fn key(at: u8) -> (PresentedKey, ApiKey) {
    let masters = Masters::parse(&"m".repeat(32)).unwrap();
    let text = api_key::mint(&masters, &ClientId("shop".to_owned()), [at; 24]);
    let read = PresentedKey::read(&masters, &text).unwrap();
    (read.clone(), ApiKey::new(&read, format!("key_{at}"), "pcl_shop_".to_owned(), 7))
}

#[test]
fn a_client_is_read_strictly() {
    let client = read(&least()).unwrap();
    assert_eq!((client.name.as_str(), client.state, client.created_ms), ("shop", State::Active, 7));
    assert_eq!(client.scopes, [Scope::Generate, Scope::Read]);
    let named = read(&with("scopes", json!(["admin:write", "images:read", "images:read"]))).unwrap();
    assert_eq!(named.scopes, [Scope::Read, Scope::AdminWrite]);
    for (name, value) in [
        ("id", json!("")),
        ("id", json!("a b")),
        ("id", json!("a/b")),
        ("id", json!("é")),
        ("id", json!("a".repeat(33))),
        ("id", json!(7)),
        ("name", json!("")),
        ("name", json!("a\u{1b}[31m")),
        ("name", json!("n".repeat(101))),
        ("scopes", json!("images:read")),
        ("scopes", json!(["images:write"])),
        ("scopes", json!([1])),
        ("policy", json!(null)),
        ("policy", json!({})),
        ("keys", json!([])),
        ("state", json!("active")),
    ] {
        assert_eq!(read(&with(name, value.clone())).unwrap_err().status, 400, "{name} {value}");
    }
}

#[test]
fn a_change_is_whole_or_none() {
    let mut client = read(&least()).unwrap();
    let mut change = |body: Value| client.change(body.as_object().unwrap()).map(|()| json!(client));
    let changed = change(json!({ "state": "suspended", "name": "The shop", "policy": { "dedup": "off" } })).unwrap();
    assert_eq!((&changed["state"], &changed["name"]), (&json!("suspended"), &json!("The shop")));
    assert_eq!(changed["policy"]["dedup"], "off");
    for wrong in [
        json!({ "state": "active", "policy": { "dedup": 1 } }),
        json!({ "state": "gone" }),
        json!({ "id": "other" }),
        json!({ "policy": null }),
        json!({ "state": "active", "name": "" }),
    ] {
        assert!(change(wrong.clone()).is_err(), "{wrong}");
    }
    assert_eq!(change(json!({})).unwrap(), changed);
}

#[test]
fn what_the_operator_sees_opens_nothing() {
    let mut client = read(&least()).unwrap();
    let (presented, record) = key(1);
    client.add_key(record).unwrap();
    let hash = json!(presented.hash).as_str().unwrap().to_owned();
    let shown = client.document().to_string();
    assert!(shown.contains("key_1") && !shown.contains(&hash), "{shown}");
    // What is kept does hold it.
    assert!(json!(client).to_string().contains(&hash));
    assert!(client.key(&presented.hash).is_some());
    assert!(client.key(&key(2).0.hash).is_none());
}

#[test]
fn what_a_suspended_client_may() {
    let client = |state, when_suspended: &str| {
        let mut client = read(&least()).unwrap();
        client
            .change(json!({ "state": state, "policy": { "when_suspended": when_suspended } }).as_object().unwrap())
            .unwrap();
        Principal::new(client.into(), Proof::Bearer, vec![Scope::Generate, Scope::Read])
    };
    let code = |error: ApiError| error.code.unwrap().into_owned();
    assert_eq!(client("active", "nothing").unwrap().may_buy(), Ok(()));
    let cached = client("suspended", "cached").unwrap();
    assert!(cached.may(Scope::Read));
    assert_eq!(code(cached.may_buy().unwrap_err()), "client_suspended");
    assert_eq!(code(client("suspended", "nothing").unwrap_err()), "client_suspended");
}
