//! `GET /admin/v1/images` and `/admin/v1/images/{key}`.

use serde::{Deserialize, Serialize};

use super::Cursor;
use crate::job::Receipt;
use crate::money::{NanoUsd, decimal};
use crate::picture::{Picture, PictureKey, Take};
use crate::purge::PurgeId;

/// What a list is asked for. Everything that is given has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageQuery {
    /// Words of the prompt, all of them, each by its beginning.
    pub prompt: Option<String>,
    pub client: Option<String>,
    pub model: Option<String>,
    pub tag: Option<String>,
    /// `WxH`, as it was made.
    pub size: Option<String>,
    pub created_after_ms: Option<u64>,
    pub created_before_ms: Option<u64>,
    pub min_cost: Option<NanoUsd>,
    pub max_cost: Option<NanoUsd>,
    pub min_hits: Option<u64>,
    pub max_hits: Option<u64>,
    /// Pictures that were purged and can still be put back, instead of those that are there.
    pub purged: bool,
    pub sort: Sort,
    pub ascending: bool,
    pub limit: u32,
    pub after: Option<Cursor>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Created,
    Hits,
    Cost,
    Bytes,
    LastHit,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePage {
    pub images: Vec<ImageSummary>,
    /// For `after`, where there is more.
    pub next: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSummary {
    pub key: PictureKey,
    pub prompt: String,
    pub model: String,
    pub namespace: String,
    /// Who had its newest take made.
    pub client: String,
    pub tags: Vec<String>,
    /// As they were asked for.
    pub size: String,
    pub quality: String,
    /// As the newest take was made; `null` while there is none.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub format: Option<crate::picture::Format>,
    pub takes: u32,
    pub bytes: u64,
    /// What its takes cost, as far as the provider said.
    #[serde(rename = "cost_usd", with = "decimal")]
    pub cost: NanoUsd,
    /// Of those that the isolates have told.
    pub hits: u64,
    pub last_hit_ms: Option<u64>,
    pub created_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageDetail {
    pub key: PictureKey,
    /// `null` for a picture that was made before there was a catalog and not asked for since.
    pub picture: Option<Picture>,
    pub summary: Option<ImageSummary>,
    /// The take that a request gets which names none.
    pub preferred: u32,
    pub takes: Vec<Take>,
    /// Taken back, and can still be put back.
    pub purged: Vec<PurgedTake>,
    /// Every attempt that may have cost something, and the last of those that did not.
    pub receipts: Vec<Receipt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgedTake {
    pub purge: PurgeId,
    pub at_ms: u64,
    #[serde(flatten)]
    pub take: Take,
}
