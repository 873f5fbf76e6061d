//! The size of a picture: scope is reading `WIDTHxHEIGHT` and the limits of each model.

use std::fmt;

use crate::error::ApiError;
use crate::model::Family;

const FIXED: [&str; 4] = ["1024x1024", "1536x1024", "1024x1536", "auto"];
const LONGEST_EDGE: u32 = 3840;
const FEWEST_PIXELS: u64 = 655_360;
const MOST_PIXELS: u64 = 8_294_400;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    /// What `size: auto` means here.
    pub(crate) const AUTOMATIC: Self = Self { width: 1024, height: 1024 };

    /// Reads the `size` field of a request for a model of a family.
    pub(crate) fn parse(text: &str, family: Family) -> Result<Self, ApiError> {
        if text == "auto" {
            return Ok(Self::AUTOMATIC);
        }
        let size = split(text).filter(|_| family.sizes_freely() || FIXED.contains(&text));
        let Some(size) = size else {
            return Err(ApiError::invalid_value("size", text, &FIXED));
        };
        match size.broken_limit() {
            None => Ok(size),
            Some(limit) => {
                let message = format!("Invalid size '{text}'. {limit}");
                Err(ApiError::invalid("invalid_value", Some("size"), message))
            }
        }
    }

    /// All pixels of a picture of this size.
    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The shorter edge, then the longer one.
    pub(crate) fn edges(self) -> (u32, u32) {
        (self.width.min(self.height), self.width.max(self.height))
    }

    fn broken_limit(self) -> Option<String> {
        let (short, long) = self.edges();
        if !self.width.is_multiple_of(16) || !self.height.is_multiple_of(16) {
            return Some("Width and height must both be divisible by 16.".to_owned());
        }
        if long > LONGEST_EDGE {
            return Some(format!("The longest edge must be at most {LONGEST_EDGE}."));
        }
        if long > short.saturating_mul(3) {
            return Some("The aspect ratio must be between 1:3 and 3:1.".to_owned());
        }
        if !(FEWEST_PIXELS..=MOST_PIXELS).contains(&self.pixels()) {
            let message = format!("The area must be {FEWEST_PIXELS} to {MOST_PIXELS} pixels.");
            return Some(message);
        }
        None
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.width, self.height)
    }
}

/// Splits `1536x1024`; signs, blanks and leading zeros are not part of the notation.
fn split(text: &str) -> Option<Size> {
    let (width, height) = text.split_once('x')?;
    let edge = |digits: &str| {
        let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    };
    Some(Size { width: edge(width)?, height: edge(height)? })
}

#[cfg(test)]
mod tests {
    use super::Size;
    use crate::model::Family;

    #[test]
    fn each_family_keeps_its_limits() {
        let cases = [
            ("auto", Family::V15, Some((1024, 1024))),
            ("1536x1024", Family::V15, Some((1536, 1024))),
            ("2048x2048", Family::V15, None),
            ("1024x1040", Family::Mini, None),
            ("1024x1040", Family::V2, Some((1024, 1040))),
            ("3840x2160", Family::V25, Some((3840, 2160))),
            ("3856x2160", Family::V25, None),
            ("1000x1024", Family::V26, None),
            ("1536x512", Family::V26, Some((1536, 512))),
            ("1552x512", Family::V26, None),
            ("640x1024", Family::V26, Some((640, 1024))),
            ("640x1008", Family::V26, None),
            ("2896x2880", Family::V2, None),
            ("2880x2880", Family::V2, Some((2880, 2880))),
            ("01024x1024", Family::V2, None),
            ("+1024x1024", Family::V2, None),
            ("1024X1024", Family::V2, None),
            ("", Family::V2, None),
        ];
        for (text, family, expected) in cases {
            let found = Size::parse(text, family).ok();
            let found = found.map(|size| (size.width, size.height));
            assert_eq!(found, expected, "{text} for {family:?}");
        }
    }
}
