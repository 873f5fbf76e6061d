//! The closed choices of a request, each with the API's names.

use serde::{Deserialize, Serialize};

use crate::ApiError;

/// A parameter whose values are a fixed list of names.
pub trait Choice: Copy + PartialEq + 'static {
    const PARAM: &'static str;
    const ALL: &'static [(Self, &'static str)];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(value, _)| *value == self).map_or("", |(_, name)| name)
    }

    fn parse(text: &str) -> Result<Self, ApiError> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found
            .map(|(value, _)| *value)
            .ok_or_else(|| not_one_of(Self::PARAM, text, Self::ALL.iter().map(|(_, name)| *name)))
    }
}

/// The refusal of a value that is not on its list.
pub fn not_one_of(param: &'static str, text: &str, allowed: impl Iterator<Item = &'static str>) -> ApiError {
    let shown: String = text.chars().take(40).collect();
    let allowed: Vec<_> = allowed.map(|name| format!("'{name}'")).collect();
    let message = format!("'{shown}' is not a value of '{param}'. Allowed are: {}.", allowed.join(", "));
    ApiError::invalid(param, "invalid_value", message)
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident($param:literal) { $($variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $text)] $variant),+ }

        impl Choice for $name {
            const PARAM: &'static str = $param;
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $text)),+];
        }
    )+};
}

choices! {
    Quality("quality") { Auto = "auto", Low = "low", Medium = "medium", High = "high", Xhigh = "xhigh", Max = "max" }
    Background("background") { Auto = "auto", Opaque = "opaque", Transparent = "transparent" }
    Moderation("moderation") { Auto = "auto", Low = "low" }
    OutputFormat("output_format") { Png = "png", Jpeg = "jpeg", Webp = "webp", Gif = "gif", Svg = "svg" }
    Complexity("complexity") { Low = "low", Medium = "medium", High = "high" }
    InputFidelity("input_fidelity") { Low = "low", High = "high" }
    /// How hard an svg is thought about; part of the nested `svg` settings.
    Effort("svg") { None = "none", Minimal = "minimal", Low = "low", Medium = "medium", High = "high", Xhigh = "xhigh", Max = "max" }
}
