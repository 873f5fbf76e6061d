//! Where it runs: the Worker.
//!
//! In scope: events in, replies out, and each binding behind a port of the engine. Out of scope: every decision. This is the
//! only crate that names `worker`.

mod config;
mod count;
mod glue;
mod log;
mod maintain;
mod objects;
mod ports;
mod probe;
mod respond;
mod router;

use worker::wasm_bindgen::prelude::*;
use worker::web_sys::{Request, Response};
use worker::{Context, Env, event};

/// What `entry.mjs` asks first: can this request be answered from memory?
#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
pub fn remembered(lines: &str) -> Option<String> {
    router::remembered(lines)
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    router::route(request, env, context).await
}
