//! The headers that every reply of the API carries: scope is their names and values.

use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

const REQUESTS_PER_MINUTE: &str = "500";
const TOKENS_PER_MINUTE: &str = "250000";

/// A call as its reply refers to it.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// The name of the call in headers, messages and bills.
    pub(crate) request_id: String,
    at: Instant,
}

impl Arrival {
    /// A call that arrives now.
    pub(crate) fn now() -> Self {
        // The seeds of the standard hasher are random, which saves a source of randomness.
        let word = || RandomState::new().hash_one(Instant::now());
        Self { request_id: format!("req_{:016x}{:016x}", word(), word()), at: Instant::now() }
    }

    /// Adds the headers of the API to a reply.
    pub(crate) fn stamp(&self, mut response: Response) -> Response {
        let took = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        // Whoever is refused for too many calls has none left.
        let refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let (requests, tokens) = if refused { ("0", "0") } else { ("499", "249000") };
        let texts = [
            ("openai-organization", "fake-openai"),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", REQUESTS_PER_MINUTE),
            ("x-ratelimit-limit-tokens", TOKENS_PER_MINUTE),
            ("x-ratelimit-remaining-requests", requests),
            ("x-ratelimit-remaining-tokens", tokens),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-reset-tokens", "240ms"),
        ];
        let headers = response.headers_mut();
        for (name, text) in texts {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(text));
        }
        headers.insert("openai-processing-ms", HeaderValue::from(took));
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert("x-request-id", id);
        }
        response
    }
}
