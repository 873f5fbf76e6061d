//! The image models of the API, and what each of them takes.
//!
//! State of November 2026, from the types of the official SDKs (`openai` 3.54.0 for Python) and OpenAI's
//! deprecations page. A model that is not in this table is refused: it would have no price.

use crate::ApiError;
use crate::picture::options::Quality;

#[derive(Debug)]
pub struct Model {
    pub name: &'static str,
    pub qualities: &'static [Quality],
    pub sizes: Sizes,
    /// `complexity`, gif and svg came with 2.6.
    pub knows_complexity: bool,
    pub animates_and_draws_vectors: bool,
    /// First moment at which the model no longer answers, Unix seconds, and how that day is written.
    pub shutdown: Option<(u64, &'static str)>,
}

#[derive(Debug)]
pub enum Sizes {
    Fixed(&'static [(u32, u32)]),
    /// Any size within the API's limits.
    Free,
}

const BASIC: &[Quality] = &[Quality::Auto, Quality::Low, Quality::Medium, Quality::High];
const FINE: &[Quality] = &[Quality::Auto, Quality::Low, Quality::Medium, Quality::High, Quality::Xhigh, Quality::Max];
const THREE: Sizes = Sizes::Fixed(&[(1024, 1024), (1536, 1024), (1024, 1536)]);
const DECEMBER: Option<(u64, &str)> = Some((1_796_083_200, "2026-12-01"));

const fn model(name: &'static str, qualities: &'static [Quality], sizes: Sizes) -> Model {
    Model { name, qualities, sizes, knows_complexity: false, animates_and_draws_vectors: false, shutdown: None }
}

const fn newest(name: &'static str) -> Model {
    Model { knows_complexity: true, animates_and_draws_vectors: true, ..model(name, FINE, Sizes::Free) }
}

const fn dying(name: &'static str) -> Model {
    Model { shutdown: DECEMBER, ..model(name, BASIC, THREE) }
}

pub const MODELS: &[Model] = &[
    newest("gpt-image-2.6-flare"),
    newest("gpt-image-2.6-sunburst"),
    model("gpt-image-2.5-flare", FINE, Sizes::Free),
    model("gpt-image-2.5-flare-2026-09-08", FINE, Sizes::Free),
    model("gpt-image-2.5-sunburst", FINE, Sizes::Free),
    model("gpt-image-2.5-sunburst-2026-09-08", FINE, Sizes::Free),
    model("gpt-image-2", BASIC, Sizes::Free),
    model("gpt-image-2-2026-04-21", BASIC, Sizes::Free),
    dying("gpt-image-1.5"),
    dying("gpt-image-1.5-2025-12-16"),
    dying("gpt-image-1-mini"),
    dying("chatgpt-image-latest"),
];

/// Models that once answered, and no longer do.
const RETIRED: &[&str] = &["dall-e-2", "dall-e-3", "gpt-image-1"];

pub fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.name == name)
}

/// The model of a request that arrives at `now_s`.
pub fn choose(name: &str, now_s: u64) -> Result<&'static Model, ApiError> {
    let alive = |model: &Model| model.shutdown.is_none_or(|(at, _)| now_s < at);
    match find(name) {
        Some(model) if alive(model) => Ok(model),
        Some(_) => Err(gone(name)),
        None if RETIRED.contains(&name) => Err(gone(name)),
        None => {
            let shown: String = name.chars().take(60).collect();
            let names: Vec<_> = MODELS.iter().filter(|model| alive(model)).map(|model| model.name).collect();
            Err(refused(format!("There is no image model '{shown}'. Allowed are: {}.", names.join(", "))))
        }
    }
}

fn gone(name: &str) -> ApiError {
    refused(format!("The model '{name}' has been shut down. Use 'gpt-image-2.6-flare' or 'gpt-image-2.6-sunburst'."))
}

fn refused(message: String) -> ApiError {
    ApiError::invalid("model", "model_not_found", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_ends_on_its_day() {
        let (end, _) = DECEMBER.unwrap();
        assert!(choose("gpt-image-1.5", end - 1).is_ok());
        assert!(choose("gpt-image-1.5", end).unwrap_err().message.contains("2.6"));
        assert!(choose("gpt-image-2", u64::MAX).is_ok());
        assert!(choose("dall-e-3", 0).unwrap_err().message.contains("shut down"));
        for name in ["", "gpt-image-3", "GPT-IMAGE-2", " gpt-image-2"] {
            let error = choose(name, 0).unwrap_err();
            assert_eq!((error.status, error.param.as_deref()), (400, Some("model")), "{name}");
        }
    }
}
