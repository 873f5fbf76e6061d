//! Plain replies: scope is the body of a finished call and the ways to spoil it.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use serde_json::{Map, Value, json};

use crate::bill::unix_milliseconds;
use crate::connection::Cut;
use crate::error::ApiError;
use crate::request::Job;
use crate::usage::Usage;

/// A body that breaks off within its first value, as when a proxy mangles a reply.
pub(crate) const GARBAGE: &str = "{\"created\": 1795478400, \"data\": [{\"b64_js";

/// The reply with the finished pictures, each in base64.
pub(crate) fn pictures(job: &Job, encoded: &[String]) -> Vec<u8> {
    let data: Vec<Value> = encoded.iter().map(|picture| json!({ "b64_json": picture })).collect();
    let mut body = echo(job);
    body.insert("created".to_owned(), json!(unix_milliseconds() / 1000));
    body.insert("data".to_owned(), Value::Array(data));
    let usage = Usage::of_call(job).with_output_details();
    body.insert("usage".to_owned(), usage);
    // A map of plain values always has a JSON form.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// What a reply says about the pictures in it, streamed or not.
pub(crate) fn echo(job: &Job) -> Map<String, Value> {
    let background = if job.transparent { "transparent" } else { "opaque" };
    let mut fields = Map::new();
    fields.insert("background".to_owned(), json!(background));
    fields.insert("output_format".to_owned(), json!(job.format.name()));
    fields.insert("quality".to_owned(), json!(job.quality));
    fields.insert("size".to_owned(), json!(job.size.to_string()));
    if let Some(identifier) = &job.safety_identifier {
        fields.insert("safety_identifier".to_owned(), json!(identifier));
    }
    fields
}

/// A text in base64, to stand where a picture belongs.
pub(crate) fn no_picture() -> String {
    BASE64_STANDARD.encode("This is a text and not a picture.")
}

/// A successful reply.
pub(crate) fn success(body: Vec<u8>) -> Response {
    json_response(Body::from(body))
}

/// A reply that claims success and JSON but holds something else.
pub(crate) fn garbage() -> Response {
    json_response(Body::from(GARBAGE))
}

/// A reply that announces its whole length, and of which half is ever sent.
pub(crate) fn half(mut body: Vec<u8>) -> Response {
    let length = HeaderValue::from(body.len());
    body.truncate(body.len() / 2);
    let first = stream::once(async move { Ok(Bytes::from(body)) });
    let mut response = json_response(Body::from_stream(first.chain(broken())));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// The end of a body that breaks off.
///
/// The pause lets the part before it get out; otherwise the client would see no reply at all.
pub(crate) fn broken() -> impl stream::Stream<Item = Result<Bytes, Cut>> {
    stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(Cut)
    })
}

/// An error as a status and a body.
pub(crate) fn error(error: &ApiError) -> Response {
    let mut response = json_response(Body::from(error.body().to_string()));
    *response.status_mut() = error.status;
    response.headers_mut().extend(error.headers());
    response
}

fn json_response(body: Body) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, kind)], body).into_response()
}
