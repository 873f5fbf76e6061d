//! What became of a request on its way to its key, field by field, and in what two pictures differ.
//!
//! In scope: telling what was given, written down in another way, left out, or of no account. Out of scope: judging a request, which is
//! [`Asked::read`]'s alone: what it refuses has no explanation, and what it reads is what is told here.

use serde_json::{Map, Value, json};

use super::frames::{Frames, Svg};
use super::options::Choice;
use super::request::{Asked, Defaults};
use super::{Digest, Picture};
use crate::ApiError;
use crate::admin::explain::{Difference, Field, Source};
use crate::query::Query;

/// A request, read, with what became of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub asked: Asked,
    pub fields: Vec<Field>,
}

/// How many fields a key has.
const FIELDS: usize = 19;

impl Explained {
    /// Of the fields of a JSON body.
    pub fn json(fields: &Map<String, Value>, defaults: &Defaults<'_>) -> Result<Self, ApiError> {
        let asked = Asked::read(fields, None, defaults)?;
        // What is null counts as left out, as everywhere.
        let given = fields.iter().filter(|(_, value)| !value.is_null());
        let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(Self { fields: told(&asked.picture, &given, |given, counts| given == counts), asked })
    }

    /// Of the query of an address.
    pub fn query(query: &Query, defaults: &Defaults<'_>) -> Result<Self, ApiError> {
        let asked = Asked::from_query(query, defaults)?;
        let given = query.pairs().iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        // In an address a number is text.
        let same = |given: &Value, counts: &Value| match counts {
            Value::Number(number) => given.as_str() == Some(number.to_string().as_str()),
            counts => given == counts,
        };
        Ok(Self { fields: told(&asked.picture, &given, same), asked })
    }
}

/// The fields of a picture of which the request is not known any more: what is as if it had been left out is a default.
pub fn of_picture(picture: &Picture) -> Vec<Field> {
    let bare = Map::from_iter([
        ("prompt".to_owned(), Value::from(picture.prompt.as_str())),
        ("model".to_owned(), Value::from(picture.model.as_str())),
        ("output_format".to_owned(), Value::from(picture.output_format.as_str())),
        ("svg".to_owned(), picture.svg.as_ref().map_or(Value::Null, |svg| json!({ "model": svg.model }))),
    ]);
    // A model that has been shut down since then is read all the same.
    let defaults = Defaults { namespace: &picture.namespace, model: &picture.model, now_s: 0 };
    let otherwise = Asked::read(&bare, None, &defaults).map(|asked| canonical(&asked.picture));
    let standing = canonical(picture).into_iter().enumerate().map(|(at, (name, value))| {
        let default = otherwise.as_ref().is_ok_and(|fields| fields.get(at).is_some_and(|(_, other)| *other == value));
        // What has no default, or decides about those of others, was said.
        let said = match name {
            "model" | "prompt" | "svg.model" => !value.is_null(),
            "output_format" => value != "png",
            _ => !default && !value.is_null(),
        };
        let source = if said { Source::Given } else { Source::Default };
        Field { name: name.to_owned(), value, source }
    });
    standing.collect()
}

/// In what the picture that is asked for differs from one that exists: nothing exactly where both have the same key.
pub fn differences(asked: &Picture, exists: &Picture) -> Vec<Difference> {
    let pairs = canonical(asked).into_iter().zip(canonical(exists));
    pairs
        .filter(|((_, asked), (_, exists))| asked != exists)
        .map(|((name, asked), (_, exists))| Difference { name: name.to_owned(), asked, exists })
        .collect()
}

fn told(picture: &Picture, given: &Map<String, Value>, same: impl Fn(&Value, &Value) -> bool) -> Vec<Field> {
    let counting = canonical(picture).into_iter().map(|(name, value)| {
        let source = match find(given, name) {
            None => Source::Default,
            Some(given) if same(given, &value) => Source::Given,
            Some(_) => Source::Normalised,
        };
        Field { name: name.to_owned(), value, source }
    });
    let counts = |name: &str| name == "svg" || canonical(picture).iter().any(|(known, _)| *known == name);
    let dropped = given.keys().filter(|name| !counts(name)).map(|name| Field {
        name: name.clone(),
        value: Value::Null,
        source: Source::Dropped,
    });
    counting.chain(dropped).collect()
}

/// What was given under the name of a field of the key; that of an svg stands inside of an object.
fn find<'a>(given: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut parts = name.split('.');
    let first = given.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part)).filter(|value| !value.is_null())
}

/// The fields of the key in its order. Exhaustive on purpose, as where they are hashed: a field that is identity and not told would
/// leave a miss that nobody can explain.
fn canonical(picture: &Picture) -> [(&'static str, Value); FIELDS] {
    let Picture {
        namespace,
        operation,
        model,
        prompt,
        size,
        quality,
        background,
        moderation,
        output_format,
        output_compression,
        complexity,
        input_fidelity,
        frames,
        svg,
        images,
        mask,
        markup,
    } = picture;
    let (count, duration_ms) = match frames {
        Some(Frames { count, duration_ms }) => (Some(*count), Some(*duration_ms)),
        None => (None, None),
    };
    let (svg_model, effort) = match svg {
        Some(Svg { model, effort }) => (Some(model), *effort),
        None => (None, None),
    };
    let digest = |digest: &Option<Digest>| json!(digest.map(|digest| digest.to_string()));
    [
        ("namespace", json!(namespace)),
        ("operation", json!(operation.as_str())),
        ("model", json!(model)),
        ("prompt", json!(prompt.as_str())),
        ("size", json!(size.to_string())),
        ("quality", json!(quality.as_str())),
        ("background", json!(background.as_str())),
        ("moderation", json!(moderation.as_str())),
        ("output_format", json!(output_format.as_str())),
        ("output_compression", json!(output_compression)),
        ("complexity", json!(complexity.map(Choice::as_str))),
        ("input_fidelity", json!(input_fidelity.map(Choice::as_str))),
        ("frame_count", json!(count)),
        ("frame_duration_ms", json!(duration_ms)),
        ("svg.model", json!(svg_model)),
        ("svg.reasoning.effort", json!(effort.map(Choice::as_str))),
        ("images", json!(images.iter().map(ToString::to_string).collect::<Vec<_>>())),
        ("mask", digest(mask)),
        ("markup", digest(markup)),
    ]
}

#[cfg(test)]
mod tests;
