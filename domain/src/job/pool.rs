//! The pool of one key: its takes and its jobs, and what they answer to a request.
//!
//! This is the durable state of a Generation object, and the only thing from which a decision to buy is ever made.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::job::attempt::Held;
use crate::job::purged::{purged, purged_meanwhile};
use crate::job::{Job, JobId, Money, Purged, Receipt, State};
use crate::picture::take::MAX_TAKES;
use crate::picture::{Picture, Pointer, Take};
use crate::trace::RequestId;

const FAILURES_KEPT: usize = 100;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    pub meta: Meta,
    pub takes: BTreeMap<u32, Take>,
    /// In the order in which they were claimed.
    pub jobs: Vec<Job>,
    /// In the order in which they came.
    pub purged: Vec<Purged>,
    /// What was asked for: an address may name it by the key alone, and the catalog is told of it.
    pub kept: Option<Picture>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub namespace: String,
    #[serde(default)]
    pub model: String,
    /// The take that was last made the preferred one, also while a purge holds it; see [`Pool::pointer`].
    pub preferred: u32,
    /// The pointer that the edge reads is older than this pool.
    pub unpublished: bool,
}

/// What a request wants of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// The first places of the pool: what exists is served, what is missing is made.
    First(NonZeroU32),
    /// This one.
    Take(u32),
    /// Takes that no one has seen yet; with `prefer`, the first of them becomes the preferred one.
    New { n: NonZeroU32, prefer: bool },
    /// Pictures that are neither read from the pool nor kept in it.
    Loose(NonZeroU32),
}

/// How each wanted picture is come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub slots: Vec<Slot>,
    /// The places a new job has to fill. Empty for a loose job, which [`Plan::loose`] announces.
    pub make: Vec<u32>,
    pub loose: Option<NonZeroU32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// It exists.
    Have(u32),
    /// A running job makes it.
    Join(u32, JobId),
    /// The new job makes it.
    Make(u32),
}

impl Pool {
    /// What to do for `want`, given that every active job is running.
    pub fn plan(&self, want: Want, request: &RequestId, now_ms: u64) -> Result<Plan, ApiError> {
        let mine = || self.jobs.iter().find(|job| job.leader == *request && job.state != State::Failed);
        if let Want::New { .. } | Want::Loose(_) = want
            && let Some(job) = mine()
        {
            return self.again(job, now_ms);
        }
        if let Want::First(_) = want
            && let Some(job) = mine().filter(|job| job.takes.iter().any(|take| self.is_gone(*take)))
        {
            return Err(purged_meanwhile(&job.id));
        }
        let places = match want {
            Want::First(n) => self.pointer().first(n),
            Want::Take(take) => vec![take],
            Want::New { n, .. } => self.unused(n)?,
            Want::Loose(n) => return Ok(Plan { slots: Vec::new(), make: Vec::new(), loose: Some(n) }),
        };
        let slots = places.into_iter().map(|take| self.slot(take, now_ms)).collect::<Result<Vec<_>, _>>()?;
        let make =
            slots.iter().filter_map(|slot| if let Slot::Make(take) = slot { Some(*take) } else { None }).collect();
        Ok(Plan { slots, make, loose: None })
    }

    /// The takes as the edge sees them. While the preferred one is purged, the first place that is not stands in for it.
    pub fn pointer(&self) -> Pointer {
        let mut pointer = Pointer {
            namespace: self.meta.namespace.clone(),
            model: self.meta.model.clone(),
            preferred: self.meta.preferred,
            takes: self.takes.values().cloned().collect(),
            gone: self.gone(),
        };
        if pointer.is_gone(pointer.preferred) {
            pointer.preferred = (0..=u32::MAX).find(|place| !pointer.is_gone(*place)).unwrap_or_default();
        }
        pointer
    }

    /// Is there something that the edge has to know of?
    pub fn is_known(&self) -> bool {
        !self.takes.is_empty() || !self.purged.is_empty()
    }

    /// Is something left to publish, to settle or to tell the catalog?
    pub fn has_chores(&self) -> bool {
        self.meta.unpublished || self.jobs.iter().any(Job::has_chores) || self.unlisted().next().is_some()
    }

