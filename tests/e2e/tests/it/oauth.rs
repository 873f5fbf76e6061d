//! Access tokens: those that the Worker makes, and those of issuers that it trusts.

use std::process::Stdio;
use std::time::Duration;

use e2e::{Client, Edge, Reply, fetch, picture, tools};
use futures::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::check::{common, field, refusal, said, whole_picture};
use crate::shared::shared;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn authlib_gets_tokens_and_uses_them() {
    let pincel = shared().await;
    let mut command = Command::new(tools::python().unwrap());
    command
        .arg(tools::workspace("tests/e2e/sdk/oauth.py"))
        .env("PINCEL_URL", &pincel.edge)
        .env("PINCEL_API_KEY", &pincel.keys.api_key);
    let said = said(&mut command).await;
    assert!(said.contains("6 checks passed\n"), "{said}");
    for (prompt, bills) in [("by token", 1), ("by token and sdk", 1), ("beyond the scope", 0)] {
        assert_eq!(pincel.bills(prompt).await.unwrap().len(), bills, "{prompt}");
    }
}

/// RFC 6749 §5.2, every row with one thing wrong.
#[tokio::test]
async fn refusals_of_the_token_endpoint() {
    let pincel = shared().await;
    let (id, key) = (pincel.id().to_owned(), pincel.keys.api_key.clone());
    let grant = "grant_type=client_credentials";
    let by_form = format!("client_id={id}&client_secret={key}");
    let good = format!("{grant}&{by_form}");
    let other = pincel.new_client("oauthstranger", json!({})).await.unwrap();
    let rows = [
        ("no credentials", grant.to_owned(), 401, "invalid_client"),
        ("no secret", format!("{grant}&client_id={id}"), 401, "invalid_client"),
        ("an empty secret", format!("{grant}&client_id={id}&client_secret="), 401, "invalid_client"),
        ("a wrong secret", format!("{good}x"), 401, "invalid_client"),
        ("another's id", format!("{grant}&client_id={}&client_secret={key}", other.id()), 401, "invalid_client"),
        ("an unknown id", format!("{grant}&client_id=nobody&client_secret={key}"), 401, "invalid_client"),
        (
            "the admin token",
            format!("{grant}&client_id={id}&client_secret={}", pincel.keys.admin_token),
            401,
            "invalid_client",
        ),
        ("no grant", by_form.clone(), 400, "invalid_request"),
        ("another grant", format!("grant_type=password&{by_form}"), 400, "unsupported_grant_type"),
        ("an unknown scope", format!("{good}&scope=openid"), 400, "invalid_scope"),
        ("too much of a scope", format!("{good}&scope=images:read+admin:write"), 400, "invalid_scope"),
        ("twice the grant", format!("{good}&{grant}"), 400, "invalid_request"),
        ("twice what is unknown", format!("{good}&x=1&x=2"), 400, "invalid_request"),
        ("a broken escape", format!("{good}&x=%zz"), 400, "invalid_request"),
        ("64 KiB", format!("{good}&x={}", "x".repeat(64 << 10)), 400, "invalid_request"),
    ];
    let post = |body: String| pincel.anonymous("POST", "/oauth/token").header("content-type", FORM).body(body);
    for (what, body, status, error) in rows {
        refused(what, post(body), status, error).await;
    }
    let json = pincel.anonymous("POST", "/oauth/token").json(&json!({ "grant_type": "client_credentials" }));
    refused("JSON", json, 400, "invalid_request").await;
    refused("a bearer", post(grant.to_owned()).bearer_auth(&key), 401, "invalid_client").await;
    refused("a wrong password", post(grant.to_owned()).basic_auth(&id, Some("x")), 401, "invalid_client").await;
    refused("two ways", post(good.clone()).basic_auth(&id, Some(&key)), 400, "invalid_request").await;
    let two_clients = post(format!("{grant}&client_id=other")).basic_auth(&id, Some(&key));
    refused("two clients", two_clients, 400, "invalid_request").await;
    refusal(&fetch(pincel.anonymous("GET", "/oauth/token")).await.unwrap(), 405, "method_not_allowed");

    let made = fetch(post(good)).await.unwrap();
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"), "{made:?}");
    common(&made);
    let token = field(&made, "/access_token");
    // The one audience of a token is this deployment, and administrators are not its clients.
    let admin = pincel.anonymous("GET", "/admin/v1/clients").bearer_auth(&token);
    refusal(&fetch(admin).await.unwrap(), 403, "insufficient_scope");
    assert_eq!(probe(&pincel, &token).await.status, 404);
}

