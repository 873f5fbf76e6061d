//! What all connections share: scope is behaviour, bills and the journal of calls.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::request::Parts;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use crate::behaviour::Behaviour;
use crate::bill::{Bill, unix_milliseconds};

/// How many calls the journal keeps; a body may be large.
const JOURNAL_LENGTH: usize = 50;

/// The memory of one server.
#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    in_flight: AtomicU64,
    /// Wakes the calls that hang.
    pub(crate) reset: Notify,
}

#[derive(Default)]
struct State {
    behaviour: Behaviour,
    bills: Vec<Bill>,
    /// Calls since the last reset.
    calls: u64,
    /// Calls since the start. A reset keeps it, so that no picture is ever drawn twice.
    serial: u64,
    journal: VecDeque<Value>,
}

/// Counts a call as in flight until it is dropped.
pub(crate) struct InFlight(Arc<Shared>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    /// Counts a call as in flight.
    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// Writes a call into the journal, and returns its number.
    pub(crate) fn record(&self, parts: &Parts, body: &Value) -> u64 {
        let mut state = self.lock();
        state.calls += 1;
        state.serial += 1;
        let entry = json!({
            "call": state.serial,
            "at": unix_milliseconds(),
            "method": parts.method.as_str(),
            "path": parts.uri.path(),
            "headers": headers(parts),
            "body": body,
        });
        state.journal.push_back(entry);
        if state.journal.len() > JOURNAL_LENGTH {
            state.journal.pop_front();
        }
        state.serial
    }

    /// The behaviour of the call that is being served.
    pub(crate) fn take_behaviour(&self) -> Behaviour {
        self.lock().behaviour.take()
    }

    /// Changes the behaviour, and reports what is in force.
    pub(crate) fn change(&self, change: &Map<String, Value>) -> Result<Value, String> {
        let mut state = self.lock();
        state.behaviour.change(change)?;
        Ok(state.behaviour.report())
    }

    /// Adds a bill.
    pub(crate) fn bill(&self, bill: Bill) {
        self.lock().bills.push(bill);
    }

    /// The bills since the last reset, in the order in which they were made.
    pub(crate) fn bills(&self) -> Vec<Bill> {
        self.lock().bills.clone()
    }

    /// The counters, and the calls that were received last.
    pub(crate) fn calls(&self) -> Value {
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let state = self.lock();
        json!({ "calls": state.calls, "in_flight": in_flight, "requests": state.journal })
    }

    /// Forgets bills, behaviour and journal, and ends the calls that hang.
    ///
    /// A call that is still at work bills when it is done, as money that is spent is spent.
    pub(crate) fn reset(&self) {
        {
            let mut state = self.lock();
            let serial = state.serial;
            *state = State { serial, ..State::default() };
        }
        self.reset.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code can fail halfway through a change while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The headers of a request, without the key, which belongs in no journal.
fn headers(parts: &Parts) -> Value {
    let named = parts.headers.iter();
    named
        .filter(|(name, _)| *name != "authorization")
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), Value::from(text))
        })
        .collect::<Map<_, _>>()
        .into()
}
