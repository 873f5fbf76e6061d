//! What happened in one schedule: the trace, the events that were counted, and the first rule that was broken.

use std::cell::{Cell, RefCell};

use super::coverage::{Counts, Event};

#[derive(Default)]
pub(super) struct Journal {
    /// Traces cost more than the schedule itself, so only a replay keeps them.
    loud: bool,
    start_ms: u64,
    pub(super) now_ms: Cell<u64>,
    lines: RefCell<Vec<String>>,
    counts: RefCell<Counts>,
    broken: RefCell<Option<String>>,
}

impl Journal {
    pub(super) fn new(loud: bool, start_ms: u64) -> Self {
        Self { loud, start_ms, now_ms: Cell::new(start_ms), ..Self::default() }
    }

    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        if self.loud {
            let ms = self.now_ms.get().saturating_sub(self.start_ms);
            self.lines.borrow_mut().push(format!("{:>9}.{:03} {}", ms / 1_000, ms % 1_000, line()));
        }
    }

    pub(super) fn saw(&self, event: Event) {
        self.counts.borrow_mut().add(event);
        self.note(|| format!("  event {event:?}"));
    }

    /// Only the first one counts: what follows a broken rule is its consequence.
    pub(super) fn broken(&self, rule: impl Into<String>) {
        let rule = rule.into();
        self.note(|| format!("BROKEN: {rule}"));
        self.broken.borrow_mut().get_or_insert(rule);
    }

    pub(super) fn expect(&self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds {
            self.broken(rule());
        }
    }

    pub(super) fn verdict(&self) -> Result<(), String> {
        self.broken.borrow().clone().map_or(Ok(()), Err)
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.lines.take()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.take()
    }
}
