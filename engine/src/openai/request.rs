//! The request that goes out: the canonical picture, spelled out, and nothing that the API does not know.

use std::num::NonZeroU32;

use domain::picture::Picture;
use domain::picture::options::Choice as _;
use domain::picture::request::EndUser;
use serde_json::{Map, Value, json};

pub const GENERATIONS: &str = "images/generations";

/// The body of `POST /v1/images/generations`. Defaults are sent too: what was hashed is what is bought, also on the day
/// on which the API changes a default.
pub fn body(picture: &Picture, n: NonZeroU32, end_user: &EndUser) -> String {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("model", json!(picture.model));
    put("prompt", json!(picture.prompt.as_str()));
    put("n", json!(n));
    put("size", json!(picture.size.to_string()));
    put("quality", json!(picture.quality.as_str()));
    put("background", json!(picture.background.as_str()));
    put("moderation", json!(picture.moderation.as_str()));
    put("output_format", json!(picture.output_format.as_str()));
    if let Some(compression) = picture.output_compression {
        put("output_compression", json!(compression));
    }
    if let Some(complexity) = picture.complexity {
        put("complexity", json!(complexity.as_str()));
    }
    if let Some(frames) = picture.frames {
        put("frame_count", json!(frames.count));
        put("frame_duration_ms", json!(frames.duration_ms));
    }
    if let Some(svg) = &picture.svg {
        let mut settings = json!({ "model": svg.model });
        if let (Some(effort), Some(settings)) = (svg.effort, settings.as_object_mut()) {
            settings.insert("reasoning".to_owned(), json!({ "effort": effort.as_str() }));
        }
        put("svg", settings);
    }
    // `safety_identifier` wins over the deprecated `user` at the API; both are passed on as they came.
    if let Some(user) = &end_user.user {
        put("user", json!(user));
    }
    if let Some(identifier) = &end_user.safety_identifier {
        put("safety_identifier", json!(identifier));
    }
    Value::Object(fields).to_string()
}
