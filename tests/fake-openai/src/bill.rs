//! Bills: scope is the record of one billed call.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;

use crate::request::Job;
use crate::usage::Usage;

/// One billed call, as the control route shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bill {
    /// The request id that the reply carries as `x-request-id`.
    id: String,
    /// Unix time in milliseconds.
    at: u64,
    /// The number that is written on the pictures.
    call: u64,
    operation: &'static str,
    model: String,
    prompt: String,
    size: String,
    quality: &'static str,
    n: u32,
    usage: Value,
    cost_nano_usd: u64,
}

impl Bill {
    /// Bills a job now.
    pub(crate) fn new(job: &Job, call: u64, id: &str) -> Self {
        let usage = Usage::of_call(job);
        Self {
            id: id.to_owned(),
            at: unix_milliseconds(),
            call,
            operation: job.operation.name(),
            model: job.model.name.clone(),
            prompt: job.prompt.clone(),
            size: job.size.to_string(),
            quality: job.quality,
            n: job.n,
            usage: usage.with_output_details(),
            cost_nano_usd: usage.cost_nano_usd(job.model.family),
        }
    }
}

/// The time now.
pub(crate) fn unix_milliseconds() -> u64 {
    // A clock before 1970 is no reason to fail a call.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
