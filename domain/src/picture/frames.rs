//! Settings that only animated (gif) and vector (svg) pictures have.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ApiError;
use crate::picture::options::{Choice as _, Effort};

/// The frames of a gif.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    pub count: u8,
    /// The API rounds to ten milliseconds, so this is rounded before it is hashed.
    pub duration_ms: u32,
}

impl Frames {
    pub const DEFAULT_COUNT: u8 = 9;
    pub const DEFAULT_DURATION_MS: u32 = 200;
    pub const COUNT: std::ops::RangeInclusive<i64> = 2..=16;
    pub const DURATION_MS: std::ops::RangeInclusive<i64> = 1..=655_350;

    pub fn new(count: Option<u8>, duration_ms: Option<u32>) -> Self {
        let duration_ms = duration_ms.unwrap_or(Self::DEFAULT_DURATION_MS);
        Self {
            count: count.unwrap_or(Self::DEFAULT_COUNT),
            duration_ms: ((duration_ms.saturating_add(5) / 10) * 10).clamp(10, 655_350),
        }
    }
}

/// The settings of an svg: which text model writes it, and how hard it thinks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Svg {
    pub model: String,
    pub effort: Option<Effort>,
}

impl Svg {
    pub fn parse(value: &Map<String, Value>) -> Result<Self, ApiError> {
        let model = match value.get("model") {
            Some(Value::String(model)) if (1..=100).contains(&model.len()) => model.clone(),
            _ => return Err(refused("'svg.model' must name the model that writes the svg, in 1 to 100 bytes.")),
        };
        let effort = match value.get("reasoning") {
            None | Some(Value::Null) => None,
            Some(Value::Object(reasoning)) if reasoning.keys().all(|key| key == "effort") => {
                match reasoning.get("effort") {
                    None | Some(Value::Null) => None,
                    Some(Value::String(effort)) => Some(Effort::parse(effort)?),
                    Some(_) => return Err(refused("'svg.reasoning.effort' must be a string.")),
                }
            }
            Some(_) => return Err(refused("'svg.reasoning' must be an object with 'effort' and nothing else.")),
        };
        if value.keys().any(|key| !matches!(key.as_str(), "model" | "reasoning")) {
            return Err(refused("'svg' takes 'model' and 'reasoning' and nothing else."));
        }
        Ok(Self { model, effort })
    }
}

fn refused(message: &str) -> ApiError {
    ApiError::invalid("svg", "invalid_value", message)
}
