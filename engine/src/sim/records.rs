//! The records of one object, and what each write to them has to be true of: who becomes what, and what a purge may take.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::job::pool::Meta;
use domain::job::{Job, JobId, Money, Pool, Purged, State};
use domain::picture::{Picture, Take};
use domain::purge::PurgeId;

use crate::ports::Change;

#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    pub(super) meta: Meta,
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) takes: BTreeMap<u32, Take>,
    pub(super) purged: BTreeMap<u64, Purged>,
    pub(super) kept: Option<Rc<Picture>>,
}

#[derive(Debug, Clone)]
pub(super) enum Kept {
    Meta(Meta),
    Job(Box<Job>),
    Forget(u64),
    Take(Take),
    Gone(u32),
    Purged(Box<Purged>),
    Picture(Rc<Picture>),
}

impl Kept {
    pub(super) fn of(change: &Change<'_>) -> Self {
        match change {
            Change::Meta { meta, .. } => Self::Meta((*meta).clone()),
            Change::Job(job) => Self::Job(Box::new((*job).clone())),
            Change::Forget(seq) => Self::Forget(*seq),
            Change::Take(take) => Self::Take((*take).clone()),
            Change::Gone(take) => Self::Gone(*take),
            Change::Purged(purged) => Self::Purged(Box::new((*purged).clone())),
            Change::Kept(picture) => Self::Picture(Rc::new((*picture).clone())),
        }
    }

    pub(super) fn moves_takes(&self) -> bool {
        matches!(self, Self::Take(_) | Self::Gone(_) | Self::Purged(_))
    }
}

/// A purge as it was asked for.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) takes: Option<Vec<u32>>,
    pub(super) at_ms: u64,
    pub(super) until_ms: Option<u64>,
    /// Somebody has asked for it back.
    pub(super) back: bool,
}

/// Every take that was ever durable.
#[derive(Debug, Default)]
pub(super) struct Ever {
    takes: BTreeMap<u32, Take>,
    /// Was in the pool, where it can be seen.
    pub(super) shown: BTreeSet<u32>,
}

impl Ever {
    /// Each number is one picture for good, and is in the pool or held by one purge.
    pub(super) fn check(&mut self, records: &Records) -> Result<(), String> {
        for take in records.takes.values().chain(records.held()) {
            let before = self.takes.entry(take.take).or_insert_with(|| take.clone());
            if before != take {
                return Err(format!("take {} becomes another picture", take.take));
            }
        }
        self.shown.extend(records.takes.keys());
        for take in self.takes.keys() {
            let held = records.held().filter(|held| held.take == *take).count();
            let places = held + usize::from(records.takes.contains_key(take));
            if places != 1 {
                return Err(format!("take {take} is in {places} places"));
            }
        }
        Ok(())
    }
}

impl Records {
    pub(super) fn job(&self, id: &JobId) -> Option<&Job> {
        self.jobs.values().find(|job| job.id == *id)
    }

    pub(super) fn pool(self) -> Pool {
        let (jobs, purged) = (self.jobs.into_values().collect(), self.purged.into_values().collect());
        Pool { meta: self.meta, takes: self.takes, jobs, purged, kept: self.kept.as_deref().cloned() }
    }

    /// The takes that purges hold, each once: a hard one takes over what a soft one held.
    pub(super) fn held(&self) -> impl Iterator<Item = &Take> {
        let held = self.purged.values().filter(|purged| !purged.restored).flat_map(|purged| &purged.takes);
        held.map(|take| (take.take, take)).collect::<BTreeMap<_, _>>().into_values()
    }

    /// Wherever it is.
    pub(super) fn take(&self, take: u32) -> Option<&Take> {
        self.takes.get(&take).or_else(|| self.held().find(|held| held.take == take))
    }

    pub(super) fn purge(&self, id: &PurgeId) -> Option<&Purged> {
        self.purged.values().find(|purged| purged.purge == *id)
    }

    /// The purge that holds this place: the last one.
    pub(super) fn holder(&self, take: u32) -> Option<&Purged> {
        let mut held = self.purged.values().rev().filter(|purged| !purged.restored);
        held.find(|purged| purged.places.contains(&take) || purged.takes.iter().any(|held| held.take == take))
    }

    fn is_gone(&self, take: u32) -> bool {
        self.holder(take).is_some()
    }

    pub(super) fn put(&mut self, kept: Kept) {
        match kept {
            Kept::Meta(meta) => self.meta = meta,
            Kept::Job(job) => {
                self.jobs.insert(job.seq, *job);
            }
            Kept::Forget(seq) => {
                self.jobs.remove(&seq);
            }
            Kept::Take(take) => {
                self.takes.insert(take.take, take);
            }
            Kept::Gone(take) => {
                self.takes.remove(&take);
            }
            Kept::Purged(purged) => {
                self.purged.insert(purged.seq, *purged);
            }
            Kept::Picture(picture) => self.kept = Some(picture),
        }
    }

