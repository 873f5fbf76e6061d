//! What a purge took of a pool, and how it comes back.
//!
//! In scope: which takes and places a purge covers, that their numbers are never used again, and undoing it. Out of scope: when the bytes
//! go, and who may ask.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::admin::images::PurgedTake;
use crate::job::{Job, JobId, Pool, State};
use crate::picture::{Digest, Take};
use crate::purge::PurgeId;

/// One purge of one key. It is kept for good, also when it was undone: asked for again, late or twice, it does nothing anew, and
/// the receipts of its takes show what they paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Its place among the purges of its key.
    pub seq: u64,
    pub purge: PurgeId,
    /// What was made or begun after this is none of its business.
    pub at_ms: u64,
    /// Until when it can be undone. `None` for good.
    pub until_ms: Option<u64>,
    pub takes: Vec<Take>,
    /// The places of jobs that were at work. What they make comes here, and nobody sees it.
    pub places: Vec<u32>,
    /// It was undone: its takes are in the pool again, or where a later purge put them.
    pub restored: bool,
}

impl Purged {
    fn holds(&self, take: u32) -> bool {
        !self.restored && (self.places.contains(&take) || self.takes.iter().any(|gone| gone.take == take))
    }
}

impl Pool {
    /// Takes back what was made or begun by `at_ms`: all of it, or `only` these takes. Gives the place of its record in
    /// [`Pool::purged`], or nothing where nothing is to be written: it was done before, or there never was anything.
    pub fn purge(&mut self, purge: &PurgeId, only: Option<&[u32]>, at_ms: u64, until_ms: Option<u64>) -> Option<usize> {
        if self.jobs.is_empty() || self.purge_of(purge).is_some() {
            return None;
        }
        let before = self.pointer();
        let named = |take: u32| only.is_none_or(|only| only.contains(&take));
        let made = self.jobs.iter().filter(|job| matches!(job.state, State::Stored | State::Settled));
        let early = made.filter(|job| job.claimed_ms <= at_ms).flat_map(|job| job.takes.iter().copied());
        let early: BTreeSet<u32> = early.collect();
        let covered = |take: &Take| named(take.take) && (take.created_ms <= at_ms || early.contains(&take.take));
        let mut takes: Vec<Take> = self.takes.values().filter(|take| covered(take)).cloned().collect();
        if until_ms.is_none() {
            // What goes for good goes also where it could still be put back.
            takes.extend(self.softly_held().filter(|take| covered(take)).cloned());
        }
        let at_work = self.jobs.iter().filter(|job| job.claimed_ms <= at_ms);
        // What is stored has its takes already.
        let at_work = at_work.filter(|job| matches!(job.state, State::Claimed | State::Dispatched));
        let places = at_work.flat_map(|job| job.takes.iter().copied());
        let free = |take: &u32| {
            let open = !before.is_gone(*take) || until_ms.is_none() && self.is_softly_held(*take);
            open && !self.takes.contains_key(take)
        };
        let places = places.filter(|take| named(*take) && free(take));
        let places = places.collect();
        self.takes.retain(|_, take| !covered(take));
        let seq = self.next_purge();
        self.purged.push(Purged { seq, purge: purge.clone(), at_ms, until_ms, takes, places, restored: false });
        self.meta.unpublished |= self.pointer() != before;
        self.purged.len().checked_sub(1)
    }

    /// Undoes a purge while that is possible, and gives the place of its record; nothing where there is nothing to write. An undo that
    /// overtakes its purge leaves a mark, so that the purge does nothing when it comes.
    pub fn restore(&mut self, purge: &PurgeId, now_ms: u64) -> Option<usize> {
        if self.jobs.is_empty() {
            return None;
        }
        let before = self.pointer();
        let Some(at) = self.purged.iter().position(|purged| purged.purge == *purge) else {
            let (seq, takes, places) = (self.next_purge(), Vec::new(), Vec::new());
            let mark =
                Purged { seq, purge: purge.clone(), at_ms: now_ms, until_ms: None, takes, places, restored: true };
            self.purged.push(mark);
            return self.purged.len().checked_sub(1);
        };
        let purged = self.purged.get_mut(at)?;
        if purged.restored || purged.until_ms.is_none_or(|until| now_ms > until) {
            return None;
        }
        purged.restored = true;
        let back: Vec<Take> = purged.takes.clone();
        // What another purge has taken since stays with it.
        let back = back.into_iter().filter(|take| !self.is_gone(take.take)).map(|take| (take.take, take));
        let back: Vec<(u32, Take)> = back.collect();
        self.takes.extend(back);
        self.meta.unpublished |= self.pointer() != before;
        Some(at)
    }

