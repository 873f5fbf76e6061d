//! The bytes of pictures: in R2, or in Workers KV where no bucket is bound.
//!
//! R2 checks the digest when it stores and keeps it, is strongly consistent and cheap to keep; KV holds values of at most
//! 25 MiB. Which of the two is decided by the deployment's bindings, once.

use domain::delivery::ByteRange;
use domain::picture::{Digest, Format};
use engine::ports::{Opened, StoreError};
use serde::{Deserialize, Serialize};
use worker::web_sys::ReadableStream;
use worker::{Env, ResponseBody};
use worker::{HttpMetadata, Range};

use super::{BLOBS, POINTERS, failed};
use crate::glue;

const PREFIX: &str = "b/";

/// What KV keeps beside a blob: it has no checksum of its own.
#[derive(Serialize, Deserialize)]
struct Metadata {
    bytes: u64,
}

pub async fn put(
    env: &Env,
    digest: &Digest,
    format: Format,
    bytes: u64,
    stream: ReadableStream,
) -> Result<(), StoreError> {
    let name = format!("{PREFIX}{digest}");
    if let Ok(bucket) = env.bucket(BLOBS) {
        let metadata = HttpMetadata { content_type: Some(format.mime().to_owned()), ..HttpMetadata::default() };
        let put = bucket.put(name, stream).sha256(digest.0.to_vec()).http_metadata(metadata).execute();
        return put.await.map(|_| ()).map_err(|error| failed("r2", error));
    }
    let kv = env.kv(POINTERS).map_err(|error| failed("kv", error))?;
    let put = kv.put_stream(&name, stream).and_then(|put| put.metadata(Metadata { bytes }));
    put.map_err(|error| failed("kv", error))?.execute().await.map_err(|error| failed("kv", error))
}

/// Deletes it. That there is none is as good.
pub async fn delete(env: &Env, digest: &Digest) -> Result<(), StoreError> {
    let name = format!("{PREFIX}{digest}");
    if let Ok(bucket) = env.bucket(BLOBS) {
        return bucket.delete(name).await.map_err(|error| failed("r2", error));
    }
    let kv = env.kv(POINTERS).map_err(|error| failed("kv", error))?;
    kv.delete(&name).await.map_err(|error| failed("kv", error))
}

pub async fn open(
    env: &Env,
    context: &worker::wasm_bindgen::JsValue,
    digest: &Digest,
    range: Option<ByteRange>,
) -> Result<Option<Opened<ReadableStream>>, StoreError> {
    let name = format!("{PREFIX}{digest}");
    if let Ok(bucket) = env.bucket(BLOBS) {
        let mut get = bucket.get(name);
        if let Some(range) = range {
            get = get.range(Range::OffsetWithLength { offset: range.start, length: range.len() });
        }
        let Some(object) = get.execute().await.map_err(|error| failed("r2", error))? else { return Ok(None) };
        let sha256 = object.checksum().sha256.and_then(|bytes| bytes.try_into().ok()).map(Digest);
        let body =
            object.body().map(worker::ObjectBody::response_body).transpose().map_err(|error| failed("r2", error))?;
        let Some(ResponseBody::Stream(body)) = body else { return Ok(None) };
        return Ok(Some(Opened { length: object.size(), sha256, body }));
    }
    let kv = env.kv(POINTERS).map_err(|error| failed("kv", error))?;
    let (body, metadata) =
        kv.get(&name).stream_with_metadata::<Metadata>().await.map_err(|error| failed("kv", error))?;
    let Some((body, Metadata { bytes })) = body.zip(metadata) else { return Ok(None) };
    let body = match range {
        Some(range) => glue::section(context, &body, glue::number(range.start), glue::number(range.len())),
        None => body,
    };
    Ok(Some(Opened { length: bytes, sha256: None, body }))
}
