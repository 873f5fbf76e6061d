//! Whatever fails, no log line and no refusal holds a secret or a prompt. Nor does anything that an operator can read.

use e2e::{Client, Edge, Keys, Reply, fetch, picture, with};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::check::{common, field};

const MARK: &str = "zanzibar-unrepeatable-marker";
const MASTER: &str = "timbuktu-unrepeatable-master-secret-of-this-test";
const PROVIDERS: &str = "sk-fake-for-the-stand-in";

/// Parts of everything that nobody may be told.
struct Secrets(Vec<String>);

impl Secrets {
    /// Of all that is secret, a part that is long enough to be no accident: a secret may be told without its beginning or its end.
    fn of(admin_token: &str, access_token: &str, keys: &[&Keys]) -> Self {
        let (body, signature) = access_token.rsplit_once('.').unwrap();
        let mut secrets = vec![MARK, MASTER, PROVIDERS, admin_token, &signature[..20], &body[body.len() - 20..]];
        for keys in keys {
            let api_secret = keys.api_key.splitn(3, '_').nth(2).unwrap();
            secrets.extend([&api_secret[..20], &api_secret[23..], &keys.signing_secret[..20]]);
        }
        Self(secrets.into_iter().map(str::to_owned).collect())
    }

    #[track_caller]
    fn not_in(&self, text: &str) {
        let told = self.0.iter().find(|secret| text.contains(secret.as_str()));
        assert_eq!(told, None, "{text}");
    }

    #[track_caller]
    fn not_told(&self, reply: &Reply) {
        self.not_in(&format!("{:?} {}", reply.headers, String::from_utf8_lossy(&reply.body)));
    }
}

#[tokio::test]
async fn neither_logs_nor_replies_tell_secrets() {
    let vars = [("GENERATION_TIMEOUT_SECONDS", "2"), ("UNKNOWN_HOLD_SECONDS", "60"), ("PINCEL_SECRET", MASTER)];
    let edge = Edge::start_saying("log", &vars).unwrap();
    let pincel = edge.client().unwrap();
    let policy = json!({ "budget_per_day_usd": "0.00", "requests_per_minute": 3 });
    let first = pincel.new_client("other", policy).await.unwrap();
    let (_, second) = first.new_key().await.unwrap();
    let token = access_token(&pincel).await;
    let secrets = Secrets::of(&pincel.keys.admin_token, &token, &[&pincel.keys, &first.keys, &second.keys]);

    let mut replies = Vec::new();
    for fail in [
        "rate_limit",
        "quota",
        "moderation",
        "unauthorized",
        "unverified",
        "server_error",
        "overloaded",
        "empty_404",
        "error_after_billing",
        "cut_before_billing",
        "cut_mid_body",
        "hang",
        "garbage",
        "not_an_image",
    ] {
        pincel.behave(json!({ "fail": fail, "times": 99, "retry_after_ms": 5 })).await.unwrap();
        let asked = picture(&format!("{MARK} {fail}"));
        for request in [pincel.get(&asked), pincel.post(&asked), pincel.get_signed(&asked)] {
            replies.push(fetch(request).await.unwrap());
        }
    }
    pincel.behave_well().await.unwrap();
    for request in wrong_pictures(&pincel)
        .into_iter()
        .chain(wrong_credentials(&pincel, &first, &second, &token))
        .chain(wrong_changes(&pincel, &first))
    {
        replies.push(fetch(request).await.unwrap());
    }
    for reply in &replies {
        assert!(reply.status >= 400, "{reply:?}");
        common(reply);
        secrets.not_told(reply);
    }
    for key in replies.iter().map(|reply| reply.header("x-pincel-key")).filter(|key| !key.is_empty()) {
        secrets.not_in(&json!(pincel.receipts(key).await.unwrap()).to_string());
    }
    // Errors of RFC 6749 have another shape than those of the API.
    for request in wrong_grants(&pincel, &first) {
        let reply = fetch(request).await.unwrap();
        assert!((400..500).contains(&reply.status), "{reply:?}");
        secrets.not_told(&reply);
    }
    for request in all_that_can_be_read(&pincel, &first) {
        let reply = fetch(request).await.unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        secrets.not_told(&reply);
    }

    // One of each kind that succeeds is logged as well, or not at all.
    let asked = picture(MARK);
    let by_token = pincel.acting_as(Keys { api_key: token.clone(), ..pincel.keys.clone() });
    let sign = pincel.request("POST", "/v1/images/sign").json(&asked);
    for request in [pincel.get(&asked), pincel.post(&asked), by_token.get(&asked), sign] {
        assert_eq!(fetch(request).await.unwrap().status, 200);
    }
    let log = edge.log();
    assert!(log.contains("\"event\":\"request\""), "nothing of the Worker is in its log:\n{log}");
    // What wrangler itself says of a request that no route takes is its path.
    log.lines().filter(|line| !line.contains(&format!("GET /{MARK} 404"))).for_each(|line| secrets.not_in(line));
}

