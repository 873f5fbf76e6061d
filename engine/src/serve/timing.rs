//! Where the time of a request went, for `Server-Timing` (W3C Server Timing).

use std::cell::RefCell;
use std::fmt::Write as _;

use crate::ports::Clock;

/// The phases of one request, in milliseconds of wall time.
#[derive(Debug, Default)]
pub struct Timing(RefCell<Vec<(&'static str, u64)>>);

impl Timing {
    /// Runs `work`, and keeps how long it took.
    pub async fn of<T>(&self, phase: &'static str, clock: &impl Clock, work: impl Future<Output = T>) -> T {
        let started_ms = clock.now_ms();
        let done = work.await;
        self.add(phase, clock.now_ms().saturating_sub(started_ms));
        done
    }

    pub fn add(&self, phase: &'static str, ms: u64) {
        self.0.borrow_mut().push((phase, ms));
    }

    /// The value of the header.
    pub fn header(&self, total_ms: u64) -> String {
        let mut header = String::new();
        for (phase, ms) in self.0.borrow().iter() {
            // Writing into a String cannot fail.
            let _ = write!(header, "{phase};dur={ms}, ");
        }
        let _ = write!(header, "total;dur={total_ms}");
        header
    }
}
