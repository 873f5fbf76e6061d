//! Taking pictures back: which, how, and what is promised of it.
//!
//! In scope: the selector and its checks, the name of a purge, its states. Out of scope: finding the pictures (`engine::catalog`) and
//! taking them out of their pools (`engine::generate`).

pub mod selector;

pub use selector::Selector;

use serde::{Deserialize, Serialize};

use crate::hex;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PurgeId(String);

impl PurgeId {
    pub fn new(random: [u8; 16]) -> Self {
        Self(format!("purge_{}", hex::encode(&random)))
    }

    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("purge_")?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (plain && digits.len() == 32).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Can be undone for a day; then the bytes go.
    Soft,
    /// The bytes go at once.
    Hard,
}

/// How long a soft purge can be undone.
pub const UNDO_MS: u64 = 86_400_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurgeState {
    Running,
    Done,
    /// Its pictures are being put back.
    Undoing,
    Undone,
}
