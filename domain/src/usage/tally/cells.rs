//! The cells of a tally: what is counted together, and where it is counted when there are too many.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher, RandomState};

use hashbrown::hash_map::EntryRef;
use hashbrown::{Equivalent, HashMap};

use super::super::{Histogram, Outcome};
use super::Cell;
use crate::access::ClientId;
use crate::money::NanoUsd;

/// Cells that name a client or a model. What would need more is counted as nobody's.
pub const MAX_NAMED: usize = 1_400;

/// Minutes in which something is counted as nobody's: each has a cell for every outcome. What would need more is counted in the nearest
/// one before, or in the first.
pub const MAX_MINUTES: usize = 100;

pub const MINUTE_MS: u64 = 60_000;

/// A cell as it is looked up: with names that belong to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name<'a> {
    minute_ms: u64,
    client: Option<&'a str>,
    model: Option<&'a str>,
    outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
struct Key {
    minute_ms: u64,
    client: Option<ClientId>,
    model: Option<String>,
    outcome: Outcome,
}

#[derive(Debug, Default)]
pub struct Cells {
    named: HashMap<Key, Counts, RandomState>,
    nobodys: BTreeMap<u64, [Counts; Outcome::ALL.len()]>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    requests: u64,
    bytes: u64,
    saved: NanoUsd,
    latency: Histogram,
}

impl<'a> Name<'a> {
    pub fn of(at_ms: u64, client: Option<&'a str>, model: Option<&'a str>, outcome: Outcome) -> Self {
        Self { minute_ms: at_ms - at_ms % MINUTE_MS, client, model, outcome }
    }

    fn key(&self) -> Key {
        Key {
            minute_ms: self.minute_ms,
            client: self.client.map(|client| ClientId(client.to_owned())),
            model: self.model.map(str::to_owned),
            outcome: self.outcome,
        }
    }
}

impl Key {
    fn name(&self) -> Name<'_> {
        let client = self.client.as_ref().map(ClientId::as_str);
        Name { minute_ms: self.minute_ms, client, model: self.model.as_deref(), outcome: self.outcome }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Equivalent<Key> for Name<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.name()
    }
}

impl Counts {
    pub fn record(&mut self, bytes: u64, saved: Option<NanoUsd>, ms: u64) {
        self.add(1, bytes, saved.unwrap_or_default());
        self.latency.record(ms);
    }

    pub fn merge(&mut self, cell: &Cell) {
        self.add(cell.requests, cell.bytes, cell.saved);
        self.latency.merge(&cell.latency);
    }

    fn add(&mut self, requests: u64, bytes: u64, saved: NanoUsd) {
        self.requests = self.requests.saturating_add(requests);
        self.bytes = self.bytes.saturating_add(bytes);
        self.saved = NanoUsd::saturating_sum([self.saved, saved]);
    }

    fn cell(self, key: Key) -> Cell {
        let Key { minute_ms, client, model, outcome } = key;
        let Self { requests, bytes, saved, latency } = self;
        Cell { minute_ms, client, model, outcome, requests, bytes, saved, latency }
    }
}

impl Cells {
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.nobodys.is_empty()
    }

    /// Where this is counted.
    pub fn at(&mut self, name: &Name<'_>) -> &mut Counts {
        let is_named = name.client.is_some() || name.model.is_some();
        if !is_named || (self.named.len() >= MAX_NAMED && !self.named.contains_key(name)) {
            return self.nobodys_at(name);
        }
        match self.named.entry_ref(name) {
            EntryRef::Occupied(entry) => entry.into_mut(),
            EntryRef::Vacant(entry) => entry.insert_with_key(name.key(), Counts::default()),
        }
    }

    pub fn take(&mut self) -> Vec<Cell> {
        let named = std::mem::take(&mut self.named).into_iter().map(|(key, counts)| counts.cell(key));
        let nobodys = std::mem::take(&mut self.nobodys).into_iter().flat_map(|(minute_ms, counts)| {
            let all = Outcome::ALL.into_iter().zip(counts).filter(|(_, counts)| counts.requests > 0);
            all.map(move |(outcome, counts)| counts.cell(Key { minute_ms, client: None, model: None, outcome }))
        });
        let mut cells: Vec<Cell> = named.chain(nobodys).collect();
        cells.sort_unstable_by(|a, b| {
            let order = |cell: &'_ Cell| (cell.minute_ms, cell.outcome);
            (order(a), &a.client, &a.model).cmp(&(order(b), &b.client, &b.model))
        });
        cells
    }

    fn nobodys_at(&mut self, name: &Name<'_>) -> &mut Counts {
        let mut minute_ms = name.minute_ms;
        if self.nobodys.len() >= MAX_MINUTES && !self.nobodys.contains_key(&minute_ms) {
            let before = self.nobodys.range(..minute_ms).next_back().or(self.nobodys.first_key_value());
            minute_ms = before.map_or(minute_ms, |(found, _)| *found);
        }
        let minute = self.nobodys.entry(minute_ms).or_default();
        let [hit, coalesced, miss, bypass, refused, failed] = minute;
        match name.outcome {
            Outcome::Hit => hit,
            Outcome::Coalesced => coalesced,
            Outcome::Miss => miss,
            Outcome::Bypass => bypass,
            Outcome::Refused => refused,
            Outcome::Failed => failed,
        }
    }
}
