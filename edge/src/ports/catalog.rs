//! Asking the Catalog object, of which there is one.

use engine::catalog::{CatalogAnswer, CatalogAsk, Registration};
use engine::ports::StoreError;
use worker::web_sys::{self, ReadableStream};
use worker::{Env, Headers, Request, RequestInit};

use super::{CATALOG, Isolate, failed};
use crate::glue;
use crate::objects::{WATCH, Watch};

/// The name of the one object.
pub const NAME: &str = "catalog";

pub async fn ask(env: &Env, ask: &CatalogAsk) -> worker::Result<CatalogAnswer> {
    super::answered(env, CATALOG, NAME, ask).await
}

/// Watches the feed: a stream of server-sent events that goes on until the reader leaves.
pub async fn watch(isolate: &Isolate, watch: &Watch) -> worker::Result<ReadableStream> {
    let stub = isolate.env.durable_object(CATALOG)?.get_by_name(NAME)?;
    let headers = Headers::new();
    headers.set("upgrade", "websocket")?;
    let mut init = RequestInit::new();
    init.with_headers(headers);
    let address = format!("https://object/?{WATCH}={}", domain::query::encode(&serde_json::to_string(watch)?));
    let response = stub.fetch_with_request(Request::new_with_init(&address, &init)?).await?;
    let response: web_sys::Response = response.into();
    let socket = glue::member(&response, "webSocket");
    if socket.is_null() || socket.is_undefined() {
        return Err(worker::Error::RustError(format!("the object answered {}", response.status())));
    }
    Ok(glue::feed(&isolate.context, &socket))
}

pub async fn register(env: &Env, registration: &Registration) -> Result<(), StoreError> {
    let asked = CatalogAsk::Register { registration: Box::new(registration.clone()) };
    match ask(env, &asked).await.map_err(|error| failed("catalog", error))? {
        CatalogAnswer::Done => Ok(()),
        _ => Err(failed("catalog", "it did not take a registration")),
    }
}
