//! Settings that an operator changes without a deploy.
//!
//! In scope: the document, reading it strictly, its defaults. Out of scope: where it is kept (the deployment's account) and how soon
//! a change reaches an isolate.

use serde::{Deserialize, Serialize};

use crate::money::PriceTable;

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