#[tokio::test]
async fn a_damaged_token_of_the_worker_opens_nothing() {
    let pincel = shared().await;
    let token = token_of(&pincel).await;
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let zeros = |length: usize| "A".repeat(length);
    for damaged in [
        message.to_owned(),
        format!("{message}."),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{message}.{}", zeros(86)),
        format!("{message}.{}", zeros(20)),
        format!("{message}.{}", zeros(9 << 10)),
        format!("{header}.{header}.{signature}"),
        format!("{claims}.{claims}.{signature}"),
        format!("..{signature}"),
        ".".to_owned(),
    ] {
        invalid(&probe(&pincel, &damaged).await, &damaged);
    }
    assert_eq!(probe(&pincel, &token).await.status, 404);
}

/// What a client may is asked of its account, whatever its tokens say.
#[tokio::test]
async fn a_token_is_worth_what_its_client_is() {
    let pincel = shared().await;
    let reader = pincel.new_client_with("oauthreader", json!({ "scopes": ["images:read"] }), json!({})).await.unwrap();
    let token = token_of(&reader).await;
    let made = fetch(pincel.get(&picture("a token's picture"))).await.unwrap();
    whole_picture(&made);
    let as_reader = |request: RequestBuilder| async { fetch(request.bearer_auth(&token)).await.unwrap() };
    let path = format!("/v1/images/{}", made.header("x-pincel-key"));
    assert_eq!(as_reader(reader.anonymous("GET", &path)).await.status, 200);
    let wanted = reader.anonymous("POST", "/v1/images/generations").json(&picture("a reader's wish"));
    refusal(&as_reader(wanted).await, 403, "insufficient_scope");
    assert_eq!(pincel.bills("a reader's wish").await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_the_worker_publishes_of_itself() {
    let pincel = shared().await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/jwks.json"] {
        let reply = fetch(pincel.anonymous("GET", path)).await.unwrap();
        assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"), "{reply:?}");
        assert!(reply.header("cache-control").contains("max-age"), "{reply:?}");
        common(&reply);
        refusal(&fetch(pincel.anonymous("POST", path)).await.unwrap(), 405, "method_not_allowed");
    }
    let set = fetch(pincel.anonymous("GET", "/.well-known/jwks.json")).await.unwrap().json().unwrap();
    let keys = set["keys"].as_array().unwrap();
    // Of the one master: the key before, the present one and the next.
    assert_eq!(keys.len(), 3, "{set}");
    for key in keys {
        let names: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "nothing but the public half: {set}");
    }
}

/// Issuers with every algorithm, one whose keys change, one that is down, and one whose names for clients are its own.
#[tokio::test]
async fn issuers_from_outside() {
    let issuer = Issuer::start().await;
    let configured = json!([
        issuer.configured("plain", &json!({})),
        issuer.configured("rotating", &json!({ "algorithms": ["ES256"] })),
        issuer.configured("down", &json!({})),
        issuer.configured(
            "mapped",
            &json!({ "client_claim": "azp", "clients": { "app|1": "dev" }, "scopes": ["images:read"] })
        ),
    ]);
    let edge = Edge::start(&[("PINCEL_ISSUERS", &configured.to_string())]).unwrap();
    let pincel = edge.client().unwrap();
    assert_eq!(pincel.id(), "dev", "the issuers' tokens are for this client");
    every_algorithm(&pincel, &issuer).await;
    every_damage(&pincel, &issuer).await;
    keys_that_change(&pincel, &issuer).await;
    an_issuer_that_is_down(&pincel, &issuer).await;
    names_of_its_own(&pincel, &issuer).await;
}

