//! What is done from time to time: the `scheduled` event.

use domain::purge::PurgeId;
use engine::catalog::CatalogAsk;
use worker::Env;
use worker::wasm_bindgen::prelude::*;

use crate::{config, log, ports};

/// Rolls usage up, gives up what is old, and evicts what the settings no longer allow.
#[wasm_bindgen(
    wasm_bindgen = ::worker::wasm_bindgen,
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
pub async fn maintain(env: Env) {
    let config = match config::of(&env) {
        Ok(config) => config,
        Err(error) => return log::config(&error),
    };
    let mut random = [0; 16];
    ports::fill(&mut random);
    let started_ms = ports::now_ms();
    let retention = ports::runtime::known(&env).await.retention;
    match ports::ask_catalog(&env, &CatalogAsk::Maintain { retention, id: PurgeId::new(random), reach: config.reach() })
        .await
    {
        Ok(_) => log::maintained(ports::now_ms().saturating_sub(started_ms)),
        Err(error) => log::port("catalog", &error.to_string()),
    }
}
