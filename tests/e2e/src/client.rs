//! Asks for pictures, and asks the stand-in what was bought.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::reply::{Reply, fetch};
use crate::sign;

/// Far beyond any latency of the tests, so that a lost reply is an error and no hang.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long something that must come is waited for.
pub(crate) const AWAITED: Duration = Duration::from_secs(20);

/// The secrets of one client, and of the deployment that it belongs to.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    pub api_key: String,
    pub signing_key_id: String,
    pub signing_secret: String,
    pub admin_token: String,
}

/// A client of one edge and of its stand-in. Its connections belong to the test that made it.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    pub edge: String,
    pub fake: String,
    pub keys: Keys,
    through: Option<&'static str>,
}

/// A request for a picture that is quickly made.
pub fn picture(prompt: &str) -> Value {
    json!({ "prompt": prompt, "quality": "low", "size": "1024x640" })
}

/// The same with some fields changed; a null takes one away.
pub fn with(picture: &Value, fields: Value) -> Value {
    let mut all = picture.as_object().cloned().unwrap_or_default();
    if let Value::Object(fields) = fields {
        all.extend(fields);
    }
    all.retain(|_, value| !value.is_null());
    Value::Object(all)
}

impl Client {
    pub(crate) fn new(edge: String, fake: String, keys: Keys) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { http, edge, fake, keys, through: None })
    }

    /// The same edge with other keys.
    #[must_use]
    pub fn acting_as(&self, keys: Keys) -> Self {
        Self { keys, ..self.clone() }
    }

    /// The same by way of one of several Workers.
    #[must_use]
    pub fn through(&self, worker: &'static str) -> Self {
        Self { through: Some(worker), ..self.clone() }
    }

    /// A request without credentials, to a path or an address.
    pub fn anonymous(&self, method: &str, to: &str) -> RequestBuilder {
        let url = if to.starts_with('/') { format!("{}{to}", self.edge) } else { to.to_owned() };
        let request = self.http.request(Method::from_bytes(method.as_bytes()).unwrap_or_default(), url);
        match self.through {
            Some(worker) => request.header("x-through", worker),
            None => request,
        }
    }

    /// A request with the API key.
    pub fn request(&self, method: &str, to: &str) -> RequestBuilder {
        self.anonymous(method, to).bearer_auth(&self.keys.api_key)
    }

    /// `GET /v1/image` with the API key.
    pub fn get(&self, picture: &Value) -> RequestBuilder {
        self.request("GET", &path(picture))
    }

    /// `POST /v1/images/generations` with the API key.
    pub fn post(&self, picture: &Value) -> RequestBuilder {
        self.request("POST", "/v1/images/generations").json(picture)
    }

    /// `GET /v1/image` by a signed URL.
    pub fn get_signed(&self, picture: &Value) -> RequestBuilder {
        self.anonymous("GET", &self.signed(picture))
    }

    /// The signed URL of a picture, as it stands in an `<img>`.
    pub fn signed(&self, picture: &Value) -> String {
        self.signed_until(picture, sign::seconds_from_now(600))
    }

    pub fn signed_until(&self, picture: &Value, exp_s: u64) -> String {
        let Keys { signing_key_id, signing_secret, .. } = &self.keys;
        let fields = texts(picture);
        let pairs: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        format!("{}{}", self.edge, sign::signed("/v1/image", &pairs, signing_key_id, signing_secret, exp_s))
    }

    /// Every attempt at the picture with this key; none where there was none.
    pub async fn receipts(&self, key: &str) -> Result<Vec<Value>> {
        let request = self.anonymous("GET", &format!("/admin/v1/images/{key}")).bearer_auth(&self.keys.admin_token);
        let reply = fetch(request).await?;
        if reply.status == 404 {
            return Ok(Vec::new());
        }
        ensure!(reply.status == 200, "{reply:?}");
        let document = reply.json()?;
        Ok(document.get("receipts").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// The receipts, once they are as expected.
    pub async fn receipts_when(&self, key: &str, expected: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let mut last = Vec::new();
        let waited = tokio::time::timeout(AWAITED, async {
            loop {
                last = self.receipts(key).await?;
                if expected(&last) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
        waited.await.with_context(|| format!("the receipts of {key} did not become as expected"))??;
        Ok(last)
    }

    /// Sets how the stand-in behaves; what is not named stays.
    pub async fn behave(&self, change: Value) -> Result<()> {
        self.control("POST", "behaviour", Some(change)).await.map(drop)
    }

    /// Makes the stand-in answer at once and never fail.
    pub async fn behave_well(&self) -> Result<()> {
        self.behave(json!({ "latency_ms": 0, "fail": null, "retry_after_ms": null, "pad_bytes": 0 })).await
    }

    /// What was billed for a prompt, in order.
    pub async fn bills(&self, prompt: &str) -> Result<Vec<Value>> {
        let mut bills = self.all_bills().await?;
        bills.retain(|bill| bill.get("prompt").and_then(Value::as_str) == Some(prompt));
        Ok(bills)
    }

    /// What was billed for whatever, in order.
    pub async fn all_bills(&self) -> Result<Vec<Value>> {
        Ok(all(&self.control("GET", "bills", None).await?, "bills", |_| true))
    }

    /// The bodies with which the provider was called for a prompt, in order. It remembers the last fifty calls.
    pub async fn calls(&self, prompt: &str) -> Result<Vec<Value>> {
        let calls = self.control("GET", "calls", None).await?;
        let bodies = all(&calls, "requests", |_| true).into_iter().filter_map(|call| call.get("body").cloned());
        Ok(bodies.filter(|body| body.get("prompt").and_then(Value::as_str) == Some(prompt)).collect())
    }

    /// How often the provider was called, for whatever.
    pub async fn call_count(&self) -> Result<u64> {
        let calls = self.control("GET", "calls", None).await?;
        calls.get("calls").and_then(Value::as_u64).context("no count of calls")
    }

    /// Returns once the provider was called that often for a prompt.
    pub async fn called(&self, prompt: &str, times: usize) -> Result<()> {
        let waited = tokio::time::timeout(AWAITED, async {
            while self.calls(prompt).await?.len() < times {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(())
        });
        waited.await.with_context(|| format!("the provider was not called {times} times for {prompt:?}"))?
    }

    /// Returns once the provider has nothing more to do.
    pub async fn provider_idle(&self) -> Result<()> {
        let waited = tokio::time::timeout(AWAITED, async {
            while self.control("GET", "calls", None).await?.get("in_flight") != Some(&json!(0)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(())
        });
        waited.await.context("the provider is still at work")?
    }

    async fn control(&self, method: &str, name: &str, body: Option<Value>) -> Result<Value> {
        let request = self.anonymous(method, &format!("{}/_control/{name}", self.fake));
        let reply: Reply = fetch(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await?;
        ensure!(reply.status == 200, "{name}: {reply:?}");
        reply.json()
    }
}

/// The path of a picture as a query.
fn path(picture: &Value) -> String {
    let fields = texts(picture);
    let pairs: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    format!("/v1/image?{}", sign::query(&pairs))
}

fn texts(picture: &Value) -> Vec<(String, String)> {
    let none = Map::new();
    let fields = picture.as_object().unwrap_or(&none).iter();
    fields
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

fn all(document: &Value, name: &str, keep: impl Fn(&Value) -> bool) -> Vec<Value> {
    let list = document.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter(|item| keep(item)).cloned().collect()
}
