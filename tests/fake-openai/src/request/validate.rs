//! The judgement over a request: scope is every rule that the API has for its parameters.

use super::fields::{Fields, wrong_type};
use super::{Draft, Format, Job, Operation, Picture};
use crate::error::ApiError;
use crate::model::{Family, Model};
use crate::size::Size;

/// The fields of both operations.
const SHARED: [&str; 18] = [
    "prompt",
    "model",
    "n",
    "size",
    "quality",
    "background",
    "moderation",
    "output_format",
    "output_compression",
    "complexity",
    "frame_count",
    "frame_duration_ms",
    "svg",
    "stream",
    "partial_images",
    "safety_identifier",
    "user",
    "input_fidelity",
];

/// Fields that only make sense with a format for which this organisation has no access.
const PREVIEW: [&str; 3] = ["frame_count", "frame_duration_ms", "svg"];

const LONGEST_PROMPT: usize = 32_000;
const MOST_PICTURES: usize = 16;

/// Judges a draft in the order of the API: the model, the names of the fields, their values.
pub(super) fn judge(operation: Operation, draft: Draft) -> Result<Job, ApiError> {
    let fields = Fields(draft.fields);
    // The defaults are those of the published description, of which the first is long dead.
    let default = match operation {
        Operation::Generation => "dall-e-2",
        Operation::Edit => "gpt-image-1.5",
    };
    let model = Model::named(fields.text("model")?.unwrap_or(default))?;
    check_names(operation, model.family, &fields)?;
    let prompt = prompt(&fields)?;
    let inputs = match operation {
        Operation::Generation => 0,
        Operation::Edit => check_pictures(model.family, &draft.pictures, draft.mask.as_ref(), draft.markup.as_ref())?,
    };
    check_side_values(model.family, &fields)?;

    let format = match fields.choice("output_format", &["png", "jpeg", "webp"])? {
        Some("jpeg") => Format::Jpeg,
        Some("webp") => Format::Webp,
        _ => Format::Png,
    };
    Ok(Job {
        operation,
        prompt,
        n: fields.integer("n", (1, 10))?.unwrap_or(1),
        size: match fields.text("size")? {
            Some(text) => Size::parse(text, model.family)?,
            None => Size::AUTOMATIC,
        },
        quality: quality(&fields, &model)?,
        transparent: transparent(&fields, format)?,
        compression: compression(&fields, format)?,
        format,
        stream: fields.flag("stream")?,
        partial_images: fields.integer("partial_images", (0, 3))?.unwrap_or(0),
        inputs,
        safety_identifier: fields.text("safety_identifier")?.map(str::to_owned),
        model,
    })
}

fn check_names(operation: Operation, family: Family, fields: &Fields) -> Result<(), ApiError> {
    for name in fields.0.keys() {
        let belongs = operation == Operation::Edit || name != "input_fidelity";
        if !SHARED.contains(&name.as_str()) || !belongs || !family.knows(name) {
            return Err(ApiError::unknown_parameter(name));
        }
    }
    Ok(())
}

fn prompt(fields: &Fields) -> Result<String, ApiError> {
    let Some(prompt) = fields.text("prompt")? else {
        return Err(ApiError::missing("prompt"));
    };
    let length = prompt.chars().count();
    if length == 0 {
        let message = "Invalid 'prompt': empty string. Expected a string with minimum length 1, \
                       but got an empty string instead.";
        let code = "empty_string";
        return Err(ApiError::invalid(code, Some("prompt"), message));
    }
    if length > LONGEST_PROMPT {
        let message = format!(
            "Invalid 'prompt': string too long. Expected a string with maximum length \
             {LONGEST_PROMPT}, but got a string with length {length} instead."
        );
        let code = "string_above_max_length";
        return Err(ApiError::invalid(code, Some("prompt"), message));
    }
    Ok(prompt.to_owned())
}

/// Checks what an edit works on, and returns the number of its pictures.
fn check_pictures(
    family: Family,
    pictures: &[Picture],
    mask: Option<&Picture>,
    markup: Option<&Picture>,
) -> Result<u32, ApiError> {
    let Some(first) = pictures.first() else {
        return Err(ApiError::missing("image"));
    };
    if pictures.len() > MOST_PICTURES {
        let found = pictures.len();
        let message = format!("Invalid 'image': too many images. Expected at most {MOST_PICTURES}, but got {found}.");
        let code = "array_above_max_length";
        return Err(ApiError::invalid(code, Some("image"), message));
    }
    for picture in pictures {
        picture.check_input("image")?;
    }
    if let Some(mask) = mask {
        mask.check_overlay("mask", first)?;
    }
    if let Some(markup) = markup {
        if !family.knows("markup") {
            return Err(ApiError::unknown_parameter("markup"));
        }
        if mask.is_some() {
            let message = "'markup' cannot be combined with 'mask'.";
            return Err(ApiError::invalid("invalid_value", Some("markup"), message));
        }
        markup.check_overlay("markup", first)?;
    }
    Ok(u32::try_from(pictures.len()).unwrap_or(u32::MAX))
}

/// Checks the fields that change nothing about the picture that is drawn here.
fn check_side_values(family: Family, fields: &Fields) -> Result<(), ApiError> {
    fields.text("user")?;
    fields.choice("moderation", &["auto", "low"])?;
    fields.choice("complexity", &["low", "medium", "high"])?;
    let fidelities: &[&str] = match family {
        Family::Mini => &["low"],
        _ => &["low", "high"],
    };
    fields.choice("input_fidelity", fidelities)?;
    for name in PREVIEW {
        if let Some(value) = fields.present(name) {
            if name == "svg" && !value.is_object() && !value.is_string() {
                return Err(wrong_type(name, "an object", value));
            }
            let message = format!("'{name}' is not supported with this 'output_format'.");
            return Err(ApiError::invalid("invalid_value", Some(name), message));
        }
    }
    Ok(())
}

