//! The provider over `fetch`.

use domain::picture::Digest;
use engine::ports::{Call, Paper, ProviderReply, SendError, StoreError};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::{AbortController, Fetch, Headers, Method, Request, RequestInit, RequestRedirect};

use super::failed;
use crate::config::ProviderConfig;
use crate::glue::{self, Sheet};

/// A reply that is being read. Dropped early, it ends the call.
pub struct Reply {
    status: u16,
    headers: Headers,
    body: Option<glue::Reader>,
    _call: Running,
}

/// Aborts its call when it is dropped; after the end that does nothing.
struct Running(Option<AbortController>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

pub async fn call(config: &ProviderConfig, call: &Call<'_>) -> Result<Reply, SendError> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let running = Running(Some(controller));
    let request = request(config, call).map_err(|error| lost(&error))?;
    let response = Fetch::Request(request).send_with_signal(&signal).await.map_err(|error| lost(&error))?;
    let headers = response.headers().clone();
    // A reply without a body has no stream, and nothing to read.
    let body = match response.body() {
        worker::ResponseBody::Stream(stream) => Some(glue::Reader::new(stream)),
        _ => None,
    };
    Ok(Reply { status: response.status_code(), headers, body, _call: running })
}

fn request(config: &ProviderConfig, call: &Call<'_>) -> worker::Result<Request> {
    let headers = Headers::new();
    headers.set("authorization", &format!("Bearer {}", config.api_key))?;
    headers.set("content-type", "application/json")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_body(Some(JsValue::from_str(call.body)))
        // A redirect would carry the key to another address.
        .with_redirect(RequestRedirect::Manual);
    Request::new_with_init(&format!("{}/{}", config.base_url, call.path), &init)
}

fn lost(error: &worker::Error) -> SendError {
    SendError(failed("openai", error).0)
}

impl ProviderReply for Reply {
    fn status(&self) -> u16 {
        self.status
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).ok().flatten()
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, SendError> {
        let Some(body) = &mut self.body else { return Ok(None) };
        let block = body.read().await.map_err(|error| lost(&worker::Error::from(error)))?;
        Ok(block.dyn_into::<worker::js_sys::Uint8Array>().ok().map(|block| block.to_vec()))
    }
}

/// A picture while it arrives, in JavaScript's memory.
pub struct Sheets {
    sheet: Sheet,
    pub bytes: u64,
}

impl Sheets {
    pub fn new() -> Self {
        Self { sheet: Sheet::new(), bytes: 0 }
    }

    pub fn js(&self) -> JsValue {
        self.sheet.unchecked_ref::<JsValue>().clone()
    }

    pub fn stream(&self) -> worker::web_sys::ReadableStream {
        self.sheet.stream()
    }
}

impl Paper for Sheets {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.sheet.write(bytes);
        Ok(())
    }

    async fn digest(&mut self) -> Result<Digest, StoreError> {
        let digest = self.sheet.digest().await.map_err(|error| failed("digest", worker::Error::from(error)))?;
        glue::digest_of(digest).map(Digest).ok_or_else(|| failed("digest", "no digest came"))
    }
}
