//! The control routes: scope is what a test or a person sets and reads. They need no key.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::shared::Shared;

/// The routes below `/_control`.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_control/behaviour", post(behaviour))
        .route("/_control/bills", get(bills))
        .route("/_control/calls", get(calls))
        .route("/_control/reset", post(reset))
}

/// Takes the body as JSON whatever its declared type, so that a bare `curl -d` works.
async fn behaviour(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let Ok(Value::Object(change)) = serde_json::from_slice::<Value>(&body) else {
        return refuse("the body must be a JSON object");
    };
    match shared.change(&change) {
        Ok(report) => Json(report).into_response(),
        Err(message) => refuse(&message),
    }
}

async fn bills(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "bills": shared.bills() }))
}

async fn calls(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.calls())
}

async fn reset(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.reset();
    Json(json!({}))
}

fn refuse(message: &str) -> Response {
    let body = Json(json!({ "error": { "message": message } }));
    (StatusCode::BAD_REQUEST, body).into_response()
}
