//! The Cache API of this data centre: whole, verified pictures by their digest.

use domain::delivery::{ByteRange, Lifetimes};
use domain::picture::{Digest, Format};
use worker::web_sys::ReadableStream;
use worker::{Cache, Headers, Method, Request, RequestInit};

/// The address under which a picture is cached: on the caller's own host, where no route answers it.
fn address(origin: &str, digest: &Digest) -> String {
    format!("{origin}/.pincel/{digest}")
}

pub async fn open(origin: &str, digest: &Digest, range: Option<ByteRange>) -> Option<ReadableStream> {
    let address = address(origin, digest);
    let found = match range {
        None => Cache::default().get(address, false).await,
        Some(ByteRange { start, end_inclusive }) => {
            let headers = Headers::new();
            headers.set("range", &format!("bytes={start}-{end_inclusive}")).ok()?;
            let mut init = RequestInit::new();
            init.with_method(Method::Get).with_headers(headers);
            Cache::default().get(&Request::new_with_init(&address, &init).ok()?, false).await
        }
    };
    // A cache that fails is a cache that has nothing.
    let response: worker::web_sys::Response = found.ok()??.into();
    let expected = if range.is_some() { 206 } else { 200 };
    response.body().filter(|_| response.status() == expected)
}

/// Where and with which headers a picture is put on its way out; see `glue.js`.
pub fn keep(origin: &str, digest: &Digest, format: Format, lifetimes: Lifetimes) -> (String, String) {
    let head = format!("content-type\n{}\ncache-control\npublic, max-age={}", format.mime(), lifetimes.edge_s);
    (address(origin, digest), head)
}
