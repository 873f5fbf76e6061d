//! A client's request for a picture, checked and made canonical.
//!
//! In scope: the JSON body of `POST /v1/images/generations` and the query of `GET /v1/image`, which go through the same
//! checks, so that both forms of one request are one picture. Unknown fields are refused, as the API itself does, and a
//! refusal says what would be allowed. Out of scope: who asks, and whether the picture exists.

use std::num::NonZeroU32;

use serde_json::{Map, Value};

use crate::ApiError;
use crate::access::signature::{DELIVERY_PARAMETERS, SIGNATURE_PARAMETERS};
use crate::picture::frames::{Frames, Svg};
use crate::picture::model::{self, Model};
use crate::picture::options::{Background, Choice, Complexity, Moderation, OutputFormat, Quality, not_one_of};
use crate::picture::take::MAX_TAKES;
use crate::picture::{Operation, Picture, Prompt, Size};
use crate::query::Query;

/// A request, canonical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub picture: Picture,
    pub n: NonZeroU32,
    /// The one take that the caller named, if any.
    pub take: Option<u32>,
    pub response_format: ResponseFormat,
    /// Passed on to the provider and no part of the picture.
    pub end_user: EndUser,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseFormat {
    B64Json,
    Url,
}

impl Choice for ResponseFormat {
    const PARAM: &'static str = "response_format";
    const ALL: &'static [(Self, &'static str)] = &[(Self::B64Json, "b64_json"), (Self::Url, "url")];
}

/// How the caller names its own customer to the provider.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EndUser {
    pub user: Option<String>,
    pub safety_identifier: Option<String>,
}

impl std::fmt::Debug for EndUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EndUser")
    }
}

/// What a request leaves out, and when it arrived.
#[derive(Debug, Clone)]
pub struct Defaults<'a> {
    pub namespace: &'a str,
    pub model: &'a str,
    pub now_s: u64,
}

const FIELDS: &[&str] = &[
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
    "response_format",
    "style",
];

/// Fields of the JSON form that have no meaning in a URL.
const JSON_ONLY: &[&str] =
    &["n", "svg", "stream", "partial_images", "safety_identifier", "user", "response_format", "style"];

const INTEGERS: &[&str] = &["output_compression", "frame_count", "frame_duration_ms"];

impl Asked {
    /// Reads the body of `POST /v1/images/generations`.
    pub fn from_json(body: &[u8], defaults: &Defaults<'_>) -> Result<Self, ApiError> {
        Self::read(&Self::fields(body)?, None, defaults)
    }

    /// The fields of a body, for whoever takes fields of its own out of it before [`Self::read`] sees the rest.
    pub fn fields(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
        let text = std::str::from_utf8(body).map_err(|_| not_json("The body is not UTF-8."))?;
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(not_json("The body is JSON, but no object.")),
            Err(error) => {
                Err(not_json(&format!("The body is not JSON: line {}, column {}.", error.line(), error.column())))
            }
        }
    }

    /// Reads the query of `GET /v1/image`.
    pub fn from_query(query: &Query, defaults: &Defaults<'_>) -> Result<Self, ApiError> {
        let mut fields = Map::new();
        let mut take = None;
        for (name, value) in query.pairs() {
            let name_str = name.as_str();
            if name_str == "take" {
                take = Some(parse_take(value)?);
            } else if INTEGERS.contains(&name_str) {
                fields.insert(name.clone(), Value::from(integer(name, value)?));
            } else if FIELDS.contains(&name_str) && !JSON_ONLY.contains(&name_str) {
                fields.insert(name.clone(), Value::from(value.as_str()));
            } else if !SIGNATURE_PARAMETERS.contains(&name_str) && !DELIVERY_PARAMETERS.contains(&name_str) {
                return Err(unknown(name));
            }
        }
        Self::read(&fields, take, defaults)
    }

    /// Reads the fields of a request, and nothing that is not one.
    pub fn read(fields: &Map<String, Value>, take: Option<u32>, defaults: &Defaults<'_>) -> Result<Self, ApiError> {
        if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(unknown(name));
        }
        let fields = Fields(fields);
        let prompt = fields.text("prompt")?.ok_or_else(|| {
            ApiError::invalid(
                "prompt",
                "missing_required_parameter",
                "Missing required parameter: 'prompt'. Describe the picture.",
            )
        })?;
        let prompt = Prompt::new(prompt)?;
        let model = model::choose(fields.text("model")?.unwrap_or(defaults.model), defaults.now_s)?;
        let n = fields.integer("n", 1..=10)?.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let output_format = output_format(&fields, model, n)?;
        let picture = Picture {
            namespace: defaults.namespace.to_owned(),
            operation: Operation::Generate,
            model: model.name.to_owned(),
            prompt,
            size: fields.text("size")?.map_or(Ok(Size::Auto), |size| Size::parse(size, model))?,
            quality: quality(&fields, model)?,
            background: background(&fields, output_format)?,
            moderation: fields.choice()?.unwrap_or(Moderation::Auto),
            output_format,
            output_compression: output_compression(&fields, output_format)?,
            complexity: complexity(&fields, model)?,
            input_fidelity: None,
            frames: frames(&fields, output_format)?,
            svg: svg(&fields, output_format)?,
            images: Vec::new(),
            mask: None,
            markup: None,
        };
        streaming(&fields)?;
        if let Some(style) = fields.text("style")?
            && !matches!(style, "vivid" | "natural")
        {
            return Err(not_one_of("style", style, ["vivid", "natural"].into_iter()));
        }
        let response_format = fields.choice()?.unwrap_or(ResponseFormat::B64Json);
        let end_user = EndUser {
            user: fields.text("user")?.map(str::to_owned),
            safety_identifier: fields.text("safety_identifier")?.map(str::to_owned),
        };
        Ok(Self { picture, n, take, response_format, end_user })
    }
}

