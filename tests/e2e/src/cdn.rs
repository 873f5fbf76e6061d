//! A stand-in for the one route of Cloudflare's API that Pincel calls: the purge of a zone's caches by tag.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The most tags that one call may name.
const MOST: usize = 100;

#[derive(Debug)]
pub struct Cdn {
    pub url: String,
    state: Arc<Mutex<Recorded>>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Recorded {
    failing: bool,
    calls: Vec<(String, Vec<String>)>,
}

impl Cdn {
    /// The token that is right.
    pub const TOKEN: &'static str = "cdn-token-of-the-tests";

    pub async fn start() -> Result<Self> {
        let state = Arc::<Mutex<Recorded>>::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/client/v4", listener.local_addr()?);
        let routes =
            Router::new().route("/client/v4/zones/{zone}/purge_cache", post(purge)).with_state(Arc::clone(&state));
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { url, state, server })
    }

    /// From now on every call fails, or none does.
    pub fn fail(&self, failing: bool) {
        self.recorded(|recorded| recorded.failing = failing);
    }

    /// The zone and the tags of each call that went well.
    pub fn calls(&self) -> Vec<(String, Vec<String>)> {
        self.recorded(|recorded| recorded.calls.clone())
    }

    fn recorded<T>(&self, with: impl FnOnce(&mut Recorded) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Drop for Cdn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn purge(
    State(state): State<Arc<Mutex<Recorded>>>,
    Path(zone): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let refused = |status, code: u32, message: &str| {
        let errors = json!([{ "code": code, "message": message }]);
        (status, Json(json!({ "success": false, "errors": errors, "messages": [], "result": null })))
    };
    let token = headers.get("authorization").and_then(|value| value.to_str().ok());
    if token != Some(&format!("Bearer {}", Cdn::TOKEN)) {
        return refused(StatusCode::FORBIDDEN, 10000, "Authentication error");
    }
    let tags = body.get("tags").and_then(Value::as_array);
    let tags: Option<Vec<String>> = tags.map(|tags| tags.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let Some(tags) = tags.filter(|tags| (1..=MOST).contains(&tags.len())) else {
        return refused(StatusCode::BAD_REQUEST, 1012, "Request must contain tags, and at most 100 of them");
    };
    let mut recorded = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if recorded.failing {
        return refused(StatusCode::TOO_MANY_REQUESTS, 1134, "Rate limit reached");
    }
    recorded.calls.push((zone, tags));
    (StatusCode::OK, Json(json!({ "success": true, "errors": [], "messages": [], "result": { "id": "1" } })))
}
