//! The durable documents of one account: writes wait in a buffer, as those of an object do, and what has not left it is lost
//! with a crash.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use domain::job::JobId;
use domain::money::budget::{Entry, EntryState, Sums};
use serde_json::Value;

use super::executor::Signal;
use crate::account::store::{Kind, Record};

#[derive(Default)]
pub(super) struct Shelf {
    /// With what is not durable yet: what this life of the account sees.
    present: RefCell<Documents>,
    durable: RefCell<Documents>,
    waiting: RefCell<VecDeque<Vec<Write>>>,
    saved: Cell<u64>,
    flushed: Cell<u64>,
    signal: Signal,
    /// Every reserve that was ever durably open.
    opened: RefCell<BTreeMap<JobId, Entry>>,
}

/// The texts, and what those that are looked at again and again say.
#[derive(Debug, Clone, Default)]
pub(super) struct Documents {
    texts: BTreeMap<(Kind, String), Rc<str>>,
    pub(super) entries: BTreeMap<JobId, Rc<Entry>>,
    pub(super) days: BTreeMap<String, Sums>,
    pub(super) months: BTreeMap<String, Sums>,
    /// Reserves that have not ended, as the account counts them.
    pub(super) open: u64,
    /// What entries that are not kept any more add up to, by day and by month.
    pub(super) pruned: BTreeMap<String, Sums>,
}

/// One document, read.
#[derive(Debug, Clone)]
pub(super) struct Write {
    kind: Kind,
    id: String,
    text: Option<Rc<str>>,
    pub(super) says: Says,
}

#[derive(Debug, Clone)]
pub(super) enum Says {
    Entry(JobId, Option<Rc<Entry>>),
    Day(Sums),
    Month(Sums),
    Open(u64),
    Else,
}

impl Shelf {
    pub(super) fn get(&self, kind: Kind, id: &str) -> Option<String> {
        self.present.borrow().texts.get(&(kind, id.to_owned())).map(ToString::to_string)
    }

    pub(super) fn list(&self, kind: Kind, after: &str, limit: u32) -> Vec<(String, String)> {
        let present = self.present.borrow();
        let from = present.texts.range((kind, after.to_owned())..).filter(|((_, id), _)| id != after);
        let of_kind = from.take_while(|((other, _), _)| *other == kind);
        of_kind.take(limit as usize).map(|((_, id), text)| (id.clone(), text.to_string())).collect()
    }

    /// The number of this save.
    pub(super) fn save(&self, writes: Vec<Write>) -> u64 {
        let mut present = self.present.borrow_mut();
        for write in &writes {
            present.put(write);
        }
        self.waiting.borrow_mut().push_back(writes);
        self.saved.set(self.saved.get() + 1);
        self.saved.get()
    }

    pub(super) async fn all_durable(&self) {
        let saved = self.saved.get();
        self.signal.until(|| self.flushed.get() >= saved).await;
    }

    /// Saves up to this number leave the buffer.
    pub(super) fn flush(&self, upto: u64) {
        while self.flushed.get() < upto {
            let Some(save) = self.waiting.borrow_mut().pop_front() else { break };
            self.flushed.set(self.flushed.get() + 1);
            let mut durable = self.durable.borrow_mut();
            for write in save {
                durable.put(&write);
                if let Says::Entry(job, Some(entry)) = &write.says
                    && entry.state == EntryState::Open
                {
                    self.opened.borrow_mut().insert(job.clone(), (**entry).clone());
                }
            }
        }
        self.signal.ring();
    }

    pub(super) fn flush_all(&self) {
        self.flush(self.saved.get());
    }

    /// All but the last `lost` saves survive.
    pub(super) fn crash(&self, lost: usize) {
        let kept = self.waiting.borrow().len().saturating_sub(lost);
        self.flush(self.flushed.get() + u64::try_from(kept).unwrap());
        self.waiting.borrow_mut().clear();
        self.flushed.set(self.saved.get());
        *self.present.borrow_mut() = self.durable.borrow().clone();
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }

    pub(super) fn present(&self) -> std::cell::Ref<'_, Documents> {
        self.present.borrow()
    }

    pub(super) fn durable(&self) -> std::cell::Ref<'_, Documents> {
        self.durable.borrow()
    }

    pub(super) fn opened(&self) -> std::cell::Ref<'_, BTreeMap<JobId, Entry>> {
        self.opened.borrow()
    }
}

impl Write {
    pub(super) fn read(record: &Record) -> Self {
        let text = record.document.as_deref();
        let says = match (record.kind, text) {
            (Kind::Entry, text) => {
                let job: JobId = serde_json::from_value(Value::from(record.id.as_str())).unwrap();
                Says::Entry(job, text.map(|text| Rc::new(serde_json::from_str(text).unwrap())))
            }
            (Kind::Day, Some(text)) => Says::Day(serde_json::from_str(text).unwrap()),
            (Kind::Month, Some(text)) => Says::Month(serde_json::from_str(text).unwrap()),
            (Kind::Load, Some(text)) => {
                let load: Value = serde_json::from_str(text).unwrap();
                Says::Open(load["open"].as_u64().unwrap())
            }
            _ => Says::Else,
        };
        Self { kind: record.kind, id: record.id.clone(), text: text.map(Rc::from), says }
    }
}

impl Documents {
    pub(super) fn entry(&self, job: &JobId) -> Option<&Entry> {
        self.entries.get(job).map(|entry| &**entry)
    }

    fn put(&mut self, write: &Write) {
        let place = (write.kind, write.id.clone());
        match &write.text {
            Some(text) => self.texts.insert(place, Rc::clone(text)),
            None => self.texts.remove(&place),
        };
        match &write.says {
            Says::Entry(job, Some(entry)) => {
                self.entries.insert(job.clone(), Rc::clone(entry));
            }
            Says::Entry(job, None) => {
                if let Some(gone) = self.entries.remove(job) {
                    for window in [gone.day.as_str(), gone.month.as_str()] {
                        count(self.pruned.entry(window.to_owned()).or_default(), &gone);
                    }
                }
            }
            Says::Day(sums) => {
                self.days.insert(write.id.clone(), *sums);
            }
            Says::Month(sums) => {
                self.months.insert(write.id.clone(), *sums);
            }
            Says::Open(open) => self.open = *open,
            Says::Else => {}
        }
    }
}

/// Adds what became of one reserve.
pub(super) fn count(sums: &mut Sums, entry: &Entry) {
    match entry.state {
        EntryState::Open => sums.reserved.0 += entry.amount.0,
        EntryState::Settled(sum) => sums.settled.0 += sum.0,
        EntryState::Kept => sums.kept.0 += entry.amount.0,
        EntryState::Released => {}
    }
}