    /// The jobs that have ended and that the catalog has yet to hear of. None where what was asked for is not known: it was made before
    /// there was a catalog, and the next request that has something made tells.
    pub fn unlisted(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| self.kept.is_some() && job.is_unlisted())
    }

    pub fn job(&self, id: &JobId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == *id)
    }

    pub fn job_mut(&mut self, id: &JobId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == *id)
    }

    /// The place of the next job.
    pub fn next_seq(&self) -> u64 {
        self.jobs.last().map_or(0, |job| job.seq.saturating_add(1))
    }

    /// Jobs that certainly cost nothing, beyond the last hundred: a picture that is refused again and again must not fill
    /// the object with the proof of it.
    pub fn surplus(&self) -> Vec<u64> {
        let free = |job: &&Job| job.state == State::Failed && job.money == Money::Done && !job.is_unlisted();
        let failed: Vec<u64> = self.jobs.iter().filter(free).map(|job| job.seq).collect();
        failed.into_iter().rev().skip(FAILURES_KEPT).collect()
    }

    /// Every attempt that may have cost something and the last of those that did not, in the order in which they were made.
    pub fn receipts(&self) -> Vec<Receipt> {
        self.jobs.iter().flat_map(|job| self.receipts_of(job)).collect()
    }

    /// The receipts of one job.
    pub fn receipts_of(&self, job: &Job) -> Vec<Receipt> {
        Receipt::of(job, |take| self.digest_of(take))
    }

    /// The same request comes back, because its connection to the object broke: it gets what it started, and never
    /// starts a second one.
    fn again(&self, job: &Job, now_ms: u64) -> Result<Plan, ApiError> {
        if job.takes.is_empty() {
            return Err(ApiError::new(
                502,
                "server_error",
                "picture_not_delivered",
                format!(
                    "The picture was asked for with 'no-store', and the connection to it was lost. Receipt: {}.",
                    job.id.as_str()
                ),
            ));
        }
        if job.takes.iter().any(|take| self.is_gone(*take)) {
            return Err(purged_meanwhile(&job.id));
        }
        let slots = job.takes.iter().map(|take| self.slot(*take, now_ms)).collect::<Result<Vec<_>, _>>()?;
        Ok(Plan { slots, make: Vec::new(), loose: None })
    }

    fn slot(&self, take: u32, now_ms: u64) -> Result<Slot, ApiError> {
        if self.takes.contains_key(&take) {
            return Ok(Slot::Have(take));
        }
        if self.is_gone(take) {
            return Err(purged());
        }
        match self.jobs.iter().rev().find(|job| job.takes.contains(&take)) {
            Some(job) if job.state.is_active() => Ok(Slot::Join(take, job.id.clone())),
            Some(job) => match job.held_until(now_ms) {
                Some(held) => Err(held_back(job, held, now_ms)),
                None => Ok(Slot::Make(take)),
            },
            None => Ok(Slot::Make(take)),
        }
    }

    /// Places that no take has or had, and no job may still have bought.
    fn unused(&self, n: NonZeroU32) -> Result<Vec<u32>, ApiError> {
        let spent = self.jobs.iter().filter(|job| job.state != State::Failed).flat_map(|job| &job.takes);
        let spent: BTreeSet<u32> = spent.chain(self.takes.keys()).copied().collect();
        let free: Vec<u32> = (0..MAX_TAKES)
            .filter(|take| !spent.contains(take) && !self.is_gone(*take))
            .take(n.get() as usize)
            .collect();
        if free.len() < n.get() as usize {
            return Err(ApiError::invalid(
                "n",
                "too_many_takes",
                format!(
                    "This picture has used its {MAX_TAKES} takes, the most a picture can have. Ask for one of them by 'take'."
                ),
            ));
        }
        Ok(free)
    }
}

fn held_back(job: &Job, held: Held, now_ms: u64) -> ApiError {
    let until = match held {
        Held::Until(_) => "Nothing is bought again until the hold ends",
        Held::Operator => "Nothing is bought again until an operator decides",
    };
    let error = ApiError::new(
        503,
        "service_unavailable_error",
        "outcome_unknown",
        format!(
            "An earlier attempt at this picture may have been billed, and its outcome is not known. {until}. Receipt: {}.",
            job.id.as_str()
        ),
    );
    match held {
        Held::Until(until) => error.wait_ms(until.saturating_sub(now_ms)),
        Held::Operator => error,
    }
}

#[cfg(test)]
pub(super) mod tests;
