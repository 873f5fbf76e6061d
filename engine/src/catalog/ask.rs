//! What is asked of the catalog, and what it answers: the protocol between isolates, objects and the catalog.

use domain::ApiError;
use domain::admin::{
    Event, Filter, ImagePage, ImageQuery, ImageSummary, Overview, Purge, PurgePage, PurgeRequest, Window,
};
use domain::job::Receipt;
use domain::picture::{Picture, PictureKey, Take};
use domain::purge::PurgeId;
use domain::runtime::Retention;
use domain::usage::Flush;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum CatalogAsk {
    /// What became of a job.
    Register {
        registration: Box<Registration>,
    },
    /// What an isolate has counted.
    Flush {
        flush: Box<Flush>,
    },
    /// Something for the live feed.
    Note {
        event: Box<Event>,
    },
    Overview {
        window: Window,
    },
    /// Prometheus text, but for what only the deployment's account knows.
    Metrics,
    Images {
        query: Box<ImageQuery>,
    },
    Summary {
        key: PictureKey,
    },
    /// Existing pictures that are like this one, for whoever compares them.
    Near {
        picture: Box<Picture>,
    },
    /// Receipts of calls that may have been billed in this time, page by page.
    Receipts {
        from_ms: u64,
        to_ms: u64,
        after: Option<i64>,
    },
    /// A dry run, or the beginning of a purge.
    Purge {
        request: Box<PurgeRequest>,
        id: PurgeId,
        by: String,
        reach: Reach,
    },
    Purges {
        after: Option<String>,
        limit: u32,
    },
    ShowPurge {
        id: PurgeId,
    },
    Undo {
        id: PurgeId,
        by: String,
    },
    /// The feed after an event.
    Events {
        after: u64,
        filter: Filter,
        limit: u32,
    },
    /// Rolls up, gives up what is old, evicts.
    Maintain {
        retention: Retention,
        /// Of the purge that takes what is given up, if there is any.
        id: PurgeId,
        reach: Reach,
    },
}

/// How far the pictures of a deployment have travelled, which decides what a purge can promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// How long browsers keep a picture.
    pub browser_s: u32,
    /// How long caches between the Worker and browsers do.
    pub edge_s: u32,
    /// Can these caches be told to drop it?
    pub cdn: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum CatalogAnswer {
    Done,
    /// Counted. Does anybody watch the feed, so that single requests are worth telling?
    Flushed {
        watched: bool,
    },
    Overview {
        overview: Box<Overview>,
    },
    Metrics {
        text: String,
    },
    Images {
        page: Box<ImagePage>,
    },
    Summary {
        summary: Option<Box<ImageSummary>>,
    },
    Near {
        pictures: Vec<(PictureKey, Picture)>,
    },
    Receipts {
        receipts: Vec<Receipt>,
        next: Option<i64>,
    },
    Purge {
        purge: Box<Purge>,
    },
    Purges {
        page: Box<PurgePage>,
    },
    /// With how many were missed because they are no longer kept.
    Events {
        events: Vec<(u64, Event)>,
        missed: u64,
    },
    Refused {
        error: Box<ApiError>,
    },
}

/// What became of one job, as the object of its key tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    pub key: PictureKey,
    pub picture: Picture,
    /// Of the client that had it made.
    pub tags: Vec<String>,
    /// The take that a request gets which names none.
    pub preferred: u32,
    /// One for each take of the job.
    pub receipts: Vec<Receipt>,
    /// The takes that it made and that are there.
    pub takes: Vec<Take>,
    /// The takes that it made and that a purge took before anybody saw them.
    pub purged: Vec<(PurgeId, Take)>,
}
