//! Requests: scope is from the bytes of a body to a job that is known to be right.

mod fields;
mod json;
mod multipart;
mod picture;
mod validate;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::model::Model;
use crate::size::Size;
use picture::Picture;

/// What a client wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Generation,
    Edit,
}

impl Operation {
    /// The name in a bill.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::Edit => "edit",
        }
    }

    /// The first half of the names of the streamed events.
    pub(crate) fn event_prefix(self) -> &'static str {
        match self {
            Self::Generation => "image_generation",
            Self::Edit => "image_edit",
        }
    }
}

/// The format of a finished picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    Webp,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }
}

/// A request in which everything is valid and every `auto` is resolved.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) operation: Operation,
    pub(crate) model: Model,
    pub(crate) prompt: String,
    pub(crate) n: u32,
    pub(crate) size: Size,
    pub(crate) quality: &'static str,
    pub(crate) transparent: bool,
    pub(crate) format: Format,
    /// The compression level from 0 to 100, which is the quality of a JPEG.
    pub(crate) compression: u8,
    pub(crate) stream: bool,
    pub(crate) partial_images: u32,
    /// How many pictures are edited; none in a generation.
    pub(crate) inputs: u32,
    pub(crate) safety_identifier: Option<String>,
}

/// A request that was read but not yet judged.
#[derive(Default)]
pub(crate) struct Draft {
    fields: Map<String, Value>,
    pictures: Vec<Picture>,
    mask: Option<Picture>,
    markup: Option<Picture>,
}

/// A body as it was received, in a form that a test can look into, beside what it means.
pub(crate) struct Received {
    pub(crate) body: Value,
    pub(crate) draft: Result<Draft, ApiError>,
}

/// Reads a body, whatever it is.
pub(crate) async fn receive(operation: Operation, headers: &HeaderMap, body: Bytes) -> Received {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match (operation, media_type.to_ascii_lowercase().as_str()) {
        (_, "application/json") => json::receive(operation, &body),
        (Operation::Edit, "multipart/form-data") => multipart::receive(headers, body).await,
        _ => Received {
            body: Value::String(String::from_utf8_lossy(&body).into_owned()),
            draft: Err(unsupported(operation, content_type)),
        },
    }
}

/// Judges a draft; what is right becomes a job.
pub(crate) fn judge(operation: Operation, draft: Draft) -> Result<Job, ApiError> {
    validate::judge(operation, draft)
}

fn unsupported(operation: Operation, content_type: &str) -> ApiError {
    let accepted = match operation {
        Operation::Generation => "'application/json'",
        Operation::Edit => "'multipart/form-data' or 'application/json'",
    };
    let message = format!(
        "Unsupported content type: '{content_type}'. This API method only accepts {accepted} \
         requests."
    );
    ApiError::invalid("unsupported_content_type", None, message)
}