async fn every_algorithm(pincel: &Client, issuer: &Issuer) {
    issuer.publish("plain", &json!([["RS256", "r"], ["ES256", "e"], ["EdDSA", "o"]])).await;
    let first = issuer.token("plain", json!({ "alg": "RS256", "kid": "r" })).await;
    // However many come at once, the keys are fetched once.
    let all = join_all((0..20).map(|_| probe(pincel, &first))).await;
    assert!(all.iter().all(|reply| reply.status == 404), "{all:?}");
    for (alg, kid) in [("RS256", "r"), ("ES256", "e"), ("EdDSA", "o")] {
        let token = issuer.token("plain", json!({ "alg": alg, "kid": kid })).await;
        let asked = picture("by an issuer");
        let request = pincel.anonymous("POST", "/v1/images/generations").bearer_auth(&token).json(&asked);
        let reply = fetch(request).await.unwrap();
        assert_eq!(reply.status, 200, "{alg}: {reply:?}");
        let unnamed = issuer.token("plain", json!({ "alg": alg, "kid": null, "by": kid })).await;
        assert_eq!(probe(pincel, &unnamed).await.status, 404, "{alg}");
    }
    assert_eq!(pincel.bills("by an issuer").await.unwrap().len(), 1);
    assert_eq!(issuer.fetches("plain").await, 1);
}

async fn every_damage(pincel: &Client, issuer: &Issuer) {
    let now = e2e::sign::seconds_from_now(0);
    let header = |alg: &str, kid: &str, header: Value| json!({ "alg": alg, "kid": kid, "header": header });
    let claims = |claims: Value| json!({ "alg": "ES256", "kid": "e", "claims": claims });
    for (what, order) in [
        ("no signature asked for", header("none", "e", json!({}))),
        ("the same in capitals", header("NONE", "e", json!({}))),
        ("the public key as a secret", header("HS256", "r", json!({}))),
        ("a shared key of the set", json!({ "alg": "HS256", "kid": "shared", "by": "r" })),
        ("RS256 with the name of an EC key", json!({ "alg": "RS256", "kid": "e", "by": "r" })),
        ("ES256 by an RSA key", json!({ "alg": "ES256", "kid": "e", "by": "r" })),
        ("EdDSA by an EC key", json!({ "alg": "EdDSA", "kid": "o", "by": "e" })),
        ("an RSA key that is too short", json!({ "alg": "RS256", "kid": "short", "by": "r" })),
        ("an unknown key", json!({ "alg": "ES256", "kid": "unknown", "by": "e" })),
        ("extensions", header("ES256", "e", json!({ "crit": ["b64"], "b64": false }))),
        ("an id token", header("ES256", "e", json!({ "typ": "id+jwt" }))),
        ("another audience", claims(json!({ "aud": "other" }))),
        ("other audiences", claims(json!({ "aud": ["other", "pincel2"] }))),
        ("no audience", claims(json!({ "aud": null }))),
        ("another issuer", claims(json!({ "iss": "https://login.example.com/" }))),
        ("no issuer", claims(json!({ "iss": null }))),
        ("the Worker as issuer", claims(json!({ "iss": pincel.edge, "aud": pincel.edge, "client_id": "dev" }))),
        ("the past", claims(json!({ "exp": now - 61 }))),
        ("no end", claims(json!({ "exp": null }))),
        ("an end in words", claims(json!({ "exp": "tomorrow" }))),
        ("the future", claims(json!({ "nbf": now + 120 }))),
        ("made in the future", claims(json!({ "iat": now + 120 }))),
        ("no client", claims(json!({ "sub": null }))),
        ("a client that is no name", claims(json!({ "sub": "auth0|dev" }))),
        ("a client that does not exist", claims(json!({ "sub": "nobody" }))),
        ("a client that is no text", claims(json!({ "sub": 5 }))),
    ] {
        let token = issuer.token("plain", order).await;
        invalid(&probe(pincel, &token).await, what);
    }
    // Within the leeway, with other forms of the same, and with a type of its own.
    for (what, order) in [
        ("several audiences", claims(json!({ "aud": ["other", "pincel"] }))),
        ("a clock that is off", claims(json!({ "nbf": now + 30, "iat": now + 30 }))),
        ("fractions", claims(json!({ "exp": 4_000_000_000.5 }))),
        ("an access token", header("ES256", "e", json!({ "typ": "application/at+jwt" }))),
    ] {
        let token = issuer.token("plain", order).await;
        assert_eq!(probe(pincel, &token).await.status, 404, "{what}");
    }
    for (scope, status) in [(json!(null), 403), (json!("openid"), 403), (json!(["images:read"]), 404)] {
        let token = issuer.token("plain", claims(json!({ "scope": scope }))).await;
        assert_eq!(probe(pincel, &token).await.status, status, "{scope}");
    }
    // Scopes that the client does not have are not to be had from its issuer.
    let token = issuer.token("plain", claims(json!({ "scope": "admin:read admin:write" }))).await;
    let admin = pincel.anonymous("GET", "/admin/v1/clients").bearer_auth(&token);
    refusal(&fetch(admin).await.unwrap(), 403, "insufficient_scope");
    assert_eq!(issuer.fetches("plain").await, 2, "once for all, and once for the unknown key");
}

