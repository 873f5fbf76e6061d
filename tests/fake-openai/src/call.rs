//! The way of a call: scope is from its arrival, over its bill, to its reply.
//!
//! The work runs in a task of its own. A client that leaves ends its connection but not the
//! work, so the picture is made and billed all the same.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::behaviour::{Behaviour, Failure};
use crate::bill::Bill;
use crate::connection::cut;
use crate::draw::{self, Serial};
use crate::error::ApiError;
use crate::failure;
use crate::headers::Arrival;
use crate::reply;
use crate::request::{self, Job, Operation};
use crate::shared::{InFlight, Shared};
use crate::stream;

/// The routes of the API that live.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/v1/images/generations", post(generation)).route("/v1/images/edits", post(edit))
}

/// Answers every other route as the edge of the API does: 404 and not a byte of body.
pub(crate) async fn nothing_here(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    shared.record(&parts, &Value::Null);
    empty_404()
}

/// A call that is right and about to be worked on.
pub(crate) struct Work {
    pub(crate) shared: Arc<Shared>,
    pub(crate) arrival: Arrival,
    pub(crate) job: Job,
    /// The number of the call, as it is written on the pictures.
    pub(crate) call: u64,
    pub(crate) behaviour: Behaviour,
    /// Held until the work is done, whoever is still waiting for it.
    _in_flight: InFlight,
}

impl Work {
    /// How long the call takes at least.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.behaviour.latency_ms)
    }

    /// Bills the call.
    pub(crate) fn bill(&self) {
        let bill = Bill::new(&self.job, self.call, &self.arrival.request_id);
        self.shared.bill(bill);
    }

    /// Draws one of the pictures, and returns it in base64.
    ///
    /// Drawing keeps a processor busy, which would hold up every other connection.
    pub(crate) async fn draw(&self, index: u32) -> Result<String, ApiError> {
        let job = self.job.clone();
        let pad_bytes = usize::try_from(self.behaviour.pad_bytes).unwrap_or(usize::MAX);
        let serial = self.serial(index);
        self.aside(move || draw::finished(&job, serial, pad_bytes)).await
    }

    /// Draws a coarse stage of one of the pictures.
    pub(crate) async fn draw_partial(&self, index: u32, step: u32) -> Result<String, ApiError> {
        let job = self.job.clone();
        let serial = self.serial(index);
        self.aside(move || draw::partial(&job, serial, step)).await
    }

    fn serial(&self, index: u32) -> Serial {
        Serial { call: self.call, index }
    }

    async fn aside(
        &self,
        drawing: impl FnOnce() -> anyhow::Result<Vec<u8>> + Send + 'static,
    ) -> Result<String, ApiError> {
        let encoded = move || drawing().map(|file| BASE64_STANDARD.encode(file));
        match tokio::task::spawn_blocking(encoded).await {
            Ok(Ok(picture)) => Ok(picture),
            Ok(Err(_)) | Err(_) => Err(ApiError::server_error(&self.arrival.request_id)),
        }
    }
}

async fn generation(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    call(shared, Operation::Generation, request).await
}

async fn edit(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    call(shared, Operation::Edit, request).await
}

async fn call(shared: Arc<Shared>, operation: Operation, request: Request) -> Response {
    let in_flight = shared.enter();
    let arrival = Arrival::now();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        // The client left in the middle of its own request.
        return cut();
    };
    let received = request::receive(operation, &parts.headers, body).await;
    let call = shared.record(&parts, &received.body);
    let judged = authorize(&parts.headers).and(received.draft).and_then(|draft| request::judge(operation, draft));
    let job = match judged {
        Ok(job) => job,
        Err(error) => return arrival.stamp(reply::error(&error)),
    };

    // Made before the behaviour is read: a reset in between would otherwise go unheard.
    let waiting = Arc::clone(&shared);
    let reset = waiting.reset.notified();
    let behaviour = shared.take_behaviour();
    if behaviour.fail == Some(Failure::Hang) {
        // Waits here rather than in a task, so that it ends when the client leaves.
        reset.await;
        return cut();
    }
    let work = Work { shared, arrival, job, call, behaviour, _in_flight: in_flight };
    if work.job.stream && work.behaviour.fail.is_none_or(failure::comes_late) {
        return stream::start(work);
    }
    let done = tokio::spawn(plain(work)).await;
    done.unwrap_or_else(|_| cut())
}

/// Does the work of a call whose reply comes in one piece.
async fn plain(work: Work) -> Response {
    let fail = work.behaviour.fail;
    let draws_pictures = matches!(fail, None | Some(Failure::CutMidBody));
    // Drawing counts as part of the latency.
    let (drawn, ()) =
        tokio::join!(draw_all(&work, if draws_pictures { work.job.n } else { 0 }), tokio::time::sleep(work.latency()));
    let drawn = match drawn {
        Ok(drawn) => drawn,
        Err(error) => return work.arrival.stamp(reply::error(&error)),
    };
    let billed =
        draws_pictures || matches!(fail, Some(Failure::ErrorAfterBilling | Failure::Garbage | Failure::NotAnImage));
    if billed {
        work.bill();
    }
    if let Some(error) = failure::error(&work.behaviour, &work.job, &work.arrival.request_id) {
        return work.arrival.stamp(reply::error(&error));
    }
    let response = match fail {
        Some(Failure::CutBeforeBilling) => return cut(),
        Some(Failure::Empty404) => return empty_404(),
        Some(Failure::Garbage) => reply::garbage(),
        Some(Failure::NotAnImage) => {
            let texts: Vec<String> = (0..work.job.n).map(|_| reply::no_picture()).collect();
            reply::success(reply::pictures(&work.job, &texts))
        }
        Some(Failure::CutMidBody) => reply::half(reply::pictures(&work.job, &drawn)),
        _ => reply::success(reply::pictures(&work.job, &drawn)),
    };
    work.arrival.stamp(response)
}

async fn draw_all(work: &Work, pictures: u32) -> Result<Vec<String>, ApiError> {
    let mut drawn = Vec::new();
    for index in 1..=pictures {
        drawn.push(work.draw(index).await?);
    }
    Ok(drawn)
}

/// Any key will do, but there must be one.
fn authorize(headers: &HeaderMap) -> Result<(), ApiError> {
    let key = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match key {
        Some(key) if !key.trim().is_empty() => Ok(()),
        _ => Err(ApiError::unauthorized()),
    }
}

fn empty_404() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
