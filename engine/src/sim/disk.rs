//! The durable records of one object: writes wait in a buffer and survive a crash only once they have left it, in order,
//! each as a whole. Every record that becomes durable is checked against the one that it replaces.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use domain::purge::PurgeId;

use super::executor::Signal;
use super::records::{Ever, Kept, Order, Records};
use crate::ports::Change;

#[derive(Default)]
pub(super) struct Disk {
    durable: RefCell<Records>,
    waiting: RefCell<VecDeque<Vec<Kept>>>,
    saved: Cell<u64>,
    flushed: Cell<u64>,
    signal: Signal,
    pub(super) ever: RefCell<Ever>,
    /// The purges that were asked of this object, and whether they may come back.
    pub(super) orders: RefCell<BTreeMap<PurgeId, Order>>,
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
            let moves = save.iter().any(Kept::moves_takes);
            for kept in save {
                durable.check(&kept, &self.orders.borrow())?;
                durable.put(kept);
            }
            if moves {
                self.ever.borrow_mut().check(&durable)?;
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
