//! Where it runs: the Worker.
//!
//! In scope: events in, replies out, and each binding behind a port of the engine. Out of scope: every decision. This is the
//! only crate that names `worker`.

mod config;
mod glue;
mod log;
mod objects;
mod ports;
mod probe;
mod respond;
mod router;

use worker::web_sys::{Request, Response};
use worker::{Context, Env, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    router::route(request, env, context).await
}
