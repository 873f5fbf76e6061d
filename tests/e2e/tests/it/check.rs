//! What every reply must be, and figures in the form in which they can be compared.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::Reply;
use image::{GenericImageView as _, ImageFormat};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

/// A reply that hands a picture over, whole and right.
#[track_caller]
pub(crate) fn whole_picture(reply: &Reply) {
    assert_eq!(reply.status, 200, "{reply:?}");
    common(reply);
    let digest = Sha256::digest(&reply.body);
    assert_eq!(reply.header("etag"), format!("\"{}\"", hex(&digest)), "{reply:?}");
    assert_eq!(reply.header("repr-digest"), format!("sha-256=:{}:", STANDARD.encode(digest)), "{reply:?}");
    assert_eq!(reply.header("content-length"), reply.body.len().to_string(), "{reply:?}");
    assert_eq!(reply.header("accept-ranges"), "bytes", "{reply:?}");
    assert_eq!(reply.header("x-pincel-key").len(), 64, "{reply:?}");
}

/// A refusal in OpenAI's shape, which nobody may keep.
#[track_caller]
pub(crate) fn refusal(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    common(reply);
    assert_eq!(reply.header("content-type"), "application/json", "{reply:?}");
    assert_eq!(reply.header("cache-control"), "no-store", "{reply:?}");
    let body = reply.json().unwrap();
    let error = body["error"].as_object().unwrap_or_else(|| panic!("{reply:?}"));
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{reply:?}");
    let mut names: Vec<&str> = error.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["code", "message", "param", "type"], "{reply:?}");
    assert_eq!(error["code"], code, "{reply:?}");
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{reply:?}");
    assert!(error["type"].as_str().is_some_and(|kind| !kind.is_empty()), "{reply:?}");
}

/// A refusal that names the parameter.
#[track_caller]
pub(crate) fn refusal_of(reply: &Reply, status: u16, code: &str, param: &str) {
    refusal(reply, status, code);
    assert_eq!(field(reply, "/error/param"), param, "{reply:?}");
}

/// What every reply has, whatever it says.
#[track_caller]
pub(crate) fn common(reply: &Reply) {
    let id = reply.header("x-request-id");
    assert!(id.len() == 36 && id.starts_with("req_"), "{reply:?}");
    let trace: Vec<&str> = reply.header("traceparent").split('-').collect();
    let lengths: Vec<usize> = trace.iter().map(|part| part.len()).collect();
    assert_eq!(lengths, [2, 32, 16, 2], "{reply:?}");
    let timing: Vec<_> = reply.header("server-timing").split(", ").map(|phase| phase.split_once(";dur=")).collect();
    assert!(timing.iter().all(|phase| phase.is_some_and(|(_, ms)| ms.parse::<u64>().is_ok())), "{reply:?}");
    assert_eq!(timing.last().copied().flatten().map(|(phase, _)| phase), Some("total"), "{reply:?}");
    assert_eq!(reply.header("access-control-allow-origin"), "*", "{reply:?}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{reply:?}");
}

/// A hit, found in memory, in the store of pointers, or at the object, with this much of its life left.
#[track_caller]
pub(crate) fn hit(reply: &Reply) {
    let status = reply.header("cache-status");
    let ttl = status.strip_prefix("pincel; hit; ttl=").and_then(|rest| rest.split(';').next()?.parse::<i64>().ok());
    assert!(ttl.is_some_and(|ttl| (2_591_900..=2_592_000).contains(&ttl)), "{reply:?}");
    assert_eq!(nano(reply.header("x-pincel-cost")), 0, "{reply:?}");
}

/// The nano-dollars of a decimal amount.
#[track_caller]
pub(crate) fn nano(amount: &str) -> u64 {
    let (dollars, rest) = amount.split_once('.').unwrap_or_else(|| panic!("no amount: {amount:?}"));
    assert!((2..=9).contains(&rest.len()), "{amount:?}");
    format!("{dollars}{rest:0<9}").parse().unwrap_or_else(|_| panic!("no amount: {amount:?}"))
}

/// What one bill of the stand-in says it cost.
#[track_caller]
pub(crate) fn cost(bill: &Value) -> u64 {
    bill["cost_nano_usd"].as_u64().filter(|cost| *cost > 0).unwrap_or_else(|| panic!("{bill}"))
}

/// Decodes a picture by a library that shares no code with what drew it.
#[track_caller]
pub(crate) fn decoded(bytes: &[u8]) -> (ImageFormat, (u32, u32)) {
    let format = image::guess_format(bytes).expect("a picture");
    let picture = image::load_from_memory_with_format(bytes, format).expect("a whole picture");
    (format, picture.dimensions())
}

/// A text of a JSON reply.
pub(crate) fn field(reply: &Reply, pointer: &str) -> String {
    reply.json().ok().and_then(|json| Some(json.pointer(pointer)?.as_str()?.to_owned())).unwrap_or_default()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// What a script says that has to succeed.
pub(crate) async fn said(script: &mut Command) -> String {
    // Keys of its own environment would hide that it was not given one.
    script.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL").kill_on_drop(true);
    let output =
        tokio::time::timeout(Duration::from_mins(1), script.output()).await.expect("the script hangs").unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}
