//! Which pictures a purge takes.

use serde::{Deserialize, Serialize};

use crate::picture::PictureKey;

/// All of the members that are given have to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<PictureKey>>,
    /// Of the one key, these takes and not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<Vec<u32>>,
    /// Words that the prompt has, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Of the client that had it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Made longer ago than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than_seconds: Option<u64>,
    /// Everything. Has to stand alone, and spelled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
}
