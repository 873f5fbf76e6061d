//! Carries a reply out.

use domain::picture::Format;
use engine::reply::{Headers, Piece, Reply, ReplyBody, Source};
use engine::settings::Settings;
use worker::js_sys::Array;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{ReadableStream, Response};

use crate::glue;
use crate::ports::{Isolate, keep};

pub fn respond(
    reply: Reply<ReadableStream>,
    ports: &Isolate,
    settings: Option<&Settings>,
    head: bool,
) -> worker::Result<Response> {
    let length = reply.length();
    let lines = lines(&reply.headers);
    let body = match reply.body {
        _ if head => JsValue::NULL,
        ReplyBody::Empty => JsValue::NULL,
        ReplyBody::Text(text) => text.into(),
        // Nothing to check, nothing to keep: not even an object crosses the border.
        ReplyBody::Stream(body) | ReplyBody::Picture(Source { body, check: None, .. }) => body.into(),
        ReplyBody::Picture(source) => glue::pass(&ports.context, &js(source, ports, settings)).into(),
        ReplyBody::Pieces(pieces) => {
            let pieces: Array = pieces
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.into(),
                    Piece::Base64(source) => js(source, ports, settings),
                })
                .collect();
            glue::document(&ports.context, &pieces, glue::number(length)).into()
        }
    };
    glue::respond(reply.status, &lines, &body).map_err(worker::Error::from)
}

/// Names and values in turn, one a line, as `glue.js` takes them.
pub fn lines(headers: &Headers) -> String {
    let mut lines = String::with_capacity(1_536);
    for (name, value) in headers.iter() {
        // A value that could end its line would become a header of its own.
        if value.bytes().all(|byte| byte != b'\n' && byte != b'\r') {
            for part in [name, "\n", value, "\n"] {
                lines.push_str(part);
            }
        }
    }
    lines
}

/// A source as `glue.js` takes it.
fn js(source: Source<ReadableStream>, ports: &Isolate, settings: Option<&Settings>) -> JsValue {
    let Source { body, length, check, keep: kept } = source;
    let mut members = vec![("body", JsValue::from(body)), ("length", glue::number(length).into())];
    if let Some(digest) = check {
        members.push(("digest", digest.to_string().into()));
        if let Some((format, settings)) = kept.zip(settings) {
            let format: Format = format;
            let (url, head) = keep(&ports.origin, &digest, format, settings.lifetimes);
            members.push(("keep", glue::object(&[("url", url.into()), ("head", head.into())])));
        }
    }
    glue::object(&members)
}
