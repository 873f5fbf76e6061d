//! The prompt in the one form in which it is hashed, sent and stored.
//!
//! NFC (Unicode Standard Annex #15), line ends as `\n`, outer white space trimmed. Inner white space and case are
//! kept: a model may draw them differently.

use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use crate::ApiError;

/// The API's limit, in characters.
pub const MAX_CHARS: usize = 32_000;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prompt(String);

impl Prompt {
    pub fn new(text: &str) -> Result<Self, ApiError> {
        // Before any work: no normal form of text this long can fit.
        if text.len() > MAX_CHARS * 16 {
            return Err(too_long(text.chars().count()));
        }
        let lines = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
        let trimmed = lines.trim();
        let normal = match is_nfc_quick(trimmed.chars()) {
            IsNormalized::Yes => trimmed.to_owned(),
            IsNormalized::No | IsNormalized::Maybe => trimmed.nfc().collect(),
        };
        let chars = normal.chars().count();
        if chars == 0 {
            return Err(ApiError::invalid(
                "prompt",
                "invalid_value",
                "'prompt' is empty. Describe the picture in 1 to 32000 characters.",
            ));
        }
        if chars > MAX_CHARS {
            return Err(too_long(chars));
        }
        Ok(Self(normal))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A prompt may hold what a customer typed, so it never shows in a log line by way of `{:?}`.
impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prompt({} bytes)", self.0.len())
    }
}

fn too_long(chars: usize) -> ApiError {
    ApiError::invalid(
        "prompt",
        "string_above_max_length",
        format!("'prompt' has {chars} characters. The limit is {MAX_CHARS}."),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Prompt::new(text).unwrap().as_str(), expected, "{text:?}");
    }

    #[test]
    fn table() {
        check("a fox", "a fox");
        check("  a \t fox\n", "a \t fox");
        check("a\r\nb\rc\nd", "a\nb\nc\nd");
        check("cafe\u{301}", "caf\u{e9}");
        check("\u{212b}ngstrom", "\u{c5}ngstrom");
        check("\u{3000}狐\u{3000}", "狐");
        check("A Fox", "A Fox");
        check(&"x".repeat(MAX_CHARS), &"x".repeat(MAX_CHARS));
        check(&"é".repeat(MAX_CHARS), &"é".repeat(MAX_CHARS));
        for (text, code) in [
            (String::new(), "invalid_value"),
            (" \r\n\u{a0}".to_owned(), "invalid_value"),
            ("x".repeat(MAX_CHARS + 1), "string_above_max_length"),
            ("x".repeat(MAX_CHARS * 17), "string_above_max_length"),
        ] {
            let error = Prompt::new(&text).unwrap_err();
            assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some(code), Some("prompt")));
        }
        assert!(!format!("{:?}", Prompt::new("a secret").unwrap()).contains("secret"));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}|[\\r\\n\\t é\u{301}\u{1100}\u{1161}]{0,20}") {
            if let Ok(once) = Prompt::new(&text) {
                prop_assert_eq!(&Prompt::new(once.as_str()).unwrap(), &once);
            }
        }
    }
}
