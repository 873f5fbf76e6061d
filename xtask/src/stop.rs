//! The wish to end: Ctrl-C, SIGTERM or a terminal that closes set one flag.
//!
//! Whoever waits looks at the flag between two short naps, so that every wait in this program
//! ends the same way and takes its child processes along.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// Between two looks at a child or at a file that is awaited.
const NAP: Duration = Duration::from_millis(30);

static ASKED: AtomicBool = AtomicBool::new(false);

/// The error that a wait returns when the user wants to end.
#[derive(Debug)]
pub(crate) struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("stopped by a signal")
    }
}

impl std::error::Error for Stopped {}

/// Turns the signals into the flag.
pub(crate) fn listen() -> Result<()> {
    ctrlc::set_handler(|| ASKED.store(true, Ordering::SeqCst)).context("cannot listen for Ctrl-C")
}

/// Whether the user asked to end.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Sleeps for a moment, or fails with [`Stopped`].
pub(crate) fn nap() -> Result<()> {
    if asked() {
        return Err(Stopped.into());
    }
    thread::sleep(NAP);
    Ok(())
}
