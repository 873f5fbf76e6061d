//! `GET /admin/v1/images` and `/admin/v1/images/{key}`.

use serde::{Deserialize, Serialize};

use super::Cursor;
use super::parameters::{Parameters, whole};
use crate::ApiError;
use crate::job::Receipt;
use crate::money::{NanoUsd, decimal};
use crate::picture::words::{MAX_WORDS, words};
use crate::picture::{Picture, PictureKey, Take};
use crate::purge::PurgeId;
use crate::query::Query;

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

const NAMES: [&str; 16] = [
    "q",
    "client",
    "model",
    "tag",
    "size",
    "created_after",
    "created_before",
    "min_cost_usd",
    "max_cost_usd",
    "min_hits",
    "max_hits",
    "state",
    "sort",
    "order",
    "limit",
    "after",
];

const LISTED: u32 = 50;

/// The longest search, in bytes.
const LONGEST: usize = 1_000;

impl Sort {
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Created, "created"),
        (Self::Hits, "hits"),
        (Self::Cost, "cost"),
        (Self::Bytes, "bytes"),
        (Self::LastHit, "last_hit"),
    ];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(sort, _)| sort)
    }
}

impl ImageQuery {
    pub fn parse(query: &Query) -> Result<Self, ApiError> {
        const MS: &str = "a time in Unix milliseconds";
        const USD: &str = "an amount in US dollars, as in 0.04";
        const COUNT: &str = "a whole number";
        let given = Parameters::new(query, &NAMES)?;
        let usd = |text: &str| NanoUsd::parse_decimal(text).ok();
        let one_of = |names: [&'static str; 2]| move |text: &str| names.iter().position(|name| *name == text);
        let mut read = Self {
            prompt: given.text("q")?,
            client: given.text("client")?,
            model: given.text("model")?,
            tag: given.text("tag")?,
            size: given.read("size", "width and height in pixels, as in 1024x1536", |text| {
                pixels(text).map(|(width, height)| format!("{width}x{height}"))
            })?,
            created_after_ms: given.number("created_after", MS)?,
            created_before_ms: given.number("created_before", MS)?,
            min_cost: given.read("min_cost_usd", USD, usd)?,
            max_cost: given.read("max_cost_usd", USD, usd)?,
            min_hits: given.number("min_hits", COUNT)?,
            max_hits: given.number("max_hits", COUNT)?,
            purged: given.read("state", "'live' or 'purged'", one_of(["live", "purged"]))? == Some(1),
            sort: given
                .read("sort", "one of 'created', 'hits', 'cost', 'bytes' and 'last_hit'", Sort::parse)?
                .unwrap_or_default(),
            ascending: given.read("order", "'asc' or 'desc'", one_of(["desc", "asc"]))? == Some(1),
            limit: given.limit(LISTED)?,
            after: None,
        };
        if read.prompt.as_ref().is_some_and(|text| text.len() > LONGEST || words(text).len() > MAX_WORDS) {
            let message = format!("'q' is longer than {LONGEST} bytes or has more than {MAX_WORDS} words. Give fewer.");
            return Err(ApiError::invalid("q", "invalid_value", message));
        }
        read.after = query.get("after").map(|after| Cursor::decode(after, &read.rows())).transpose()?;
        Ok(read)
    }

    /// What stands in `next` of a page that ends with this row.
    pub fn next(&self, last: &Cursor) -> String {
        last.encode(&self.rows())
    }

    /// Width and height, where a size is asked for.
    pub fn pixels(&self) -> Option<(u32, u32)> {
        self.size.as_deref().and_then(pixels)
    }

    /// Everything that decides which rows are listed and in which order, and so what a cursor belongs to.
    fn rows(&self) -> String {
        let rows = Self { limit: 0, after: None, ..self.clone() };
        serde_json::to_string(&rows).unwrap_or_default()
    }
}

fn pixels(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let edge = |text: &str| whole(text).and_then(|edge| u32::try_from(edge).ok());
    Some((edge(width)?, edge(height)?))
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

#[cfg(test)]
mod tests;