impl Picture {
    /// The query of `GET /v1/image` that asks for this picture: the model always, so that it stays the same picture when a
    /// deployment changes its default, and what is not the API's default. `None` where a query cannot say it.
    pub fn to_query(&self) -> Option<Vec<(String, String)>> {
        let Self {
            namespace: _,
            operation: Operation::Generate,
            model,
            prompt,
            size,
            quality,
            background,
            moderation,
            output_format,
            output_compression,
            complexity,
            input_fidelity: None,
            frames,
            svg: None,
            images: _,
            mask: None,
            markup: None,
        } = self
        else {
            return None;
        };
        let mut pairs = vec![("prompt", prompt.as_str().to_owned()), ("model", model.clone())];
        let mut say = |name: &'static str, value: String, default: &str| {
            if value != default {
                pairs.push((name, value));
            }
        };
        say("size", size.to_string(), "auto");
        say("quality", quality.as_str().to_owned(), "auto");
        say("background", background.as_str().to_owned(), "auto");
        say("moderation", moderation.as_str().to_owned(), "auto");
        say("output_format", output_format.as_str().to_owned(), "png");
        if let Some(compression) = output_compression {
            say("output_compression", compression.to_string(), "100");
        }
        if let Some(complexity) = complexity {
            say("complexity", complexity.as_str().to_owned(), "high");
        }
        if let Some(Frames { count, duration_ms }) = frames {
            say("frame_count", count.to_string(), &Frames::DEFAULT_COUNT.to_string());
            say("frame_duration_ms", duration_ms.to_string(), &Frames::DEFAULT_DURATION_MS.to_string());
        }
        Some(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

/// Reads the number of a take, from a URL or a header.
pub fn parse_take(text: &str) -> Result<u32, ApiError> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let take = if plain { text.parse().ok() } else { None };
    take.filter(|take| *take < MAX_TAKES).ok_or_else(|| {
        ApiError::invalid("take", "invalid_value", format!("A take is a whole number from 0 to {}.", MAX_TAKES - 1))
    })
}

fn output_format(fields: &Fields<'_>, model: &Model, n: NonZeroU32) -> Result<OutputFormat, ApiError> {
    let format = fields.choice()?.unwrap_or(OutputFormat::Png);
    let newer = matches!(format, OutputFormat::Gif | OutputFormat::Svg);
    if newer && !model.animates_and_draws_vectors {
        let message =
            format!("'{}' does not make '{}'. Allowed are: 'png', 'jpeg', 'webp'.", model.name, format.as_str());
        return Err(ApiError::invalid("output_format", "invalid_value", message));
    }
    if format == OutputFormat::Svg && n != NonZeroU32::MIN {
        return Err(ApiError::invalid("n", "invalid_value", "An svg is made one at a time: 'n' must be 1."));
    }
    Ok(format)
}

fn quality(fields: &Fields<'_>, model: &Model) -> Result<Quality, ApiError> {
    let quality = match fields.text("quality")? {
        None => Quality::Auto,
        // The names of the DALL-E models, which older clients still send.
        Some("standard") => Quality::Medium,
        Some("hd") => Quality::High,
        Some(name) => Quality::parse(name)?,
    };
    if model.qualities.contains(&quality) {
        Ok(quality)
    } else {
        Err(not_one_of("quality", quality.as_str(), model.qualities.iter().map(|allowed| allowed.as_str())))
    }
}

fn background(fields: &Fields<'_>, format: OutputFormat) -> Result<Background, ApiError> {
    let background = fields.choice()?.unwrap_or(Background::Auto);
    if background == Background::Transparent && format == OutputFormat::Jpeg {
        let message = "A jpeg cannot be transparent. Use 'output_format' 'png' or 'webp', or another 'background'.";
        return Err(ApiError::invalid("background", "invalid_value", message));
    }
    Ok(background)
}

fn output_compression(fields: &Fields<'_>, format: OutputFormat) -> Result<Option<u8>, ApiError> {
    let given = fields.integer("output_compression", 0..=100)?;
    match (format, given) {
        (OutputFormat::Jpeg | OutputFormat::Webp, given) => {
            Ok(Some(given.and_then(|value| u8::try_from(value).ok()).unwrap_or(100)))
        }
        // The default, spelled out, where it changes nothing.
        (_, None | Some(100)) => Ok(None),
        (_, Some(_)) => {
            let message =
                "'output_compression' applies to 'jpeg' and 'webp' only. Leave it out, or change 'output_format'.";
            Err(ApiError::invalid("output_compression", "invalid_value", message))
        }
    }
}

fn complexity(fields: &Fields<'_>, model: &Model) -> Result<Option<Complexity>, ApiError> {
    match (fields.choice()?, model.knows_complexity) {
        (given, true) => Ok(Some(given.unwrap_or(Complexity::High))),
        (None, false) => Ok(None),
        (Some(_), false) => {
            let message =
                format!("'{}' does not know 'complexity'. Leave it out, or use a gpt-image-2.6 model.", model.name);
            Err(ApiError::invalid("complexity", "unknown_parameter", message))
        }
    }
}

fn frames(fields: &Fields<'_>, format: OutputFormat) -> Result<Option<Frames>, ApiError> {
    let count = fields.integer("frame_count", Frames::COUNT)?;
    let duration = fields.integer("frame_duration_ms", Frames::DURATION_MS)?;
    if format == OutputFormat::Gif {
        return Ok(Some(Frames::new(count.and_then(|count| u8::try_from(count).ok()), duration)));
    }
    let stray = if count.is_some() { "frame_count" } else { "frame_duration_ms" };
    match (count, duration) {
        (None, None) => Ok(None),
        _ => Err(ApiError::invalid(
            stray,
            "invalid_value",
            format!("'{stray}' applies to 'output_format' 'gif' only. Leave it out."),
        )),
    }
}

fn svg(fields: &Fields<'_>, format: OutputFormat) -> Result<Option<Svg>, ApiError> {
    match (fields.get("svg"), format) {
        (Some(Value::Object(settings)), OutputFormat::Svg) => Svg::parse(settings).map(Some),
        (None, OutputFormat::Svg) => Err(ApiError::invalid(
            "svg",
            "missing_required_parameter",
            "'output_format' 'svg' needs 'svg': an object with the 'model' that writes it.",
        )),
        (None, _) => Ok(None),
        (Some(Value::Object(_)), _) => {
            Err(ApiError::invalid("svg", "invalid_value", "'svg' applies to 'output_format' 'svg' only. Leave it out."))
        }
        (Some(_), _) => Err(wrong_type("svg", "an object")),
    }
}

/// This service does not stream yet; saying so is better than an answer in a shape that the caller does not expect.
fn streaming(fields: &Fields<'_>) -> Result<(), ApiError> {
    match fields.get("stream") {
        None | Some(Value::Bool(false)) => {}
        Some(Value::Bool(true)) => {
            return Err(ApiError::invalid(
                "stream",
                "unsupported_value",
                "Streaming is not supported here. Leave 'stream' out.",
            ));
        }
        Some(_) => return Err(wrong_type("stream", "true or false")),
    }
    match fields.integer("partial_images", 0..=3)? {
        None | Some(0) => Ok(()),
        Some(_) => {
            Err(ApiError::invalid("partial_images", "invalid_value", "'partial_images' needs 'stream'. Leave it out."))
        }
    }
}

/// The fields of a request; a field that is null counts as left out, as the API counts it.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &'static str) -> Result<Option<&'a str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name, "a string")),
        }
    }

    fn choice<C: Choice>(&self) -> Result<Option<C>, ApiError> {
        self.text(C::PARAM)?.map(C::parse).transpose()
    }

    fn integer(&self, name: &'static str, allowed: std::ops::RangeInclusive<i64>) -> Result<Option<u32>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let Some(number) = value.as_i64() else {
            return Err(wrong_type(name, &format!("a whole number from {} to {}", allowed.start(), allowed.end())));
        };
        if !allowed.contains(&number) {
            let message = format!(
                "'{name}' is {number}. Allowed is a whole number from {} to {}.",
                allowed.start(),
                allowed.end()
            );
            return Err(ApiError::invalid(name, "invalid_value", message));
        }
        Ok(u32::try_from(number).ok())
    }
}

fn integer(name: &str, text: &str) -> Result<i64, ApiError> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if plain { text.parse().ok() } else { None };
    number
        .ok_or_else(|| ApiError::invalid(name.to_owned(), "invalid_type", format!("'{name}' must be a whole number.")))
}

fn unknown(name: &str) -> ApiError {
    let shown: String = name.chars().take(60).collect();
    ApiError::invalid(shown.clone(), "unknown_parameter", format!("Unknown parameter: '{shown}'."))
}

fn wrong_type(name: &'static str, expected: &str) -> ApiError {
    ApiError::invalid(name, "invalid_type", format!("'{name}' must be {expected}."))
}

fn not_json(message: &str) -> ApiError {
    ApiError::invalid("body", "invalid_json", format!("{message} Send one JSON object, in UTF-8."))
}

#[cfg(test)]
mod tests;
