//! What an isolate gathers between two flushes.

use serde::{Deserialize, Serialize};

use super::{Finished, Histogram, Outcome};
use crate::access::ClientId;
use crate::money::NanoUsd;
use crate::picture::PictureKey;

#[derive(Debug, Default)]
pub struct Tally {}

/// What is sent to the catalog. Sending it twice is counting it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flush {
    /// Random, made by the isolate.
    pub id: String,
    pub cells: Vec<Cell>,
    pub pictures: Vec<Looked>,
    /// The last requests, where somebody watches, and how many more there were.
    pub requests: Vec<Finished>,
    pub unshown: u64,
}

/// Requests of one minute that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The beginning of the minute, in Unix milliseconds.
    pub minute_ms: u64,
    pub client: Option<ClientId>,
    pub model: Option<String>,
    pub outcome: Outcome,
    pub requests: u64,
    pub bytes: u64,
    pub saved: NanoUsd,
    pub latency: Histogram,
}

/// How often a picture was served, and when last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    pub key: PictureKey,
    pub hits: u64,
    pub last_ms: u64,
}
