//! JSON bodies: scope is the generation, and the form of an edit that names its pictures.

use serde_json::{Map, Value};

use super::fields::wrong_type;
use super::picture::Picture;
use super::{Draft, Operation, Received};
use crate::error::ApiError;

/// Reads a body that claims to be JSON.
pub(super) fn receive(operation: Operation, bytes: &[u8]) -> Received {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(body) => Received { draft: draft(operation, &body), body },
        Err(_) => Received {
            body: Value::String(String::from_utf8_lossy(bytes).into_owned()),
            draft: Err(ApiError::unreadable(
                "We could not parse the JSON body of your request. (HINT: This likely means you \
                 aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, \
                 but what was sent was not valid JSON.)",
            )),
        },
    }
}

fn draft(operation: Operation, body: &Value) -> Result<Draft, ApiError> {
    let Some(object) = body.as_object() else {
        let message = "Invalid body: expected a JSON object.";
        return Err(ApiError::unreadable(message));
    };
    let mut draft = Draft { fields: object.clone(), ..Draft::default() };
    if operation == Operation::Edit {
        draft.pictures = pictures(&mut draft.fields)?;
        if let Some(reference) = take(&mut draft.fields, "mask") {
            draft.mask = Some(Picture::from_reference("mask", &reference)?);
        }
    }
    Ok(draft)
}

fn pictures(fields: &mut Map<String, Value>) -> Result<Vec<Picture>, ApiError> {
    let Some(images) = take(fields, "images") else {
        return Err(ApiError::missing("images"));
    };
    let Some(references) = images.as_array() else {
        return Err(wrong_type("images", "an array", &images));
    };
    let numbered = references.iter().enumerate();
    numbered.map(|(place, reference)| Picture::from_reference(&format!("images[{place}]"), reference)).collect()
}

fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    fields.remove(name).filter(|value| !value.is_null())
}