    pub(super) fn check(&self, kept: &Kept, orders: &BTreeMap<PurgeId, Order>) -> Result<(), String> {
        match kept {
            Kept::Meta(_) => Ok(()),
            Kept::Take(take) => match self.takes.get(&take.take) {
                Some(before) if before != take => Err(format!("take {} becomes another picture", take.take)),
                _ if self.is_gone(take.take) => Err(format!("take {} is shown, and a purge holds it", take.take)),
                _ => Ok(()),
            },
            Kept::Gone(take) if self.is_gone(*take) => Ok(()),
            Kept::Gone(take) => Err(format!("take {take} goes, and no purge holds it")),
            Kept::Purged(purged) => {
                let order = orders.get(&purged.purge).ok_or("nobody asked for this purge")?;
                match self.purged.get(&purged.seq) {
                    Some(before) => held_on(before, purged, order),
                    None => self.takes_what_it_should(purged, order),
                }
            }
            Kept::Picture(picture) => match &self.kept {
                Some(before) if before != picture => Err("another picture is kept under this key".to_owned()),
                _ => Ok(()),
            },
            Kept::Forget(seq) => match self.jobs.get(seq) {
                Some(job) if job.state == State::Failed && job.money == Money::Done && !job.is_unlisted() => Ok(()),
                _ => Err(format!("job {seq} is forgotten")),
            },
            Kept::Job(job) => match self.jobs.get(&job.seq) {
                Some(before) => succeeds(before, job),
                None if self.jobs.keys().next_back().is_some_and(|last| last + 1 != job.seq) => {
                    Err(format!("job {} leaves a hole", job.seq))
                }
                None if job.state == State::Claimed => match job.takes.iter().find(|take| self.is_used(**take)) {
                    Some(take) => Err(format!("{} claims take {take}, which was made or is gone", job.id.as_str())),
                    None => Ok(()),
                },
                None if job.state == State::Unknown => Ok(()),
                None => Err(format!("{} begins as {:?}", job.id.as_str(), job.state)),
            },
        }
    }

    fn is_used(&self, take: u32) -> bool {
        let made = |job: &Job| matches!(job.state, State::Stored | State::Settled) && job.takes.contains(&take);
        self.is_gone(take) || self.takes.contains_key(&take) || self.jobs.values().any(made)
    }

    /// A purge that is written for the first time.
    fn takes_what_it_should(&self, purged: &Purged, order: &Order) -> Result<(), String> {
        if self.purge(&purged.purge).is_some() || self.purged.keys().next_back().is_some_and(|last| *last >= purged.seq)
        {
            return Err("a purge is written twice".to_owned());
        }
        if purged.restored {
            // The mark of an undo that came first.
            let bare = purged.takes.is_empty() && purged.places.is_empty() && order.back;
            return if bare { Ok(()) } else { Err("a purge begins undone".to_owned()) };
        }
        if (purged.at_ms, purged.until_ms) != (order.at_ms, order.until_ms) {
            return Err("a purge is of another time".to_owned());
        }
        let named = |take: u32| order.takes.as_ref().is_none_or(|named| named.contains(&take));
        let early = |job: &&Job| job.claimed_ms <= order.at_ms;
        let by_early = |take: u32| {
            let made = |job: &&Job| matches!(job.state, State::Stored | State::Settled) && job.takes.contains(&take);
            self.jobs.values().filter(made).any(|job| early(&job))
        };
        let should = self.takes.values().filter(|take| named(take.take));
        let soft = |take: u32| self.holder(take).is_some_and(|holder| holder.until_ms.is_some());
        // What goes for good goes also where it could still be put back.
        let over = self.held().filter(|take| order.until_ms.is_none() && named(take.take) && soft(take.take));
        let should = should.chain(over).filter(|take| take.created_ms <= order.at_ms || by_early(take.take));
        if !should.eq(&purged.takes) {
            return Err("a purge takes other takes than it should".to_owned());
        }
        let at_work = self.jobs.values().filter(|job| matches!(job.state, State::Claimed | State::Dispatched));
        let places = at_work.filter(early).flat_map(|job| job.takes.iter().copied());
        let free = |take: u32| !self.is_gone(take) || order.until_ms.is_none() && soft(take);
        let places: BTreeSet<u32> = places.filter(|take| named(*take) && free(*take)).collect();
        if places != purged.places.iter().copied().collect() {
            return Err("a purge takes other places than it should".to_owned());
        }
        Ok(())
    }
}

/// What a purge holds grows by what is made in its places, and leaves it whole, when somebody asked for it.
fn held_on(before: &Purged, after: &Purged, order: &Order) -> Result<(), String> {
    let same = Purged { takes: before.takes.clone(), restored: before.restored, ..after.clone() } == *before;
    let (held, more) = after.takes.split_at_checked(before.takes.len()).unwrap_or_default();
    if !same || held != before.takes || before.restored && !after.restored {
        return Err("a purge changes".to_owned());
    }
    if !more.iter().all(|take| !after.restored && before.places.contains(&take.take)) {
        return Err("a purge takes what was made elsewhere".to_owned());
    }
    if after.restored && !before.restored && !order.back {
        return Err("what was purged comes back, and nobody asked for it".to_owned());
    }
    Ok(())
}

fn succeeds(before: &Job, after: &Job) -> Result<(), String> {
    let name = before.id.as_str();
    if before.id != after.id {
        return Err(format!("{name} is overwritten by {}", after.id.as_str()));
    }
    if before.state != after.state && !before.state.may_become(after.state) {
        return Err(format!("{name} goes from {:?} to {:?}", before.state, after.state));
    }
    if before.money == Money::Done && after.money != Money::Done {
        return Err(format!("the money of {name} is open again"));
    }
    if !after.takes.iter().all(|take| before.takes.contains(take)) {
        return Err(format!("{name} covers more takes than it claimed"));
    }
    if before.listed && !after.listed || before.tags != after.tags {
        return Err(format!("{name} is no longer listed as it was"));
    }
    if before.reserve != after.reserve {
        return Err(format!("the reserve of {name} changes"));
    }
    Ok(())
}
