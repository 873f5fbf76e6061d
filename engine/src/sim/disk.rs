//! The durable records of one object: writes wait in a buffer and survive a crash only once they have left it, in order,
//! each as a whole. Every record that becomes durable is checked against the one that it replaces.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use domain::job::pool::Meta;
use domain::job::{Job, JobId, Money, Pool, State};
use domain::picture::{Picture, Take};

use super::executor::Signal;
use crate::ports::Change;

#[derive(Default)]
pub(super) struct Disk {
    durable: RefCell<Records>,
    waiting: RefCell<VecDeque<Vec<Kept>>>,
    saved: Cell<u64>,
    flushed: Cell<u64>,
    signal: Signal,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    pub(super) meta: Meta,
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) takes: BTreeMap<u32, Take>,
    kept: Option<Picture>,
}

#[derive(Debug, Clone)]
enum Kept {
    Meta(Meta),
    Job(Box<Job>),
    Forget(u64),
    Take(Take),
    Picture(Box<Picture>),
}

impl Disk {
    /// What this life of the object sees: also what is not durable yet.
    pub(super) fn load(&self) -> Records {
        let mut records = self.durable.borrow().clone();
        for kept in self.waiting.borrow().iter().flatten() {
            records.put(kept.clone());
        }
        records
    }

    pub(super) fn durable(&self) -> Records {
        self.durable.borrow().clone()
    }

    /// The number of this save.
    pub(super) fn save(&self, changes: &[Change<'_>]) -> u64 {
        self.waiting.borrow_mut().push_back(changes.iter().map(Kept::of).collect());
        self.saved.set(self.saved.get() + 1);
        self.saved.get()
    }

    pub(super) async fn all_durable(&self) {
        let saved = self.saved.get();
        self.signal.until(|| self.flushed.get() >= saved).await;
    }

    /// Saves up to this number leave the buffer.
    pub(super) fn flush(&self, upto: u64) -> Result<(), String> {
        while self.flushed.get() < upto {
            let Some(save) = self.waiting.borrow_mut().pop_front() else { break };
            self.flushed.set(self.flushed.get() + 1);
            let mut durable = self.durable.borrow_mut();
            for kept in save {
                durable.check(&kept)?;
                durable.put(kept);
            }
        }
        self.signal.ring();
        Ok(())
    }

    /// So many of the saves that wait leave the buffer.
    pub(super) fn flush_some(&self, count: usize) -> Result<(), String> {
        self.flush(self.flushed.get() + u64::try_from(count).unwrap())
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// What has not left the buffer is gone.
    pub(super) fn crash(&self) {
        self.waiting.borrow_mut().clear();
        self.flushed.set(self.saved.get());
    }
}

impl Kept {
    fn of(change: &Change<'_>) -> Self {
        match change {
            Change::Meta { meta, .. } => Self::Meta((*meta).clone()),
            Change::Job(job) => Self::Job(Box::new((*job).clone())),
            Change::Forget(seq) => Self::Forget(*seq),
            Change::Take(take) => Self::Take((*take).clone()),
            Change::Kept(picture) => Self::Picture(Box::new((*picture).clone())),
        }
    }
}

impl Records {
    pub(super) fn job(&self, id: &JobId) -> Option<&Job> {
        self.jobs.values().find(|job| job.id == *id)
    }

    pub(super) fn pool(self) -> Pool {
        Pool { meta: self.meta, takes: self.takes, jobs: self.jobs.into_values().collect(), kept: self.kept }
    }

    fn put(&mut self, kept: Kept) {
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
            Kept::Picture(picture) => self.kept = Some(*picture),
        }
    }

    fn check(&self, kept: &Kept) -> Result<(), String> {
        match kept {
            Kept::Meta(_) => Ok(()),
            Kept::Take(take) => match self.takes.get(&take.take) {
                Some(before) if before != take => Err(format!("take {} becomes another picture", take.take)),
                _ => Ok(()),
            },
            Kept::Picture(picture) => match &self.kept {
                Some(before) if *before != **picture => Err("another picture is kept under this key".to_owned()),
                _ => Ok(()),
            },
            Kept::Forget(seq) => match self.jobs.get(seq) {
                Some(job) if job.state == State::Failed && job.money == Money::Done => Ok(()),
                _ => Err(format!("job {seq} is forgotten")),
            },
            Kept::Job(job) => match self.jobs.get(&job.seq) {
                Some(before) => succeeds(before, job),
                None if self.jobs.keys().next_back().is_some_and(|last| last + 1 != job.seq) => {
                    Err(format!("job {} leaves a hole", job.seq))
                }
                None if matches!(job.state, State::Claimed | State::Unknown) => Ok(()),
                None => Err(format!("{} begins as {:?}", job.id.as_str(), job.state)),
            },
        }
    }
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
    if before.reserve != after.reserve {
        return Err(format!("the reserve of {name} changes"));
    }
    Ok(())
}
