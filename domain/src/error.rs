//! The one shape in which a refusal reaches a client: OpenAI's error object.
//!
//! `https://platform.openai.com/docs/guides/error-codes`: `{"error":{"message","type","param","code"}}`. The
//! official SDKs pick their exception by the status, and decide about a retry by `x-should-retry` and
//! `retry-after`, so both are part of the refusal and not left to whoever writes the reply.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::access::rate::Left;

/// A refusal, ready to be sent: the status, OpenAI's four fields, and whether waiting helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{status} {kind}: {message}")]
pub struct ApiError {
    pub status: u16,
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    pub code: Option<Cow<'static, str>>,
    pub param: Option<Cow<'static, str>>,
    pub message: String,
    /// How long to wait before the same request can succeed; `None` where waiting does not help.
    pub retry_after_ms: Option<u64>,
    /// Whether an SDK may send the same request again by itself.
    pub retry: Retry,
    /// What is left of the caller's own rate, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Box<Left>>,
}

/// What `x-should-retry` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same request gets the same refusal, or a second attempt could cost a second bill.
    Never,
    /// A later attempt can succeed and costs nothing twice.
    Later,
}

impl ApiError {
    /// A request that cannot be right however often it is sent.
    pub fn invalid(param: impl Into<Cow<'static, str>>, code: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::new(400, "invalid_request_error", code, message);
        error.param = Some(param.into());
        error
    }

    /// Any refusal that a retry does not help.
    pub fn new(status: u16, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: Cow::Borrowed(kind),
            code: Some(Cow::Borrowed(code)),
            param: None,
            message: message.into(),
            retry_after_ms: None,
            retry: Retry::Never,
            rate: None,
        }
    }

    /// A refusal that passes: the same request can succeed after `ms`.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self.retry = Retry::Later;
        self
    }

    /// States a wait, and forbids that an SDK spends its retries on it: official clients give up or ignore a
    /// `retry-after` beyond one or two minutes, and would hammer the service instead.
    #[must_use]
    pub fn wait_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// A part of the service is out of reach for the moment.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(503, "service_unavailable_error", code, message).retry_after_ms(1_000)
    }

    /// The body, OpenAI's error object.
    pub fn body(&self) -> String {
        serde_json::json!({
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        })
        .to_string()
    }

    /// `retry-after` in whole seconds, rounded up so that nobody comes back too early.
    pub fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_ms.map(|ms| ms.div_ceil(1_000).max(1))
    }
}
