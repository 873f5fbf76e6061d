//! The ports of the engine on Cloudflare, one file for each binding. No decision is taken here.

mod accounts;
mod blobs;
mod cache;
mod catalog;
mod cdn;
mod clock;
mod curator;
mod isolate;
mod jose;
mod object;
mod openai;
mod pointers;
pub mod runtime;

pub use cache::{address, keep};
pub use catalog::{ask as ask_catalog, watch};
pub use clock::{fill, now_ms};
pub use curator::Curator;
pub use isolate::Isolate;
pub use object::Object;

use engine::ports::{ObjectError, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Env, Headers, Method, Request, RequestInit, Response};

/// The names of the bindings in `wrangler.toml`.
pub const POINTERS: &str = "POINTERS";
pub const BLOBS: &str = "BLOBS";
pub const GENERATION: &str = "GENERATION";
pub const ACCOUNT: &str = "ACCOUNT";
pub const CATALOG: &str = "CATALOG";

/// The header that tells an object its name, since an object does not always know its own.
pub const NAME_HEADER: &str = "x-pincel-object";

/// Asks the object of this name.
async fn ask(env: &Env, binding: &str, name: &str, ask: &impl Serialize) -> worker::Result<Response> {
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let headers = Headers::new();
    headers.set(NAME_HEADER, name)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(serde_json::to_string(ask)?.into()));
    let response = stub.fetch_with_request(Request::new_with_init("https://object/", &init)?).await?;
    match response.status_code() {
        200 => Ok(response),
        status => Err(worker::Error::RustError(format!("the object answered {status}"))),
    }
}

/// A platform error in the form of the ports. It names the port in the log, once, where it happened.
fn failed(port: &str, error: impl std::fmt::Display) -> StoreError {
    let message = error.to_string();
    crate::log::port(port, &message);
    StoreError(message)
}

/// The same, where the answer is a document.
async fn answered<T: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    question: &impl Serialize,
) -> worker::Result<T> {
    Ok(serde_json::from_str(&ask(env, binding, name, question).await?.text().await?)?)
}

/// An object that could not be asked, in the form of the ports.
fn broken(port: &str, error: &worker::Error) -> ObjectError {
    let message = error.to_string();
    crate::log::port(port, &message);
    // The platform says so in words (Durable Objects, error handling).
    let overloaded = message.contains("overloaded");
    ObjectError { message, overloaded }
}