    /// Takes in what a job has made, each take where it belongs. Gives the places in [`Pool::purged`] of the records that changed.
    pub fn take_in(&mut self, takes: &[Take], prefer: bool) -> BTreeSet<usize> {
        let before = self.pointer();
        let first = takes.first().map(|take| take.take);
        let mut changed = BTreeSet::new();
        for take in takes {
            // Where several hold its place, it is the last one's, which may have taken it for good.
            let held = self.purged.iter_mut().enumerate().rev().find(|(_, purged)| purged.holds(take.take));
            if let Some((at, purged)) = held {
                purged.takes.push(take.clone());
                changed.insert(at);
                continue;
            }
            // What is made in place of a purged favourite is the favourite, also when that one comes back.
            let successor = take.take == before.preferred;
            if successor || prefer && first == Some(take.take) {
                self.meta.preferred = take.take;
            }
            self.takes.insert(take.take, take.clone());
        }
        self.meta.unpublished |= self.pointer() != before;
        changed
    }

    /// What a purge has taken and holds.
    pub fn held_by(&self, purge: &PurgeId) -> &[Take] {
        self.purge_of(purge).filter(|purged| !purged.restored).map_or(&[], |purged| &purged.takes)
    }

    /// What an undone purge gave back and is there.
    pub fn given_back(&self, purge: &PurgeId) -> Vec<Take> {
        let restored = self.purge_of(purge).filter(|purged| purged.restored);
        let takes = restored.map(|purged| purged.takes.as_slice()).unwrap_or_default();
        takes.iter().filter(|take| self.takes.contains_key(&take.take)).cloned().collect()
    }

    /// The takes that a job made and that a purge holds: the last one, where several do.
    pub fn purged_of(&self, job: &Job) -> Vec<(PurgeId, Take)> {
        let held = self.held().into_values().map(|(purged, take)| (purged.purge.clone(), take.clone()));
        held.filter(|(_, take)| job.takes.contains(&take.take)).collect()
    }

    /// Every take that is taken back, with the last purge that took it.
    fn held(&self) -> BTreeMap<u32, (&Purged, &Take)> {
        let held = self.purged.iter().filter(|purged| !purged.restored);
        held.flat_map(|purged| purged.takes.iter().map(move |take| (take.take, (purged, take)))).collect()
    }

    /// Is the last purge that holds this place one that can be undone?
    fn is_softly_held(&self, take: u32) -> bool {
        let last = self.purged.iter().rev().find(|purged| purged.holds(take));
        last.is_some_and(|purged| purged.until_ms.is_some())
    }

    fn softly_held(&self) -> impl Iterator<Item = &Take> {
        self.held().into_values().filter(|(purged, _)| purged.until_ms.is_some()).map(|(_, take)| take)
    }

    /// The takes that an undo can still put back, each with the last purge that took it.
    pub fn restorable(&self, now_ms: u64) -> Vec<PurgedTake> {
        let open = self.held().into_values().filter(|(purged, _)| purged.until_ms.is_some_and(|until| now_ms <= until));
        open.map(|(purged, take)| PurgedTake { purge: purged.purge.clone(), at_ms: purged.at_ms, take: take.clone() })
            .collect()
    }

    /// Does a purge hold this place?
    pub fn is_gone(&self, take: u32) -> bool {
        self.purged.iter().any(|purged| purged.holds(take))
    }

    /// What was made under this number, wherever it is now.
    pub(super) fn digest_of(&self, take: u32) -> Option<Digest> {
        let purged = self.purged.iter().flat_map(|purged| &purged.takes).find(|gone| gone.take == take);
        self.takes.get(&take).or(purged).map(|take| take.digest)
    }

    /// The places that purges hold, in ranges from first to last.
    pub(super) fn gone(&self) -> Vec<(u32, u32)> {
        let held = self.purged.iter().filter(|purged| !purged.restored);
        let places =
            held.flat_map(|purged| purged.places.iter().copied().chain(purged.takes.iter().map(|take| take.take)));
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for place in places.collect::<BTreeSet<_>>() {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(place) => *last = place,
                _ => ranges.push((place, place)),
            }
        }
        ranges
    }

    fn purge_of(&self, purge: &PurgeId) -> Option<&Purged> {
        self.purged.iter().find(|purged| purged.purge == *purge)
    }

    fn next_purge(&self) -> u64 {
        self.purged.last().map_or(0, |purged| purged.seq.saturating_add(1))
    }
}

/// A take that was purged is named.
pub fn purged() -> ApiError {
    gone("This take was purged. Ask without 'take' for another.".to_owned())
}

/// What was waited for was purged before it was done.
pub fn purged_meanwhile(job: &JobId) -> ApiError {
    gone(format!("The picture was purged while it was made. Ask again for another. Receipt: {}.", job.as_str()))
}

fn gone(message: String) -> ApiError {
    ApiError::new(410, "invalid_request_error", "picture_purged", message)
}

#[cfg(test)]
mod tests;
