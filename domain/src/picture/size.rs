//! The size of a picture, and which sizes a model makes.

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::picture::model::{Model, Sizes};

/// `auto`, or width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Size {
    #[serde(rename = "auto")]
    Auto,
    #[serde(untagged)]
    Pixels { width: u32, height: u32 },
}

const STEP: u32 = 16;
const LONGEST_EDGE: u32 = 3_840;
const MIN_PIXELS: u32 = 655_360;
const MAX_PIXELS: u32 = 8_294_400;
const MAX_RATIO: u32 = 3;

impl Size {
    pub fn parse(text: &str, model: &Model) -> Result<Self, ApiError> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let (width, height) = edges(text).ok_or_else(|| refused(text, model))?;
        let allowed = match model.sizes {
            Sizes::Fixed(sizes) => sizes.contains(&(width, height)),
            Sizes::Free => free(width, height),
        };
        if allowed { Ok(Self::Pixels { width, height }) } else { Err(refused(text, model)) }
    }

    pub fn pixels(self) -> Option<(u32, u32)> {
        match self {
            Self::Auto => None,
            Self::Pixels { width, height } => Some((width, height)),
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Pixels { width, height } => write!(f, "{width}x{height}"),
        }
    }
}

fn edges(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    // `u32::from_str` also reads "+1024" and "01024", which are other spellings of the same size.
    let plain =
        |edge: &str| edge.len() <= 4 && !edge.starts_with('0') && edge.bytes().all(|byte| byte.is_ascii_digit());
    if plain(width) && plain(height) { Some((width.parse().ok()?, height.parse().ok()?)) } else { None }
}

fn free(width: u32, height: u32) -> bool {
    let (short, long) = (width.min(height), width.max(height));
    width.is_multiple_of(STEP)
        && height.is_multiple_of(STEP)
        && long <= LONGEST_EDGE
        && long <= MAX_RATIO.saturating_mul(short)
        && (MIN_PIXELS..=MAX_PIXELS).contains(&width.saturating_mul(height))
}

fn refused(text: &str, model: &Model) -> ApiError {
    let shown: String = text.chars().take(40).collect();
    let allowed = match model.sizes {
        Sizes::Fixed(sizes) => {
            let sizes: Vec<_> = sizes.iter().map(|(width, height)| format!("{width}x{height}")).collect();
            format!("Allowed are 'auto', {}.", sizes.join(", "))
        }
        Sizes::Free => format!(
            "Allowed are 'auto' and WIDTHxHEIGHT with both multiples of {STEP}, no edge above {LONGEST_EDGE}, a ratio of at \
             most {MAX_RATIO}:1, and {MIN_PIXELS} to {MAX_PIXELS} pixels in all."
        ),
    };
    ApiError::invalid("size", "invalid_value", format!("'{shown}' is no size that '{}' makes. {allowed}", model.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::model;

    #[track_caller]
    fn check(model: &str, text: &str, ok: bool) {
        let got = Size::parse(text, model::find(model).unwrap());
        assert_eq!(got.is_ok(), ok, "{model} {text}: {got:?}");
        if let Ok(size) = got {
            assert_eq!(size.to_string(), text);
        }
    }

    #[test]
    fn table() {
        for text in ["auto", "1024x1024", "1536x1024", "1024x1536", "3840x2160", "2160x3840", "1280x512", "1344x448"] {
            let fixed = matches!(text, "auto" | "1024x1024" | "1536x1024" | "1024x1536");
            check("gpt-image-2", text, !matches!(text, "1344x448"));
            check("gpt-image-1.5", text, fixed);
        }
        for text in [
            "",
            "x",
            "1024",
            "1024x",
            "1024X1024",
            "1024×1024",
            "+1024x1024",
            "01024x1024",
            "1024x1024 ",
            "0x0",
            "1000x1000",
            "512x512",
            "3856x2160",
            "3840x1264",
            "3840x3840",
            "99999x16",
            "4294967296x16",
            "-16x16",
            "AUTO",
        ] {
            check("gpt-image-2.6-flare", text, false);
        }
        check("gpt-image-2", "3840x1280", true);
        check("gpt-image-2", "1024x640", true);
        check("gpt-image-2", "1024x624", false);
    }
}
