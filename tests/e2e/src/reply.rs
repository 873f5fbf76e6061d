//! What came back.

use std::fmt;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A reply that was received whole.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Sends a request and receives the whole reply. A reply that is broken off is an error.
pub async fn fetch(request: RequestBuilder) -> Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.with_context(|| format!("a reply with status {status} was broken off"))?;
    Ok(Reply { status, headers, body })
}

impl Reply {
    /// The value of a header; nothing where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {self:?}"))
    }

    /// The pictures of a reply in OpenAI's shape.
    pub fn pictures(&self) -> Result<Vec<Vec<u8>>> {
        let document = self.json()?;
        let data = document.get("data").and_then(Value::as_array).with_context(|| format!("no pictures: {self:?}"))?;
        let decode = |item: &Value| {
            let text = item.get("b64_json").and_then(Value::as_str).context("no b64_json")?;
            STANDARD.decode(text).context("no base64")
        };
        data.iter().map(decode).collect()
    }

    /// The one picture of a reply: its body, or what is in it.
    pub fn picture(&self) -> Result<Vec<u8>> {
        if self.header("content-type").starts_with("image/") {
            return Ok(self.body.to_vec());
        }
        self.pictures()?.pop().with_context(|| format!("no picture: {self:?}"))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(self.body.get(..self.body.len().min(400)).unwrap_or_default()).into_owned();
        write!(formatter, "{} {:?}\n{} bytes: {body}", self.status, self.headers, self.body.len())
    }
}
