//! What the tests share: scope is a server of their own and short ways to call it.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, ImageFormat};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// A server with its own bills, and a client for it.
pub(crate) struct Server {
    running: fake_openai::Running,
    client: Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let running = fake_openai::start().await.expect("a free port");
        // Far beyond any latency of the tests, so that a lost reply is an error and no hang.
        let client = Client::builder().timeout(Duration::from_secs(20));
        Self { running, client: client.build().expect("a client") }
    }

    /// A request with a key to a path behind `/v1`.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.running.url());
        self.client.post(url).bearer_auth("any-key")
    }

    /// A generation, not yet sent.
    pub(crate) fn generation(&self, body: &Value) -> RequestBuilder {
        self.post("/images/generations").json(body)
    }

    /// A generation and its reply.
    pub(crate) async fn generate(&self, body: &Value) -> Response {
        self.generation(body).send().await.expect("a reply")
    }

    /// Sets the behaviour, which must be accepted.
    pub(crate) async fn behave(&self, change: &Value) {
        let response = self.control_post("behaviour", change).await;
        assert_eq!(response.status(), 200, "{change}");
    }

    pub(crate) async fn control_post(&self, name: &str, body: &Value) -> Response {
        let url = format!("{}/_control/{name}", self.running.origin());
        let request = self.client.post(url).json(body);
        request.send().await.expect("a reply")
    }

    pub(crate) async fn control_get(&self, name: &str) -> Value {
        let url = format!("{}/_control/{name}", self.running.origin());
        let response = self.client.get(url).send().await.expect("a reply");
        response.json().await.expect("JSON")
    }

    pub(crate) async fn bills(&self) -> Vec<Value> {
        let bills = self.control_get("bills").await;
        bills["bills"].as_array().expect("a list").clone()
    }

    /// Waits until no call is in flight, which a client that left cannot tell otherwise.
    pub(crate) async fn settle(&self) {
        for _ in 0..400 {
            if self.control_get("calls").await["in_flight"] == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("calls are still in flight");
    }
}

/// A right request for a picture that is quickly made.
pub(crate) fn fox() -> Value {
    json!({"model": "gpt-image-2", "prompt": "A fox", "quality": "low", "size": "1024x640"})
}

/// The right request with some fields changed.
pub(crate) fn fox_with(fields: &Value) -> Value {
    let mut body = fox();
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// The bytes in a `b64_json` field.
pub(crate) fn bytes(holder: &Value) -> Vec<u8> {
    let text = holder["b64_json"].as_str().expect("a text");
    BASE64_STANDARD.decode(text).expect("base64")
}

/// Reads a picture with a decoder that shares no code with what drew it where it can be had.
pub(crate) fn decode(bytes: &[u8]) -> (ImageFormat, DynamicImage) {
    let format = image::guess_format(bytes).expect("a picture");
    let picture = image::load_from_memory_with_format(bytes, format).expect("a whole picture");
    (format, picture)
}

/// A picture of one colour in a format, to be edited.
pub(crate) fn plain_picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let picture = DynamicImage::new_rgb8(width, height);
    picture.write_to(&mut file, format).expect("a file");
    file.into_inner()
}
