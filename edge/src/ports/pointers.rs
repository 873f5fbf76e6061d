//! Pointers in Workers KV: eventually consistent, so a pointer here is never more than a hint where a picture is.

use domain::picture::{PictureKey, Pointer};
use engine::ports::StoreError;
use worker::Env;

use super::{POINTERS, failed};

/// Schema of the value. Another version is not read, and the object answers in its place.
const PREFIX: &str = "p1/";

/// How long KV may answer from its own cache near the isolate, in seconds: the least that it allows.
const CACHE_TTL_S: u64 = 30;

pub async fn get(env: &Env, key: &PictureKey) -> Result<Option<Pointer>, StoreError> {
    let kv = env.kv(POINTERS).map_err(|error| failed("kv", error))?;
    let text =
        kv.get(&format!("{PREFIX}{key}")).cache_ttl(CACHE_TTL_S).text().await.map_err(|error| failed("kv", error))?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| failed("kv", error))).transpose()
}

pub async fn put(env: &Env, key: &PictureKey, pointer: &Pointer) -> Result<(), StoreError> {
    let text = serde_json::to_string(pointer).map_err(|error| failed("kv", error))?;
    let kv = env.kv(POINTERS).map_err(|error| failed("kv", error))?;
    let put = kv.put(&format!("{PREFIX}{key}"), text).map_err(|error| failed("kv", error))?;
    put.execute().await.map_err(|error| failed("kv", error))
}
