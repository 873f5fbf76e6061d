//! The Cache API of this data centre: whole, verified pictures by their digest.

use domain::delivery::{ByteRange, Lifetimes};
use domain::picture::{Digest, Format};
use engine::ports::Opened;
use worker::wasm_bindgen::JsCast as _;
use worker::web_sys::ReadableStream;

use crate::glue;

/// The address under which a picture is cached: on the caller's own host, where no route answers it.
pub fn address(origin: &str, digest: &Digest) -> String {
    format!("{origin}/.pincel/{digest}")
}

pub async fn open(origin: &str, digest: &Digest, range: Option<ByteRange>) -> Option<Opened<ReadableStream>> {
    let range = range.map(|ByteRange { start, end_inclusive }| format!("bytes={start}-{end_inclusive}"));
    // A cache that fails is a cache that has nothing.
    let found = glue::cached(&address(origin, digest), range).await.ok().filter(|found| !found.is_undefined())?;
    let length = glue::length(&glue::member(&found, "length"))?;
    Some(Opened { length, sha256: None, body: glue::member(&found, "body").dyn_into().ok()? })
}

/// Where and with which headers a picture is put on its way out; see `glue.js`.
pub fn keep(origin: &str, digest: &Digest, format: Format, lifetimes: Lifetimes) -> (String, String) {
    let head = format!("content-type\n{}\ncache-control\npublic, max-age={}", format.mime(), lifetimes.edge_s);
    (address(origin, digest), head)
}
