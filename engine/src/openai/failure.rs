//! What a failed call means: was it billed, does waiting help, and what is the client told?
//!
//! The first question decides about money, so only replies in which the API itself says that it refused the request count
//! as not billed. Everything that an intermediary can say too, or that can follow after the work was done (500, 502, 504,
//! a lost connection, a time-out), leaves the outcome unknown. Sources: OpenAI's error codes page, and the codes that
//! its current SDKs and their users report.

use domain::ApiError;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub certainty: Certainty,
    /// What the client is told.
    pub error: ApiError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// The provider refused before it did anything.
    NotBilled {
        /// Waiting helps: at least this long where the provider said so.
        wait: Option<Wait>,
    },
    /// The picture may have been billed.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    AtLeastMs(u64),
    /// The provider named no time.
    Unstated,
}

/// A refusal as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Refusal<'a> {
    pub status: u16,
    pub retry_after: Option<&'a str>,
    pub retry_after_ms: Option<&'a str>,
    pub body: &'a [u8],
}

impl Failure {
    pub fn unknown(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let message = format!("{} It may have been billed, so nothing is bought again for now.", message.into());
        Self { certainty: Certainty::Unknown, error: ApiError::new(status, "server_error", code, message) }
    }

    /// The provider's reply, whose status is not 200.
    pub fn of(refusal: &Refusal<'_>) -> Self {
        let told = told(refusal.body);
        let code = told.as_ref().and_then(|told| told.code.as_deref()).unwrap_or_default();
        let kind = told.as_ref().and_then(|told| told.kind.as_deref()).unwrap_or_default();
        match (refusal.status, &told) {
            (429, _) if is_quota(kind, code) => quota(429),
            (400, _) if code == "billing_hard_limit_reached" => quota(429),
            (429, _) => {
                later(refusal, "rate_limit_error", "rate_limit_exceeded", 429, "The provider's rate limit is reached.")
            }
            (503, Some(_)) if code == "server_is_overloaded" || kind == "service_unavailable_error" => {
                later(refusal, "service_unavailable_error", "server_is_overloaded", 503, "The provider is overloaded.")
            }
            // The operator's credentials, not the client's: the client must not take them for its own.
            (401, _) => ours(
                "provider_unauthorized",
                "The provider refused this deployment's key. The operator has to mend it.",
            ),
            (403, _) => ours(
                "provider_forbidden",
                "The provider does not let this deployment use this model. The operator has to mend it.",
            ),
            (400 | 409 | 413 | 422, Some(told)) => refused(refusal.status, told),
            (404, Some(told)) if !code.is_empty() => refused(400, told),
            (400..=499, _) => {
                ours("provider_refused", &format!("The provider refused the request with status {}.", refusal.status))
            }
            (300..=399, _) => {
                ours("provider_redirects", "The provider's address redirects. The operator has to mend it.")
            }
            (504 | 524, _) => Self::unknown(504, "provider_timeout", "The provider did not answer in time."),
            (status, _) => Self::unknown(502, "provider_error", format!("The provider failed with status {status}.")),
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    param: Option<String>,
    code: Option<String>,
}

fn told(body: &[u8]) -> Option<Told> {
    serde_json::from_slice::<Envelope>(body).ok().map(|envelope| envelope.error)
}

fn is_quota(kind: &str, code: &str) -> bool {
    let exhausted = ["insufficient_quota", "credit_balance_exhausted", "spend_limit_exceeded", "usage_limit_exceeded"];
    kind == "insufficient_quota" || exhausted.iter().any(|ending| code.ends_with(ending))
}

fn not_billed(error: ApiError, wait: Option<Wait>) -> Failure {
    Failure { certainty: Certainty::NotBilled { wait }, error }
}

/// The type stops official SDKs from treating it as a rate limit that passes.
fn quota(status: u16) -> Failure {
    let message =
        "The provider's quota of this deployment is used up. Waiting does not help: the operator has to raise it.";
    not_billed(ApiError::new(status, "insufficient_quota", "insufficient_quota", message), None)
}

fn ours(code: &'static str, message: &str) -> Failure {
    not_billed(ApiError::new(502, "server_error", code, message), None)
}

fn refused(status: u16, told: &Told) -> Failure {
    let mut error =
        ApiError::new(status, "invalid_request_error", "invalid_value", told.message.clone().unwrap_or_default());
    if error.message.is_empty() {
        "The provider refused the request and did not say why.".clone_into(&mut error.message);
    }
    if let Some(kind) = &told.kind {
        error.kind = kind.clone().into();
    }
    error.code = told.code.clone().map(Into::into);
    error.param = told.param.clone().map(Into::into);
    not_billed(error, None)
}

fn later(refusal: &Refusal<'_>, kind: &'static str, code: &'static str, status: u16, what: &str) -> Failure {
    let ms = retry_after(refusal);
    let error = ApiError::new(status, kind, code, format!("{what} Nothing was billed. Try again later."))
        .retry_after_ms(ms.unwrap_or(1_000));
    not_billed(error, Some(ms.map_or(Wait::Unstated, Wait::AtLeastMs)))
}

/// `retry-after-ms`, or `retry-after` in seconds. The form with a date (RFC 9110 §10.2.3) is not sent by this API.
fn retry_after(refusal: &Refusal<'_>) -> Option<u64> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let ms = refusal.retry_after_ms.and_then(number);
    ms.or_else(|| refusal.retry_after.and_then(number).and_then(|seconds| seconds.checked_mul(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, retry_after: Option<&str>, certainty: Certainty, told: (u16, &str)) {
        let failure = Failure::of(&Refusal { status, body: body.as_bytes(), retry_after, retry_after_ms: None });
        assert_eq!(failure.certainty, certainty, "{status} {body}");
        assert_eq!((failure.error.status, failure.error.code.as_deref().unwrap()), told, "{status} {body}");
    }

    fn error(kind: &str, code: &str) -> String {
        serde_json::json!({"error": {"message": "m", "type": kind, "param": null, "code": code}}).to_string()
    }

    #[test]
    fn table() {
        const FINAL: Certainty = Certainty::NotBilled { wait: None };
        let limit = error("requests", "rate_limit_exceeded");
        let waits = |wait| Certainty::NotBilled { wait: Some(wait) };
        check(429, &limit, None, waits(Wait::Unstated), (429, "rate_limit_exceeded"));
        check(429, &limit, Some("2"), waits(Wait::AtLeastMs(2_000)), (429, "rate_limit_exceeded"));
        check(429, &limit, Some("Wed, 21 Oct 2026 07:28:00 GMT"), waits(Wait::Unstated), (429, "rate_limit_exceeded"));
        check(429, "not json", Some("1"), waits(Wait::AtLeastMs(1_000)), (429, "rate_limit_exceeded"));
        check(429, &error("insufficient_quota", "insufficient_quota"), Some("1"), FINAL, (429, "insufficient_quota"));
        check(429, &error("x", "project_spend_limit_exceeded"), None, FINAL, (429, "insufficient_quota"));
        check(
            400,
            &error("invalid_request_error", "billing_hard_limit_reached"),
            None,
            FINAL,
            (429, "insufficient_quota"),
        );
        check(
            400,
            &error("image_generation_user_error", "moderation_blocked"),
            None,
            FINAL,
            (400, "moderation_blocked"),
        );
        check(401, &error("invalid_request_error", "invalid_api_key"), None, FINAL, (502, "provider_unauthorized"));
        check(403, &error("invalid_request_error", ""), None, FINAL, (502, "provider_forbidden"));
        check(404, "", None, FINAL, (502, "provider_refused"));
        check(404, &error("invalid_request_error", "model_not_found"), None, FINAL, (400, "model_not_found"));
        check(400, "<html>", None, FINAL, (502, "provider_refused"));
        check(301, "", None, FINAL, (502, "provider_redirects"));
        check(
            503,
            &error("service_unavailable_error", "server_is_overloaded"),
            None,
            waits(Wait::Unstated),
            (503, "server_is_overloaded"),
        );
        check(503, "upstream connect error", None, Certainty::Unknown, (502, "provider_error"));
        check(500, &error("server_error", "server_error"), None, Certainty::Unknown, (502, "provider_error"));
        check(502, "", None, Certainty::Unknown, (502, "provider_error"));
        check(504, "", None, Certainty::Unknown, (504, "provider_timeout"));
        check(524, "", None, Certainty::Unknown, (504, "provider_timeout"));
    }

    #[test]
    fn what_waiting_cannot_mend_says_so_to_sdks() {
        use domain::error::Retry;
        let retry = |status, body: &str| {
            Failure::of(&Refusal { status, body: body.as_bytes(), ..Refusal::default() }).error.retry
        };
        assert_eq!(retry(429, &error("requests", "rate_limit_exceeded")), Retry::Later);
        assert_eq!(retry(429, &error("insufficient_quota", "insufficient_quota")), Retry::Never);
        assert_eq!(retry(500, ""), Retry::Never);
    }
}
