//! The pointer store: a write is seen in each city when it pleases, and so is its absence.
//!
//! Modelled on Workers KV: eventually consistent within 90 seconds, absences cached, one write a second to a key.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::picture::{PictureKey, Pointer};

use super::coverage::Event;
use super::world::World;
use crate::ports::StoreError;

/// How long a city remembers that there was nothing.
const ABSENCE_MS: u64 = 60_000;
const WRITES_EVERY_MS: u64 = 1_000;

#[derive(Default)]
pub(super) struct Kv(RefCell<BTreeMap<PictureKey, Entry>>);

#[derive(Default)]
struct Entry {
    writes: Vec<Write>,
    absent_until_ms: BTreeMap<usize, u64>,
    written_ms: u64,
}

struct Write {
    at_ms: u64,
    pointer: Pointer,
    /// In each city.
    seen_from_ms: Vec<u64>,
}

impl Kv {
    pub(super) async fn read(
        &self,
        world: &World,
        city: usize,
        key: &PictureKey,
    ) -> Result<Option<Pointer>, StoreError> {
        if world.chance(world.faults.kv_read_slow) {
            world.journal.saw(Event::KvSlow);
            world.pause(1_200, 20_000).await;
        } else {
            world.pause(1, 60).await;
        }
        if world.chance(world.faults.kv_read_fails) {
            world.journal.saw(Event::KvFailed);
            return Err(StoreError("kv: internal error".to_owned()));
        }
        let now_ms = world.now_ms();
        let mut entries = self.0.borrow_mut();
        let entry = entries.entry(*key).or_default();
        let newest = entry.writes.len();
        if entry.absent_until_ms.get(&city).is_some_and(|until| now_ms < *until) {
            if newest > 0 {
                world.journal.saw(Event::KvAbsenceCached);
            }
            return Ok(None);
        }
        let seen = entry.writes.iter().rposition(|write| write.seen_from_ms[city] <= now_ms);
        if seen.map_or(0, |at| at + 1) < newest {
            world.journal.saw(Event::KvStale);
        }
        if seen.is_none() {
            entry.absent_until_ms.insert(city, now_ms + ABSENCE_MS);
        }
        Ok(seen.map(|at| entry.writes[at].pointer.clone()))
    }

    pub(super) async fn write(&self, world: &World, key: &PictureKey, pointer: &Pointer) -> Result<(), StoreError> {
        world.pause(1, 200).await;
        let fails = world.chance(world.faults.kv_write_fails);
        if fails && world.rng().one_in(2) {
            return Err(StoreError("kv: not written".to_owned()));
        }
        {
            let now_ms = world.now_ms();
            let mut entries = self.0.borrow_mut();
            let entry = entries.entry(*key).or_default();
            if now_ms < entry.written_ms + WRITES_EVERY_MS {
                world.journal.saw(Event::KvRateLimited);
                return Err(StoreError("kv: 429".to_owned()));
            }
            entry.written_ms = now_ms;
            let lag = world.faults.kv_lag_ms;
            let seen_from_ms = (0..world.cities).map(|_| now_ms + world.rng().between(0, lag)).collect();
            if pointer.takes.is_empty() {
                world.journal.saw(Event::TombstonePublished);
            }
            entry.writes.push(Write { at_ms: now_ms, pointer: pointer.clone(), seen_from_ms });
        }
        world.journal.note(|| format!("kv: {} takes published", pointer.takes.len()));
        world.pause(1, 50).await;
        if fails { Err(StoreError("kv: written, and the answer lost".to_owned())) } else { Ok(()) }
    }

    /// Since when no pointer was written that has this take.
    pub(super) fn gone_since(&self, key: &PictureKey, take: u32) -> Option<u64> {
        let entries = self.0.borrow();
        let writes = entries.get(key)?.writes.iter().rev();
        writes.take_while(|write| write.pointer.get(take).is_none()).last().map(|write| write.at_ms)
    }

    pub(super) fn ever_had(&self, key: &PictureKey, take: u32) -> bool {
        self.0.borrow().get(key).is_some_and(|entry| entry.writes.iter().any(|write| write.pointer.get(take).is_some()))
    }

    /// What every city will see in the end.
    pub(super) fn newest(&self, key: &PictureKey) -> Option<Pointer> {
        self.0.borrow().get(key).and_then(|entry| entry.writes.last()).map(|write| write.pointer.clone())
    }
}
