//! `POST /admin/v1/purge`, `GET /admin/v1/purges`, `POST /admin/v1/purges/{id}/undo`.

use serde::{Deserialize, Serialize};

use super::cursor::invalid_cursor;
use super::parameters::Parameters;
use crate::ApiError;
use crate::money::{NanoUsd, decimal};
use crate::picture::PictureKey;
use crate::purge::{Mode, PurgeId, PurgeState, Selector};
use crate::query::Query;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeRequest {
    pub selector: Selector,
    /// Soft unless it is said.
    #[serde(default = "soft")]
    pub mode: Mode,
    /// Says what it would take, and takes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

impl PurgeRequest {
    /// Reads the body, and refuses a selector that would take everything by accident.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let request: Self = serde_json::from_slice(body).map_err(|error| {
            let message = format!(
                "The body is not a purge: {error}. Send {{\"selector\": {{…}}, \"mode\": \"soft\", \"dry_run\": true}}."
            );
            ApiError::invalid("body", "invalid_json", message)
        })?;
        request.selector.check()?;
        Ok(request)
    }
}

fn soft() -> Mode {
    Mode::Soft
}

/// What a purge takes, before it is begun and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgePlan {
    pub pictures: u64,
    pub takes: u64,
    pub bytes: u64,
    /// What these takes cost, and so what making them again would.
    #[serde(rename = "regeneration_usd", with = "decimal")]
    pub regeneration: NanoUsd,
    /// Takes whose cost is not known, and is not in the sum.
    pub takes_of_unknown_cost: u64,
    /// The first ones.
    pub sample: Vec<Sampled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampled {
    pub key: PictureKey,
    pub prompt: String,
    pub takes: u32,
    pub bytes: u64,
    pub last_hit_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// `null` for a dry run.
    pub id: Option<PurgeId>,
    pub dry_run: bool,
    pub selector: Selector,
    pub mode: Mode,
    /// `null` for a dry run.
    pub state: Option<PurgeState>,
    /// Who asked for it: `admin`, `client/<id>`, or `retention`.
    pub by: String,
    pub created_ms: u64,
    pub ended_ms: Option<u64>,
    pub plan: PurgePlan,
    /// Pictures of which the object has said that they are gone; of an undo, that they are back. When the last one is, the plan
    /// is what was really taken.
    pub done: u64,
    /// Pictures that could not be reached yet. They are tried again.
    pub failing: u64,
    /// Until when it can be undone.
    pub undo_until_ms: Option<u64>,
    pub bounds: Bounds,
}

/// When the last reader stops seeing what was purged, counted from when its picture was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The object of the key: nothing is made or served of it from there on.
    pub object_seconds: u32,
    /// What isolates remember.
    pub memo_seconds: u32,
    /// The pointer store in other cities: Cloudflare states sixty seconds "or more", and an isolate's own reading may be this much older.
    pub kv_seconds: u32,
    /// Browsers that have it.
    pub browser_seconds: u32,
    /// Caches between the Worker and browsers; 0 where the zone is purged by tag.
    pub cdn_seconds: u32,
    /// Was the zone asked to drop it? `null` where none is configured.
    pub cdn: Option<CdnPurge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CdnPurge {
    Pending,
    Done,
    /// It is tried again; the reason is the API's.
    Failing {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgePage {
    pub purges: Vec<Purge>,
    pub next: Option<String>,
}

/// What `GET /admin/v1/purges` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeList {
    /// The purge after which the page begins.
    pub after: Option<String>,
    pub limit: u32,
}

impl PurgeList {
    pub fn parse(query: &Query) -> Result<Self, ApiError> {
        let given = Parameters::new(query, &["after", "limit"])?;
        let after = query.get("after").map(|after| PurgeId::parse(after).ok_or_else(invalid_cursor)).transpose()?;
        Ok(Self { after: after.map(|id| id.as_str().to_owned()), limit: given.limit(20)? })
    }
}

#[cfg(test)]
mod tests;