async fn keys_that_change(pincel: &Client, issuer: &Issuer) {
    let of = |kid: &str| issuer.token("rotating", json!({ "alg": "ES256", "kid": kid }));
    issuer.publish("rotating", &json!([["ES256", "one"], ["RS256", "other"]])).await;
    assert_eq!(probe(pincel, &of("one").await).await.status, 404);
    let other = issuer.token("rotating", json!({ "alg": "RS256", "kid": "other" })).await;
    invalid(&probe(pincel, &other).await, "an algorithm that is not this issuer's");
    assert_eq!(issuer.fetches("rotating").await, 1);
    // A new key is found at once, and with it the old one is gone.
    let old = of("one").await;
    issuer.publish("rotating", &json!([["ES256", "two"]])).await;
    let new = of("two").await;
    assert_eq!(probe(pincel, &new).await.status, 404);
    assert_eq!(issuer.fetches("rotating").await, 2);
    invalid(&probe(pincel, &old).await, "a key that was taken back");
    // No search but one within a minute, however many made-up keys there are.
    for at in 0..10 {
        let token = issuer.token("rotating", json!({ "alg": "ES256", "kid": format!("made-up-{at}"), "by": "two" }));
        invalid(&probe(pincel, &token.await).await, "a made-up key");
    }
    assert_eq!(issuer.fetches("rotating").await, 2);
    // What is known serves while the issuer is down.
    issuer.down("rotating", true).await;
    assert_eq!(probe(pincel, &of("two").await).await.status, 404);
}

async fn an_issuer_that_is_down(pincel: &Client, issuer: &Issuer) {
    issuer.publish("down", &json!([["EdDSA", "o"]])).await;
    issuer.down("down", true).await;
    let token = issuer.token("down", json!({ "alg": "EdDSA", "kid": "o" })).await;
    for _ in 0..3 {
        let reply = probe(pincel, &token).await;
        refusal(&reply, 503, "issuer_unavailable");
        assert_eq!((reply.header("x-should-retry"), reply.header("retry-after")), ("", "5"), "{reply:?}");
    }
    assert_eq!(issuer.fetches("down").await, 1, "it is not asked again right away");
    issuer.down("down", false).await;
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while probe(pincel, &token).await.status != 404 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    waited.await.expect("the token is accepted once the issuer is back");
}

