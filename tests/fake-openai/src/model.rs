//! The models that live: scope is their names, what each accepts and what each costs.

use crate::error::ApiError;

/// Models that OpenAI has shut down, which deserve a message of their own.
const DEAD: [&str; 3] = ["dall-e-2", "dall-e-3", "gpt-image-1"];

/// The living models; a name followed by a date of the list is the same model.
const LIVING: [(&str, Family, &[&str]); 8] = [
    ("gpt-image-2.6-flare", Family::V26, &[]),
    ("gpt-image-2.6-sunburst", Family::V26, &[]),
    ("gpt-image-2.5-flare", Family::V25, &["2026-09-08"]),
    ("gpt-image-2.5-sunburst", Family::V25, &["2026-09-08"]),
    ("gpt-image-2", Family::V2, &["2026-04-21"]),
    ("gpt-image-1.5", Family::V15, &["2025-12-16"]),
    ("gpt-image-1-mini", Family::Mini, &[]),
    ("chatgpt-image-latest", Family::V15, &[]),
];

/// Models that share their rules, their token counts and their prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Mini,
    V15,
    V2,
    V25,
    V26,
}

/// A model as a request named it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// The name in the request, with its date when it had one.
    pub(crate) name: String,
    pub(crate) family: Family,
}

impl Model {
    /// Finds a model by its name.
    pub(crate) fn named(name: &str) -> Result<Self, ApiError> {
        for (base, family, dates) in LIVING {
            let dated = name
                .strip_prefix(base)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|date| dates.contains(&date));
            if name == base || dated {
                let name = name.to_owned();
                return Ok(Self { name, family });
            }
        }
        let message = if DEAD.contains(&name) {
            format!("The model `{name}` has been deprecated and is no longer available.")
        } else {
            format!("The model `{name}` does not exist or you do not have access to it.")
        };
        Err(ApiError::invalid("model_not_found", Some("model"), message))
    }

    /// What `quality: auto` means. The careful models and `gpt-image-2` take `high`.
    pub(crate) fn automatic_quality(&self) -> &'static str {
        if self.family == Family::V2 || self.name.contains("sunburst") { "high" } else { "medium" }
    }
}

impl Family {
    /// The qualities that can be asked for by name.
    pub(crate) fn qualities(self) -> &'static [&'static str] {
        match self {
            Self::Mini | Self::V15 | Self::V2 => &["low", "medium", "high"],
            Self::V25 | Self::V26 => &["low", "medium", "high", "xhigh", "max"],
        }
    }

    /// Whether any width and height within the limits is allowed, or just three sizes.
    pub(crate) fn sizes_freely(self) -> bool {
        matches!(self, Self::V2 | Self::V25 | Self::V26)
    }

    /// Whether the model knows a parameter that others do not.
    ///
    /// A parameter of other models alone is answered like one that no model has, as the API
    /// does with `response_format`.
    pub(crate) fn knows(self, parameter: &str) -> bool {
        match parameter {
            "complexity" => self == Self::V26,
            "markup" => matches!(self, Self::V25 | Self::V26),
            "input_fidelity" => self != Self::V2,
            _ => true,
        }
    }

    /// Nano-dollars for one token of text in, image in and image out.
    pub(crate) fn nano_usd_per_token(self) -> Prices {
        let (text_in, image_in, image_out) = match self {
            Self::Mini => (2_000, 2_500, 8_000),
            Self::V15 => (5_000, 8_000, 32_000),
            Self::V2 | Self::V25 | Self::V26 => (5_000, 8_000, 30_000),
        };
        Prices { text_in, image_in, image_out }
    }
}

/// Whole nano-dollars for one token of each kind. A dollar for a million tokens is a thousand.
pub(crate) struct Prices {
    pub(crate) text_in: u64,
    pub(crate) image_in: u64,
    pub(crate) image_out: u64,
}

#[cfg(test)]
mod tests {
    use super::{Family, Model};

    #[test]
    fn names_lead_to_a_family_or_to_an_error() {
        let cases = [
            ("gpt-image-2", Ok(Family::V2)),
            ("gpt-image-2-2026-04-21", Ok(Family::V2)),
            ("gpt-image-2.5-flare-2026-09-08", Ok(Family::V25)),
            ("gpt-image-2.6-sunburst", Ok(Family::V26)),
            ("chatgpt-image-latest", Ok(Family::V15)),
            ("gpt-image-1-mini", Ok(Family::Mini)),
            ("dall-e-3", Err("has been deprecated")),
            ("gpt-image-1", Err("has been deprecated")),
            ("gpt-image-2.6-flare-2026-09-08", Err("does not exist")),
            ("gpt-image-2-", Err("does not exist")),
        ];
        for (name, expected) in cases {
            match (Model::named(name), expected) {
                (Ok(model), Ok(family)) => assert_eq!(model.family, family, "{name}"),
                (Err(error), Err(part)) => {
                    assert!(error.message.contains(part), "{name}: {}", error.message);
                    assert_eq!(error.code, Some("model_not_found"));
                }
                (found, _) => panic!("{name} led to {found:?}"),
            }
        }
    }
}
