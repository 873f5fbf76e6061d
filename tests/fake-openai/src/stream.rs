//! Streamed replies: scope is the events of a call, when they come and how they can break.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use crate::behaviour::Failure;
use crate::bill::unix_milliseconds;
use crate::call::Work;
use crate::connection::Cut;
use crate::error::ApiError;
use crate::failure;
use crate::reply;
use crate::usage::Usage;

/// A piece of the body; a missing one means that the connection breaks here.
type Piece = Option<Bytes>;

/// Answers at once with a stream, and works on the call in a task of its own.
pub(crate) fn start(work: Work) -> Response {
    let (sender, receiver) = unbounded_channel();
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    let cache = HeaderValue::from_static("no-cache");
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, cache)];
    let response = (headers, Body::from_stream(pieces(receiver))).into_response();
    let response = work.arrival.stamp(response);
    tokio::spawn(async move {
        if let Err(error) = produce(&work, &sender).await {
            let event = json!({ "type": "error", "error": error_object(&error) });
            send(&sender, frame(&event));
        }
    });
    response
}

/// Sends every event of a call. Nothing here minds whether anybody still listens.
async fn produce(work: &Work, sender: &UnboundedSender<Piece>) -> Result<(), ApiError> {
    let job = &work.job;
    let steps = job.n * (job.partial_images + 1);
    let pause = work.latency() / steps;
    for index in 1..=job.n {
        for step in 0..job.partial_images {
            let (drawn, ()) = tokio::join!(work.draw_partial(index, step), sleep(pause));
            let place = ("partial_image_index", json!(step));
            let event = event(work, "partial_image", &drawn?, place);
            send(sender, frame(&event));
        }
        let (drawn, ()) = tokio::join!(work.draw(index), sleep(pause));
        let drawn = drawn?;
        let fails = work.behaviour.fail.is_some();
        // The bill is for all pictures of the call, so it comes before the last one is sent.
        if index == job.n || fails {
            finish(work)?;
        }
        complete(work, sender, drawn);
        if fails {
            break;
        }
    }
    Ok(())
}

/// Bills the call, or fails it as its behaviour asks.
fn finish(work: &Work) -> Result<(), ApiError> {
    let fail = work.behaviour.fail;
    if !matches!(fail, Some(Failure::Moderation | Failure::ServerError)) {
        work.bill();
    }
    match failure::error(&work.behaviour, &work.job, &work.arrival.request_id) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Sends the event with a finished picture, spoilt as the behaviour asks.
fn complete(work: &Work, sender: &UnboundedSender<Piece>, drawn: String) {
    let fail = work.behaviour.fail;
    let picture = match fail {
        Some(Failure::NotAnImage) => reply::no_picture(),
        _ => drawn,
    };
    let usage = Usage::of_one_picture(&work.job).without_output_details();
    let event = event(work, "completed", &picture, ("usage", usage));
    let whole = frame(&event);
    match fail {
        Some(Failure::Garbage) => send(sender, format!("data: {}\n\n", reply::GARBAGE)),
        Some(Failure::CutMidBody) => {
            let half = whole.chars().take(whole.len() / 2).collect();
            send(sender, half);
            let _nobody_listens = sender.send(None);
        }
        _ => send(sender, whole),
    }
}

/// An event with a picture, and one field that only events of its name have.
fn event(work: &Work, name: &str, picture: &str, (field, value): (&str, Value)) -> Value {
    let mut event = reply::echo(&work.job);
    if name != "completed" {
        event.remove("safety_identifier");
    }
    let prefix = work.job.operation.event_prefix();
    event.insert("type".to_owned(), json!(format!("{prefix}.{name}")));
    event.insert("b64_json".to_owned(), json!(picture));
    let now = unix_milliseconds() / 1000;
    event.insert("created_at".to_owned(), json!(now));
    event.insert(field.to_owned(), value);
    Value::Object(event)
}

/// An event on the wire, named by the type it carries.
fn frame(event: &Value) -> String {
    let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {name}\ndata: {event}\n\n")
}

fn send(sender: &UnboundedSender<Piece>, text: String) {
    // A client that has left changes nothing about the work.
    let _nobody_listens = sender.send(Some(Bytes::from(text)));
}

fn pieces(receiver: UnboundedReceiver<Piece>) -> impl stream::Stream<Item = Result<Bytes, Cut>> {
    let all = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)));
    all.flat_map(|piece| match piece {
        Some(bytes) => stream::once(async { Ok(bytes) }).left_stream(),
        None => reply::broken().right_stream(),
    })
}

fn error_object(error: &ApiError) -> Value {
    error.body().get("error").cloned().unwrap_or_default()
}
