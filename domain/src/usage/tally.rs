//! What an isolate gathers between two flushes.
//!
//! In scope: adding, and the bounds within which an isolate may gather while the catalog is out of reach. Out of scope: when it is sent,
//! and the id under which. Counting lies on the way of every hit: where the cell and the picture are there already, it allocates nothing.

mod cells;

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use self::cells::{Cells, Name};
use super::{Finished, Histogram, Outcome};
use crate::access::ClientId;
use crate::money::NanoUsd;
use crate::picture::PictureKey;

/// Pictures beyond this many are counted as requests, and not for themselves.
pub const MAX_PICTURES: usize = 10_000;

/// How many single requests are kept for whoever watches.
pub const MAX_REQUESTS: usize = 100;

#[derive(Debug, Default)]
pub struct Tally {
    cells: Cells,
    pictures: HashMap<PictureKey, (u64, u64)>,
    watched: bool,
    requests: VecDeque<Finished>,
    unshown: u64,
}

/// A hit, as the way of a hit knows it without asking anybody.
#[derive(Debug, Clone, Copy)]
pub struct Hit<'a> {
    pub at_ms: u64,
    pub client: &'a ClientId,
    pub model: &'a str,
    pub key: &'a PictureKey,
    pub saved: Option<NanoUsd>,
    pub bytes: u64,
    pub ms: u64,
}

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

impl Tally {
    /// Counts a hit of which nobody wants to see more than the count. Where somebody watches, [`Self::count`] shows it.
    pub fn hit(&mut self, hit: &Hit<'_>) {
        let name = Name::of(hit.at_ms, Some(hit.client.as_str()), Some(hit.model), Outcome::Hit);
        self.cells.at(&name).record(hit.bytes, hit.saved, hit.ms);
        self.look(*hit.key, 1, hit.at_ms);
        if self.watched {
            self.unshown = self.unshown.saturating_add(1);
        }
    }

    pub fn count(&mut self, finished: &Finished) {
        let client = finished.client.as_ref().map(ClientId::as_str);
        let name = Name::of(finished.at_ms, client, finished.model.as_deref(), finished.outcome);
        self.cells.at(&name).record(finished.bytes, finished.saved, finished.ms);
        if let (Some(key), Outcome::Hit | Outcome::Coalesced) = (finished.key, finished.outcome) {
            self.look(key, 1, finished.at_ms);
        }
        if self.watched {
            self.show(finished.clone());
        }
    }

    /// Does anybody watch, so that single requests are worth telling?
    pub fn is_watched(&self) -> bool {
        self.watched
    }

    /// Requests that nobody watches any more are not kept for later.
    pub fn set_watched(&mut self, watched: bool) {
        self.watched = watched;
        if !watched {
            self.requests.clear();
            self.unshown = 0;
        }
    }

    /// Is there nothing to send?
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.pictures.is_empty() && self.requests.is_empty() && self.unshown == 0
    }

    /// Everything that was gathered, in an order that does not depend on the maps it was gathered in. It begins anew.
    pub fn take(&mut self, id: String) -> Flush {
        let looked = |(key, (hits, last_ms))| Looked { key, hits, last_ms };
        let mut pictures: Vec<Looked> = std::mem::take(&mut self.pictures).into_iter().map(looked).collect();
        pictures.sort_unstable_by_key(|looked| looked.key);
        let requests = std::mem::take(&mut self.requests).into();
        Flush { id, cells: self.cells.take(), pictures, requests, unshown: std::mem::take(&mut self.unshown) }
    }

    /// Adds a flush that did not arrive to what came since. One of which it is not known whether it arrived is better sent again as it
    /// is, under its id: then it counts once either way.
    pub fn give_back(&mut self, flush: Flush) {
        for cell in flush.cells {
            let client = cell.client.as_ref().map(ClientId::as_str);
            let name = Name::of(cell.minute_ms, client, cell.model.as_deref(), cell.outcome);
            self.cells.at(&name).merge(&cell);
        }
        for Looked { key, hits, last_ms } in flush.pictures {
            self.look(key, hits, last_ms);
        }
        if self.watched {
            let since = std::mem::take(&mut self.requests);
            self.unshown = self.unshown.saturating_add(flush.unshown);
            flush.requests.into_iter().chain(since).for_each(|finished| self.show(finished));
        }
    }

    fn look(&mut self, key: PictureKey, hits: u64, at_ms: u64) {
        let full = self.pictures.len() >= MAX_PICTURES;
        if let Some((count, last_ms)) = self.pictures.get_mut(&key) {
            *count = count.saturating_add(hits);
            *last_ms = at_ms.max(*last_ms);
        } else if !full {
            self.pictures.insert(key, (hits, at_ms));
        }
    }

    fn show(&mut self, finished: Finished) {
        if self.requests.len() >= MAX_REQUESTS {
            self.requests.pop_front();
            self.unshown = self.unshown.saturating_add(1);
        }
        self.requests.push_back(finished);
    }
}

#[cfg(test)]
mod tests;
