//! Configurations and what comes of them.

use serde_json::json;

use super::*;
use crate::access::jwt;

/// The least that an issuer needs.
fn least() -> Value {
    json!({ "issuer": "https://login.example.com/", "audience": "pincel", "jwks_uri": "https://login.example.com/jwks.json" })
}

fn with(entry: Value, change: &Value) -> Value {
    let mut entry = entry;
    let fields = entry.as_object_mut().unwrap();
    fields.extend(change.as_object().unwrap().clone());
    entry
}

fn one(change: &Value) -> Issuer {
    let issuers = Issuers::parse(&json!([with(least(), change)]).to_string()).unwrap();
    issuers.iter().next().unwrap().clone()
}

/// A configuration that is refused with a sentence that has `says` in it, and no value.
#[track_caller]
fn check_refused(text: &str, says: &str) {
    let wrong = Issuers::parse(text).unwrap_err();
    assert!(wrong.contains(says), "{wrong} to {text}");
    assert!(wrong.ends_with('.') && !wrong.contains("SECRET"), "{wrong} to {text}");
}

#[track_caller]
fn check_change(change: &Value, says: &str) {
    check_refused(&json!([with(least(), change)]).to_string(), says);
}

#[test]
fn what_is_left_out() {
    let issuer = one(&json!({}));
    assert_eq!((issuer.algorithms.as_slice(), issuer.client_claim.as_str()), (&Alg::ALL[..], "sub"));
    assert_eq!((issuer.scope_claim.as_str(), issuer.clients, issuer.scopes), ("scope", None, None));
    assert_eq!(Issuers::parse(" [] "), Ok(Issuers::default()));
}

#[test]
fn everything_given() {
    let given = json!({
        "algorithms": ["EdDSA", "RS256"], "client_claim": "azp", "clients": { "a b": "shop", "c": "shop" },
        "scope_claim": "scp", "scopes": ["images:read", "admin:write"],
    });
    let issuer = one(&given);
    assert_eq!(issuer.algorithms, [Alg::EdDsa, Alg::Rs256]);
    assert_eq!((issuer.client_claim.as_str(), issuer.scope_claim.as_str()), ("azp", "scp"));
    assert_eq!(issuer.clients.unwrap()["a b"], ClientId("shop".to_owned()));
    assert_eq!(issuer.scopes.unwrap(), [Scope::Read, Scope::AdminWrite]);
}

#[test]
fn refusals() {
    for text in ["", "SECRET", "{", "[{]"] {
        check_refused(text, "no JSON from line 1");
    }
    for text in ["{}", "null", "\"SECRET\"", &least().to_string()] {
        check_refused(text, "JSON array");
    }
    check_refused("[\"SECRET\"]", "Issuer 1: it must be an object");
    for (name, says) in
        [("issuer", "'issuer' is missing"), ("audience", "'audience' is"), ("jwks_uri", "'jwks_uri' is")]
    {
        let mut entry = least();
        entry.as_object_mut().unwrap().remove(name);
        check_refused(&json!([entry]).to_string(), says);
        for value in [json!(""), json!(5), json!(null), json!(["SECRET"])] {
            check_change(&json!({ name: value }), &format!("'{name}' must be a text"));
        }
    }
    for name in ["client_claim", "scope_claim"] {
        for value in [json!(""), json!(5), json!(null)] {
            check_change(&json!({ name: value }), &format!("'{name}' must be a text"));
        }
    }
    check_change(&json!({ "client_secret": "SECRET" }), "no field 'client_secret'");
    for value in [json!([]), json!("RS256"), json!(["RS256", "HS256"]), json!(["none"]), json!([5]), json!(null)] {
        check_change(&json!({ "algorithms": value }), "RS256, ES256 and EdDSA");
    }
    for value in [json!([]), json!("images:read"), json!(["images:*"]), json!([5]), json!(null)] {
        check_change(&json!({ "scopes": value }), "images:generate, images:read, admin:read, admin:write");
    }
    let long = "x".repeat(33);
    for value in
        [json!({}), json!({ "a": "sh op" }), json!({ "a": long }), json!({ "a": 5 }), json!(["SECRET"]), json!(null)]
    {
        check_change(&json!({ "clients": value }), "'clients' must be");
    }
    let numbered = |at: usize| with(least(), &json!({ "issuer": format!("https://{at}.example/") }));
    let twenty: Vec<Value> = (0..20).map(numbered).collect();
    assert_eq!(Issuers::parse(&json!(twenty).to_string()).unwrap().iter().count(), 20);
    let more: Vec<Value> = (0..21).map(numbered).collect();
    check_refused(&json!(more).to_string(), "20");
    check_refused(&json!([numbered(0), numbered(1), numbered(0)]).to_string(), "Issuer 3: there is one");
    check_refused(&json!([least(), { "issuer": 5 }]).to_string(), "Issuer 2: 'issuer'");
}

