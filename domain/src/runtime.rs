//! Settings that an operator changes without a deploy.
//!
//! In scope: the document, reading a change of it strictly, its defaults, and what it allows. Out of scope: where it is kept (the
//! deployment's account) and how soon a change reaches an isolate.

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::money::PriceTable;

mod change;
#[cfg(test)]
mod tests;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeSettings {
    /// `off` is the kill switch: pictures that exist are served, and nothing is made.
    pub generation: Generation,
    /// The model of a request that names none; `null` is the deployment's `DEFAULT_MODEL`.
    pub default_model: Option<String>,
    /// The models that may be asked for; `null` is all that are known.
    pub models: Option<Vec<String>>,
    /// In place of the built-in price table; `null` is the built-in one.
    pub prices: Option<PriceTable>,
    pub retention: Retention,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    On,
    Off,
}

/// What is given up by itself. `null` keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Over this many bytes the pictures go that were not looked at for the longest time.
    pub max_bytes: Option<u64>,
    /// Pictures that were not looked at for so many days go.
    pub max_idle_days: Option<u32>,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self {
            generation: Generation::On,
            default_model: None,
            models: None,
            prices: None,
            retention: Retention::default(),
        }
    }
}

/// The settings in force, and which version they are. Version 0 is what nobody has changed yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versioned {
    pub version: u64,
    pub settings: RuntimeSettings,
}

impl RuntimeSettings {
    /// The model of a request that names none. Where the deployment's own is not among the models that may be asked for, it is the
    /// first of these: a default that is always refused would refuse every plain request.
    pub fn default_model<'a>(&'a self, deployment: &'a str) -> &'a str {
        match (&self.default_model, &self.models) {
            (Some(model), _) => model,
            (None, Some(models)) if !self.allows(deployment) => models.first().map_or(deployment, String::as_str),
            (None, _) => deployment,
        }
    }

    pub fn allows(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|allowed| allowed == model))
    }

    /// May this model be asked for? The same whether the picture exists or not.
    pub fn permits(&self, model: &str) -> Result<(), ApiError> {
        if self.allows(model) {
            return Ok(());
        }
        let names: Vec<String> = self.models.iter().flatten().map(|name| format!("'{name}'")).collect();
        let message = format!("This service does not offer the model '{model}'. Allowed are: {}.", names.join(", "));
        let mut error = ApiError::new(403, "invalid_request_error", "model_not_allowed", message);
        error.param = Some("model".into());
        Err(error)
    }
}

/// Said wherever something would be made while the switch is off.
pub fn paused() -> ApiError {
    ApiError::new(
        503,
        "service_unavailable_error",
        "generation_paused",
        "Pictures that exist are still served, and no new ones are made: an operator has paused generation. Nothing was bought; ask \
         again when it is resumed.",
    )
}
