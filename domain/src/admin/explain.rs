//! `GET /admin/v1/images/{key}/explain` and `POST /admin/v1/explain`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::picture::PictureKey;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub key: PictureKey,
    pub verdict: Verdict,
    /// In a sentence or two, with what can be done.
    pub why: String,
    pub fields: Vec<Field>,
    /// Existing pictures that differ in the fewest fields.
    pub nearest: Vec<Near>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is there.
    Cached,
    NeverMade,
    /// A job makes it now.
    InFlight,
    /// It was made and taken back.
    Purged,
    /// An attempt whose outcome is unknown is waited for.
    Held,
    /// The last attempt failed.
    Failed,
}

/// One field of the canonical request, in the order of the key; after them what was given and does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// As `CACHE-KEY.md` names it.
    pub name: String,
    /// As it stands in the key; `null` for one that does not count.
    pub value: Value,
    pub source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Given,
    /// Given, and another way of saying the same was written down.
    Normalised,
    Default,
    /// Given, and no part of the picture.
    Dropped,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    pub key: PictureKey,
    pub prompt: String,
    pub differences: Vec<Difference>,
}

/// One field that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub name: String,
    pub asked: Value,
    pub exists: Value,
}
