//! `GET` and `PUT /admin/v1/settings`, `GET /admin/v1/settings/history`.

use serde::{Deserialize, Serialize};

use crate::runtime::RuntimeSettings;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsDocument {
    pub version: u64,
    /// `null` while nobody has changed them.
    pub changed_ms: Option<u64>,
    /// `admin`, or `client/<id>`.
    pub by: Option<String>,
    pub settings: RuntimeSettings,
    /// When a change is in force everywhere; of `generation` it is at once.
    pub effective_within_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsPage {
    /// The newest first, each as it was from then on.
    pub history: Vec<SettingsDocument>,
    /// The version before which the next page goes on; `null` where there is none.
    pub next: Option<u64>,
}