fn quality(fields: &Fields, model: &Model) -> Result<&'static str, ApiError> {
    let mut supported = model.family.qualities().to_vec();
    supported.push("auto");
    match fields.choice("quality", &supported)? {
        None | Some("auto") => Ok(model.automatic_quality()),
        Some(quality) => Ok(quality),
    }
}

fn transparent(fields: &Fields, format: Format) -> Result<bool, ApiError> {
    let background = fields.choice("background", &["transparent", "opaque", "auto"])?;
    let transparent = background == Some("transparent");
    if transparent && format == Format::Jpeg {
        let message = "Transparent background is not supported for JPEG output format.";
        let param = Some("background");
        return Err(ApiError::invalid("invalid_value", param, message));
    }
    Ok(transparent)
}

/// A PNG is never compressed with loss, so the only level it takes is the default.
fn compression(fields: &Fields, format: Format) -> Result<u8, ApiError> {
    let name = "output_compression";
    let level = fields.integer(name, (0, 100))?.unwrap_or(100);
    if format == Format::Png && level < 100 {
        let message = "Compression less than 100 is not supported for PNG output format.";
        return Err(ApiError::invalid("invalid_value", Some(name), message));
    }
    Ok(u8::try_from(level).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Draft, Operation};
    use super::judge;

    fn judged(body: &Value) -> Result<super::Job, super::ApiError> {
        let fields = body.as_object().expect("an object").clone();
        let draft = Draft { fields, ..Draft::default() };
        judge(Operation::Generation, draft)
    }

    /// Each case changes one field of a request that is right; `null` takes it away.
    #[test]
    fn a_wrong_field_is_named_with_its_code() {
        let cases = [
            ("model", json!("dall-e-3"), "model_not_found"),
            ("model", json!("no-such"), "model_not_found"),
            ("model", Value::Null, "model_not_found"),
            ("model", json!(2), "invalid_type"),
            ("prompt", Value::Null, "missing_required_parameter"),
            ("prompt", json!(""), "empty_string"),
            ("prompt", json!(["a"]), "invalid_type"),
            ("prompt", json!("é".repeat(32_001)), "string_above_max_length"),
            ("response_format", json!("b64_json"), "unknown_parameter"),
            ("style", json!("vivid"), "unknown_parameter"),
            ("seed", json!(1), "unknown_parameter"),
            ("complexity", json!("low"), "unknown_parameter"),
            ("input_fidelity", json!("low"), "unknown_parameter"),
            ("n", json!(0), "integer_below_min_value"),
            ("n", json!(-1), "integer_below_min_value"),
            ("n", json!(11), "integer_above_max_value"),
            ("n", json!("2"), "invalid_type"),
            ("n", json!(1.5), "invalid_type"),
            ("size", json!("1000x1000"), "invalid_value"),
            ("quality", json!("xhigh"), "invalid_value"),
            ("quality", json!("hd"), "invalid_value"),
            ("background", json!("white"), "invalid_value"),
            ("moderation", json!("high"), "invalid_value"),
            ("output_format", json!("gif"), "invalid_value"),
            ("output_compression", json!(50), "invalid_value"),
            ("output_compression", json!(101), "integer_above_max_value"),
            ("partial_images", json!(4), "integer_above_max_value"),
            ("stream", json!("true"), "invalid_type"),
            ("frame_count", json!(3), "invalid_value"),
        ];
        for (name, value, code) in cases {
            let mut body = json!({"model": "gpt-image-2", "prompt": "a fox"});
            body[name] = value.clone();
            let error = judged(&body).expect_err(name);
            assert_eq!(error.code, Some(code), "{name} = {value}");
            assert_eq!(error.param.as_deref(), Some(name), "{name} = {value}");
        }
    }

    #[test]
    fn what_is_automatic_is_resolved() {
        let cases = [
            ("gpt-image-2", "high"),
            ("gpt-image-2.5-sunburst-2026-09-08", "high"),
            ("gpt-image-2.5-flare", "medium"),
            ("gpt-image-2.6-flare", "medium"),
            ("gpt-image-1-mini", "medium"),
        ];
        for (model, quality) in cases {
            let body = json!({"model": model, "prompt": "a fox", "quality": "auto", "n": null});
            let job = judged(&body).expect("a right request");
            assert_eq!(job.quality, quality, "{model}");
            assert_eq!(job.size.to_string(), "1024x1024");
            assert_eq!((job.n, job.transparent), (1, false));
        }
    }

    #[test]
    fn newer_models_take_more() {
        let accepted = [
            json!({"model": "gpt-image-2.5-flare", "quality": "max"}),
            json!({"model": "gpt-image-2.6-flare", "complexity": "low", "quality": "xhigh"}),
            json!({"model": "gpt-image-2", "background": "transparent", "output_format": "webp"}),
            json!({"model": "gpt-image-1.5", "output_format": "jpeg", "output_compression": 0}),
            json!({"model": "gpt-image-2", "prompt": "é".repeat(32_000)}),
        ];
        for mut body in accepted {
            if body.get("prompt").is_none() {
                body["prompt"] = json!("a fox");
            }
            judged(&body).unwrap_or_else(|error| panic!("{}", error.message));
        }
        let body = json!({
            "model": "gpt-image-2", "prompt": "a fox",
            "background": "transparent", "output_format": "jpeg",
        });
        let error = judged(&body).expect_err("JPEG has no alpha channel");
        assert_eq!(error.param.as_deref(), Some("background"));
    }
}