#[test]
fn addresses() {
    for good in [
        "https://login.example.com",
        "https://login.example.com/realms/a%20b",
        "https://login.example.com:8443/",
        "https://10.0.0.1/",
        "https://[2001:db8::1]/",
        "https://[2001:db8::1]:444/",
        "http://localhost",
        "http://localhost:9000/x",
        "http://127.0.0.1:9000/",
        "http://[::1]/",
        "http://[::1]:9000/",
    ] {
        assert_eq!(one(&json!({ "issuer": good, "jwks_uri": good })).jwks_uri, good);
    }
    for wrong in [
        "login.example.com",
        "ftp://login.example.com/",
        "HTTPS://login.example.com/",
        "https://",
        "https:///jwks",
        "https://?x",
        "https://:443/",
        "https://user@login.example.com/",
        "https://user:SECRET@login.example.com/",
        "https://login.example.com/#keys",
        "https://login.example.com#",
        "https://login example.com/",
        "https://login.example.com/\u{e9}",
        "https://l\u{f6}gin.example.com/",
        "https://login.example.com:port/",
        "https://login.example.com:70000/",
        "https://login%2eexample.com/",
        "https://login.example.com\\@evil.example/",
        "http://login.example.com/",
        "http://localhost.example.com/",
        "http://localhost@evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.2/",
        "http://[::2]/",
        "http://LOCALHOST/",
    ] {
        check_change(&json!({ "issuer": wrong }), "'issuer' must be an https address");
        check_change(&json!({ "jwks_uri": wrong }), "'jwks_uri' must be an https address");
    }
    check_change(&json!({ "issuer": "https://login.example.com/?x=1" }), "without a query");
    assert!(one(&json!({ "jwks_uri": "https://login.example.com/keys?tenant=1" })).jwks_uri.ends_with("=1"));
}

fn claims(claims: &Value) -> Claims {
    use base64::Engine as _;
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!("{}.{}.AAAA", encode(&json!({ "alg": "ES256" })), encode(claims));
    jwt::parse(&token).unwrap().claims
}

#[track_caller]
fn check_client(config: &Value, token: &Value, expected: Option<&str>) {
    let client = one(config).client_of(&claims(token));
    assert_eq!(client.as_ref().map(ClientId::as_str), expected, "{config} {token}");
}

#[test]
fn the_client_of_a_token() {
    check_client(&json!({}), &json!({ "sub": "shop" }), Some("shop"));
    for sub in [json!(null), json!(5), json!(["shop"]), json!(""), json!("sh-op"), json!("x".repeat(33))] {
        check_client(&json!({}), &json!({ "sub": sub }), None);
    }
    check_client(&json!({}), &json!({ "client_id": "shop" }), None);
    check_client(&json!({ "client_claim": "azp" }), &json!({ "azp": "shop", "sub": "other" }), Some("shop"));
    // At the top only.
    check_client(&json!({ "client_claim": "a.b" }), &json!({ "a": { "b": "shop" } }), None);
    check_client(&json!({ "client_claim": "a.b" }), &json!({ "a.b": "shop" }), Some("shop"));
    let mapped = json!({ "clients": { "user|1": "shop" } });
    check_client(&mapped, &json!({ "sub": "user|1" }), Some("shop"));
    // Who is not in the list has no client, though the value looks like one.
    for sub in ["shop", "user|2", "USER|1", ""] {
        check_client(&mapped, &json!({ "sub": sub }), None);
    }
}

#[track_caller]
fn check_scopes(config: &Value, token: &Value, expected: &[Scope]) {
    assert_eq!(one(config).scopes_of(&claims(token)), expected, "{config} {token}");
}

#[test]
fn the_scopes_of_a_token() {
    check_scopes(&json!({}), &json!({ "scope": "openid images:read" }), &[Scope::Read]);
    check_scopes(&json!({}), &json!({ "scope": ["images:generate"] }), &[Scope::Generate]);
    check_scopes(&json!({}), &json!({}), &[]);
    check_scopes(
        &json!({ "scope_claim": "scp" }),
        &json!({ "scp": ["images:read"], "scope": "admin:read" }),
        &[Scope::Read],
    );
    // A fixed list is all there is, whatever the token says; an administrator is in it only by name.
    check_scopes(
        &json!({ "scopes": ["images:read"] }),
        &json!({ "scope": "images:generate admin:write" }),
        &[Scope::Read],
    );
    check_scopes(&json!({ "scopes": ["admin:read"] }), &json!({}), &[Scope::AdminRead]);
}
