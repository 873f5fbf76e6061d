//! `/healthz`: the code runs. `/readyz`: it is configured, and every binding answers.

use engine::reply::Reply;
use serde_json::json;
use worker::web_sys::ReadableStream;

use crate::config::ConfigError;
use crate::ports::Isolate;

pub fn health() -> Reply<ReadableStream> {
    Reply::json(200, json!({ "status": "ok" }).to_string())
}

/// Names what is missing, for the operator who looks; it says nothing that a name does not say.
pub async fn ready(config: Result<(), ConfigError>, ports: &Isolate) -> Reply<ReadableStream> {
    let mut problems = config.err().map(|error| error.0).unwrap_or_default();
    if let Err(error) = ports.probe().await {
        problems.push(error.message);
    }
    let status = if problems.is_empty() { 200 } else { 503 };
    Reply::json(status, json!({ "ready": problems.is_empty(), "problems": problems }).to_string())
}