async fn names_of_its_own(pincel: &Client, issuer: &Issuer) {
    issuer.publish("mapped", &json!([["ES256", "e"]])).await;
    let of = |claims: Value| issuer.token("mapped", json!({ "alg": "ES256", "kid": "e", "claims": claims }));
    let token = of(json!({ "azp": "app|1", "sub": "somebody", "scope": null })).await;
    assert_eq!(probe(pincel, &token).await.status, 404);
    // The operator has fixed what tokens of this issuer grant.
    let token = of(json!({ "azp": "app|1", "scope": "images:generate" })).await;
    let wanted = pincel.anonymous("POST", "/v1/images/generations").bearer_auth(&token).json(&picture("too much"));
    refusal(&fetch(wanted).await.unwrap(), 403, "insufficient_scope");
    for azp in [json!("app|2"), json!("dev"), json!(null)] {
        invalid(&probe(pincel, &of(json!({ "azp": azp })).await).await, &azp.to_string());
    }
}

/// Asks for a picture that does not exist: 404 is for who may look for it.
async fn probe(pincel: &Client, token: &str) -> Reply {
    let path = format!("/v1/images/{}", "0".repeat(64));
    fetch(pincel.anonymous("GET", &path).bearer_auth(token)).await.unwrap()
}

/// A token that opens nothing (RFC 6750 §3.1).
#[track_caller]
fn invalid(reply: &Reply, what: &str) {
    refusal(reply, 401, "invalid_token");
    let challenge = reply.header("www-authenticate");
    assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""), "{what}: {reply:?}");
    assert_eq!(reply.header("x-should-retry"), "false", "{what}");
}

/// A token of the Worker's for this client.
async fn token_of(client: &Client) -> String {
    let request = client.anonymous("POST", "/oauth/token").header("content-type", FORM);
    let request = request.basic_auth(client.id(), Some(&client.keys.api_key)).body("grant_type=client_credentials");
    let reply = fetch(request).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    field(&reply, "/access_token")
}

/// A refusal in the shape of RFC 6749 §5.2.
async fn refused(what: &str, request: RequestBuilder, status: u16, error: &str) {
    let reply = fetch(request).await.unwrap();
    assert_eq!((reply.status, field(&reply, "/error").as_str()), (status, error), "{what}: {reply:?}");
    common(&reply);
    assert!(field(&reply, "/error_description").len() > 10, "{what}: {reply:?}");
    assert_eq!(reply.json().unwrap().as_object().map(serde_json::Map::len), Some(2), "{what}: {reply:?}");
    assert_eq!(reply.header("content-type"), "application/json", "{what}");
    assert_eq!(reply.header("cache-control"), "no-store", "{what}");
    let challenge = if status == 401 { "Basic realm=\"pincel\"" } else { "" };
    assert_eq!(reply.header("www-authenticate"), challenge, "{what}");
}

/// Issuers in Python, which make tokens as they are told. They end with this.
struct Issuer {
    url: String,
    http: reqwest::Client,
    _program: Child,
}

impl Issuer {
    async fn start() -> Self {
        let mut program = Command::new(tools::python().unwrap())
            .arg(tools::workspace("tests/e2e/sdk/issuer.py"))
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let port = serde_json::from_str::<Value>(&line).unwrap()["port"].clone();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), http, _program: program }
    }

    /// An entry of `PINCEL_ISSUERS`.
    fn configured(&self, name: &str, more: &Value) -> Value {
        let url = format!("{}/{name}/", self.url);
        let mut entry = json!({ "issuer": url, "audience": "pincel", "jwks_uri": format!("{url}jwks.json") });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    }

    async fn publish(&self, name: &str, keys: &Value) {
        self.tell(name, "publish", json!({ "keys": keys })).await;
    }

    async fn down(&self, name: &str, down: bool) {
        self.tell(name, "down", json!({ "down": down })).await;
    }

    async fn token(&self, name: &str, order: Value) -> String {
        self.tell(name, "token", order).await["token"].as_str().unwrap().to_owned()
    }

    async fn fetches(&self, name: &str) -> u64 {
        let reply = fetch(self.http.get(format!("{}/{name}/fetches", self.url))).await.unwrap();
        reply.json().unwrap()["fetches"].as_u64().unwrap()
    }

    async fn tell(&self, name: &str, what: &str, body: Value) -> Value {
        let reply = fetch(self.http.post(format!("{}/{name}/{what}", self.url)).json(&body)).await.unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json().unwrap()
    }
}