fn wrong_pictures(pincel: &Client) -> Vec<RequestBuilder> {
    let asked = picture(MARK);
    let bad = |change| with(&asked, change);
    let key = "0".repeat(64);
    vec![
        pincel.get(&bad(json!({ "size": "7x7" }))),
        pincel.post(&bad(json!({ "n": 99 }))),
        pincel.post(&bad(json!({ "prompt": MARK.repeat(2_000) }))),
        pincel
            .request("POST", "/v1/images/generations")
            .header("content-type", "application/json")
            .body(format!("{{\"prompt\": \"{MARK}\"")),
        pincel.get(&asked).header("cache-control", "only-if-cached"),
        pincel.request("GET", &format!("/v1/image?prompt={MARK}%ff")),
        pincel.anonymous("GET", &format!("/{MARK}")),
        pincel.anonymous("GET", &format!("/v1/images/{key}?{MARK}=1")),
        pincel.request("POST", "/v1/images/sign").json(&bad(json!({ "n": 2 }))),
        pincel.request("POST", "/v1/images/quote").json(&bad(json!({ "quality": "best" }))),
    ]
}

/// Also what an account refuses, for its budget and then for its rate.
fn wrong_credentials(pincel: &Client, first: &Client, second: &Client, token: &str) -> Vec<RequestBuilder> {
    let asked = picture(MARK);
    let key = "0".repeat(64);
    let signature = token.rsplit_once('.').unwrap().1;
    let get = |bearer: String| pincel.anonymous("GET", &format!("/v1/images/{key}")).bearer_auth(bearer);
    vec![
        pincel.anonymous("GET", &format!("/v1/image?prompt={MARK}")),
        pincel.anonymous("GET", &format!("{}0", pincel.signed(&asked))),
        pincel.anonymous("GET", &pincel.signed_until(&asked, 1)),
        get(pincel.keys.admin_token.clone()),
        get("other".to_owned()),
        get(token.to_owned()),
        get(format!("{token}x")),
        get(format!("{}.{signature}", MARK.repeat(3))),
        get(format!("{}x", first.keys.api_key)),
        get(first.keys.signing_secret.clone()),
        get(MASTER.to_owned()),
        pincel.request("GET", &format!("/admin/v1/images/{key}")),
        pincel.request("POST", &first.admin_path("/keys")),
        first.get(&asked),
        first.post(&asked),
        first.get_signed(&asked),
        second.get(&asked),
        second.post(&asked),
    ]
}

fn wrong_changes(pincel: &Client, first: &Client) -> Vec<RequestBuilder> {
    vec![
        pincel.admin("POST", "/admin/v1/clients").json(&json!({ "id": MARK })),
        pincel
            .admin("POST", "/admin/v1/clients")
            .json(&json!({ "id": "dev", "policy": { "budget_per_day_usd": "x" } })),
        pincel.admin("PATCH", &first.admin_path("")).json(&json!({ "policy": { "budget_per_day_usd": "x" } })),
        pincel.admin("POST", &first.admin_path("/keys")),
        pincel.admin("DELETE", &first.admin_path("/keys/none")),
        pincel.admin("DELETE", &first.admin_path("/signing-keys/none")),
    ]
}

fn wrong_grants(pincel: &Client, first: &Client) -> Vec<RequestBuilder> {
    let key = &first.keys.api_key;
    let good = "grant_type=client_credentials";
    let basic = |client: &str, secret: &str, body: &str| form(pincel, body.to_owned()).basic_auth(client, Some(secret));
    vec![
        basic("other", &format!("{key}x"), good),
        basic("dev", key, good),
        basic(MARK, MARK, good),
        basic("other", key, &format!("{good}&scope=admin:write")),
        form(pincel, format!("{good}&client_id=other&client_secret={key}x")),
        form(pincel, format!("grant_type={MARK}&client_id=other&client_secret={key}")),
        form(pincel, format!("{good}&client_id=dev&client_secret={key}&scope={MARK}")),
        form(pincel, format!("{good}&client_id={MARK}&client_secret={MASTER}")),
    ]
}

fn all_that_can_be_read(pincel: &Client, first: &Client) -> Vec<RequestBuilder> {
    let paths = [
        "/admin/v1/clients",
        &first.admin_path(""),
        &pincel.admin_path(""),
        "/admin/v1/deployment",
        "/readyz",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ];
    paths.iter().map(|path| pincel.admin("GET", path)).collect()
}

async fn access_token(pincel: &Client) -> String {
    let grant = form(pincel, "grant_type=client_credentials".to_owned());
    let reply = fetch(grant.basic_auth(pincel.id(), Some(&pincel.keys.api_key))).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    field(&reply, "/access_token")
}

fn form(pincel: &Client, body: String) -> RequestBuilder {
    let request = pincel.anonymous("POST", "/oauth/token");
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}
