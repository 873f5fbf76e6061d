//! Failures on purpose: scope is the errors that a behaviour names, in the API's words.

use axum::http::StatusCode;
use serde_json::json;

use crate::behaviour::{Behaviour, Failure};
use crate::error::ApiError;
use crate::request::Job;

/// The error that a behaviour asks for; `None` when the call goes well or fails otherwise.
pub(crate) fn error(behaviour: &Behaviour, job: &Job, request_id: &str) -> Option<ApiError> {
    let error = match behaviour.fail? {
        Failure::RateLimit => ApiError { retry_after_ms: behaviour.retry_after_ms, ..rate_limit(job) },
        Failure::Quota => quota(),
        Failure::Moderation => moderation(request_id),
        Failure::Unauthorized => ApiError::unauthorized(),
        Failure::Unverified => unverified(job),
        Failure::ServerError | Failure::ErrorAfterBilling => ApiError::server_error(request_id),
        Failure::Overloaded => ApiError { retry_after_ms: behaviour.retry_after_ms, ..overloaded() },
        Failure::Empty404
        | Failure::CutBeforeBilling
        | Failure::CutMidBody
        | Failure::Hang
        | Failure::Garbage
        | Failure::NotAnImage => return None,
    };
    Some(error)
}

/// Whether a failure comes up only while the picture is being made.
///
/// A streamed reply has begun by then, so the error is an event rather than a status.
pub(crate) fn comes_late(failure: Failure) -> bool {
    matches!(
        failure,
        Failure::Moderation
            | Failure::ServerError
            | Failure::ErrorAfterBilling
            | Failure::CutMidBody
            | Failure::Garbage
            | Failure::NotAnImage
    )
}

fn rate_limit(job: &Job) -> ApiError {
    let message = format!(
        "Rate limit reached for {} in organization fake-openai on images per min: Limit 5, Used 5, \
         Requested {}. Please try again later.",
        job.model.name, job.n
    );
    let status = StatusCode::TOO_MANY_REQUESTS;
    ApiError::new(status, "requests", Some("rate_limit_exceeded"), message)
}

fn quota() -> ApiError {
    let message = "You exceeded your current quota, please check your plan and billing details.";
    let name = "insufficient_quota";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, name, Some(name), message)
}

fn moderation(request_id: &str) -> ApiError {
    let message = format!(
        "Your request was rejected by the safety system. If you believe this is an error, contact \
         us at help.openai.com and include the request ID {request_id}. \
         safety_violations=[violence]."
    );
    let details = json!({ "moderation_stage": "output", "categories": ["violence"] });
    ApiError {
        moderation_details: Some(Box::new(details)),
        ..ApiError::new(StatusCode::BAD_REQUEST, "image_generation_user_error", Some("moderation_blocked"), message)
    }
}

fn unverified(job: &Job) -> ApiError {
    let message = format!(
        "Your organization must be verified to use the model `{}`. Please go to: \
         https://platform.openai.com/settings/organization/general and click on Verify \
         Organization.",
        job.model.name
    );
    ApiError::new(StatusCode::FORBIDDEN, "invalid_request_error", None, message)
}

fn overloaded() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "service_unavailable_error",
        Some("server_is_overloaded"),
        "Our servers are currently overloaded. Please try again later.",
    )
}
