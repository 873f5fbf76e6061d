//! Pincel as a client of the benchmark sees it, and the stand-in behind it.

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::SigningKey;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::load::Target;
use crate::server::Server;

const SECRET: &str = "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";
const ADMIN_TOKEN: &str = "ttttttttttttttttttttttttttttttttttttttttttt";
const PROVIDER_KEY: &str = "sk-nothing-that-opens-anything";

/// The last second of the year 9999.
const NEVER: u64 = 253_402_300_799;

const MODEL: &str = "gpt-image-2.6-flare";
/// The smallest that the model makes.
const SIZE: &str = "1024x640";

pub struct Pincel {
    pub worker: Server,
    pub fake_openai: Server,
    pub client: Client,
    api_key: String,
    signing_key: SigningKey,
}

impl Pincel {
    pub fn start() -> Result<Self> {
        Self::start_as("pincel")
    }

    /// As one of the Workers that `run.mjs` makes of the built one.
    pub fn start_as(worker: &str) -> Result<Self> {
        let fake_openai = Server::fake_openai()?;
        let bindings = json!({
            "OPENAI_BASE_URL": fake_openai.url,
            "OPENAI_API_KEY": PROVIDER_KEY,
            "PINCEL_SECRET": SECRET,
            "PINCEL_ADMIN_TOKEN": ADMIN_TOKEN,
            "DEFAULT_MODEL": MODEL,
        });
        let worker = Server::worker(worker, &bindings)?;
        let client = Client::builder().timeout(None).build()?;
        let post = |path: &str| client.post(format!("{}/admin/v1/clients{path}", worker.url)).bearer_auth(ADMIN_TOKEN);
        let made = |request: RequestBuilder| -> Result<Value> {
            Ok(serde_json::from_slice(&body_of(request.send()?, None)?)?)
        };
        // Without a budget: what is measured is the way of every picture through the accounts, and none is refused.
        let policy = json!({ "budget_per_day_usd": null, "budget_per_month_usd": null });
        made(post("").json(&json!({ "id": "bench", "policy": policy })))?;
        let api_key = text(&made(post("/bench/keys"))?, "key")?;
        let key = made(post("/bench/signing-keys"))?;
        let signing_key = SigningKey::new(text(&key, "kid")?, text(&key, "secret")?);
        Ok(Self { worker, fake_openai, client, api_key, signing_key })
    }

    /// With the operator's token.
    pub fn admin(request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(ADMIN_TOKEN)
    }

    /// From now on pictures have at least so many bytes.
    pub fn pad(&self, bytes: usize) -> Result<()> {
        let control = self.fake_openai.url.trim_end_matches("/v1");
        let reply = self
            .client
            .post(format!("{control}/_control/behaviour"))
            .body(json!({ "pad_bytes": bytes }).to_string())
            .send()?;
        reply.error_for_status()?;
        Ok(())
    }

    /// A generation through Pincel, whose reply must say so.
    pub fn generate(&self, prompt: &str, cache_status: &str) -> Result<Vec<u8>> {
        let url = format!("{}/v1/images/generations", self.worker.url);
        let reply = self.client.post(url).bearer_auth(&self.api_key).json(&order(prompt)).send()?;
        body_of(reply, Some(cache_status))
    }

    /// The same call, past Pincel.
    pub fn generate_directly(&self, prompt: &str) -> Result<Vec<u8>> {
        let url = format!("{}/images/generations", self.fake_openai.url);
        body_of(self.client.post(url).bearer_auth(PROVIDER_KEY).json(&order(prompt)).send()?, None)
    }

    /// The picture, whose reply must say so.
    pub fn get(&self, target: &Target, cache_status: &str) -> Result<Vec<u8>> {
        body_of(self.request(target).send()?, Some(cache_status))
    }

    fn request(&self, target: &Target) -> RequestBuilder {
        let request = self.client.get(&target.url);
        match &target.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }

    /// The address of a picture, for whoever holds the API key.
    pub fn by_key(&self, prompt: &str) -> Target {
        let query: Vec<String> =
            parameters(prompt).iter().map(|(name, value)| format!("{name}={}", domain::query::encode(value))).collect();
        let url = format!("{}/v1/image?{}", self.worker.url, query.join("&"));
        Target { url, authorization: Some(format!("Bearer {}", self.api_key)) }
    }

    /// The same address, for whoever holds an access token of the client.
    pub fn by_token(&self, target: &Target) -> Result<Target> {
        let form = "grant_type=client_credentials";
        let request =
            self.client.post(format!("{}/oauth/token", self.worker.url)).basic_auth("bench", Some(&self.api_key));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let token = text(&serde_json::from_slice(&body_of(request.send()?, None)?)?, "access_token")?;
        Ok(Target { url: target.url.clone(), authorization: Some(format!("Bearer {token}")) })
    }

    /// The address of a picture, signed.
    pub fn signed(&self, prompt: &str) -> Target {
        let query = self.signing_key.sign_query("/v1/image", &parameters(prompt), NEVER);
        Target { url: format!("{}/v1/image?{query}", self.worker.url), authorization: None }
    }

    /// The prompt of a picture of exactly so many bytes, which exists now and has been handed over often enough that every
    /// cache holds it.
    pub fn picture(&self, bytes: usize) -> Result<(String, Vec<u8>)> {
        self.pad(bytes)?;
        for at in 0..50 {
            // Some drawings need more than that without any padding; another prompt is another drawing.
            let prompt = format!("a red bicycle leaning against a white wall, number {at}");
            let target = self.by_key(&prompt);
            let made = self.get(&target, "fwd=uri-miss")?;
            if made.len() == bytes {
                for _ in 0..3 {
                    let again = self.get(&target, "; hit")?;
                    if again != made {
                        bail!("a hit has other bytes than the picture that was made");
                    }
                }
                return Ok((prompt, made));
            }
        }
        bail!("no picture of {bytes} bytes came")
    }
}

fn parameters(prompt: &str) -> Vec<(String, String)> {
    [("prompt", prompt), ("quality", "low"), ("size", SIZE)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn order(prompt: &str) -> Value {
    json!({ "model": MODEL, "prompt": prompt, "quality": "low", "size": SIZE })
}

fn body_of(reply: Response, cache_status: Option<&str>) -> Result<Vec<u8>> {
    let status = reply.status();
    let header = reply.headers().get("cache-status").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let as_expected = cache_status.is_none_or(|expected| header.contains(expected));
    let header = header.to_owned();
    let bytes = reply.bytes()?;
    if !status.is_success() {
        bail!("answered {status}: {}", String::from_utf8_lossy(&bytes));
    }
    if !as_expected {
        bail!("answered with 'Cache-Status: {header}' where {cache_status:?} was due");
    }
    Ok(bytes.into())
}

fn text(document: &Value, name: &str) -> Result<String> {
    document.get(name).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no '{name}' was made"))
}

/// The bytes of the one picture in a reply of OpenAI's shape.
pub fn decoded(document: &[u8]) -> Result<Vec<u8>> {
    let document: Value = serde_json::from_slice(document)?;
    let text = document.pointer("/data/0/b64_json").and_then(Value::as_str).context("a reply without a picture")?;
    Ok(STANDARD.decode(text)?)
}
