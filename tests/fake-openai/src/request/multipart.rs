//! Multipart bodies: scope is the form of an edit that carries its pictures.
//!
//! The parts come in any order: the SDKs disagree about where the pictures go.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde_json::{Value, json};

use super::picture::Picture;
use super::{Draft, Received};
use crate::error::ApiError;

const INTEGERS: [&str; 5] = ["n", "output_compression", "partial_images", "frame_count", "frame_duration_ms"];

/// Reads a body that claims to be multipart.
pub(super) async fn receive(headers: &HeaderMap, bytes: Bytes) -> Received {
    let mut seen = Vec::new();
    let draft = read(headers, bytes, &mut seen).await;
    Received { body: Value::Array(seen), draft }
}

async fn read(headers: &HeaderMap, bytes: Bytes, seen: &mut Vec<Value>) -> Result<Draft, ApiError> {
    let mut request = Request::new(Body::from(bytes));
    if let Some(content_type) = headers.get(CONTENT_TYPE) {
        request.headers_mut().insert(CONTENT_TYPE, content_type.clone());
    }
    // The extractor would otherwise stop at two megabytes, and pictures may have fifty.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| broken())?;

    // A part that is wrong must not hide the rest from whoever looks at what was received.
    let mut first_error = None;
    let mut draft = Draft::default();
    while let Some(part) = form.next_field().await.map_err(|_| broken())? {
        let name = part.name().unwrap_or_default().to_owned();
        let mut description = json!({
            "name": name,
            "filename": part.file_name(),
            "content_type": part.content_type(),
        });
        let content = part.bytes().await.map_err(|_| broken())?;
        let outcome = draft.add(&name, &content, &mut description);
        seen.push(description);
        if let Err(error) = outcome {
            first_error.get_or_insert(error);
        }
    }
    match first_error {
        Some(error) => Err(error),
        None => Ok(draft),
    }
}

impl Draft {
    fn add(&mut self, name: &str, content: &[u8], description: &mut Value) -> Result<(), ApiError> {
        let mut describe = |key: &str, value: Value| {
            if let Some(object) = description.as_object_mut() {
                object.insert(key.to_owned(), value);
            }
        };
        describe("bytes", json!(content.len()));
        match name {
            "image" | "image[]" => self.pictures.push(Picture::recognise("image", content)?),
            "mask" => self.mask = Some(Picture::recognise(name, content)?),
            "markup" => self.markup = Some(Picture::recognise(name, content)?),
            _ => {
                let text = String::from_utf8_lossy(content);
                describe("text", json!(text));
                // Nested fields arrive as `svg[model]`; the field itself is what is judged.
                let field = name.split('[').next().unwrap_or(name);
                self.fields.insert(field.to_owned(), typed(field, &text));
            }
        }
        Ok(())
    }
}

/// Gives a text the type that its field has in JSON, as far as it can be read as such.
fn typed(name: &str, text: &str) -> Value {
    let parsed = match name {
        "stream" => text.parse::<bool>().ok().map(Value::from),
        _ if INTEGERS.contains(&name) => text.parse::<i64>().ok().map(Value::from),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::from(text))
}

fn broken() -> ApiError {
    ApiError::unreadable("Could not parse multipart form.")
}
