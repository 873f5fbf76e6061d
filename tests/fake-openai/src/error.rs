//! The errors of the API: scope is status, body and the headers that go with them.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// An error as the API words it, before it becomes a response.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    /// What a refusal by the safety system says beside the four usual keys.
    pub(crate) moderation_details: Option<Box<Value>>,
    /// What `retry-after` and `retry-after-ms` say; absent, neither is sent.
    pub(crate) retry_after_ms: Option<u64>,
}

impl ApiError {
    /// An error with nothing but the usual four keys.
    pub(crate) fn new(
        status: StatusCode,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            code,
            param: None,
            message: message.into(),
            moderation_details: None,
            retry_after_ms: None,
        }
    }

    /// A request that the API refuses with status 400.
    pub(crate) fn invalid(code: &'static str, param: Option<&str>, message: impl Into<String>) -> Self {
        let kind = "invalid_request_error";
        Self { param: param.map(str::to_owned), ..Self::new(StatusCode::BAD_REQUEST, kind, Some(code), message) }
    }

    /// A body that cannot be read at all, which has no code.
    pub(crate) fn unreadable(message: impl Into<String>) -> Self {
        let kind = "invalid_request_error";
        Self::new(StatusCode::BAD_REQUEST, kind, None, message)
    }

    /// A value outside those that a parameter takes.
    pub(crate) fn invalid_value(param: &str, value: &str, supported: &[&str]) -> Self {
        let listed = enumerate(supported);
        let message = format!("Invalid value: '{value}'. Supported values are: {listed}.");
        Self::invalid("invalid_value", Some(param), message)
    }

    /// A field that the API does not have.
    pub(crate) fn unknown_parameter(name: &str) -> Self {
        let message = format!("Unknown parameter: '{name}'.");
        Self::invalid("unknown_parameter", Some(name), message)
    }

    /// A field that the API must have.
    pub(crate) fn missing(name: &str) -> Self {
        let message = format!("Missing required parameter: '{name}'.");
        Self::invalid("missing_required_parameter", Some(name), message)
    }

    /// No key, or one that is wrong.
    pub(crate) fn unauthorized() -> Self {
        let message = "Incorrect API key provided. You can find your API key at \
                       https://platform.openai.com/account/api-keys.";
        let kind = "invalid_request_error";
        Self::new(StatusCode::UNAUTHORIZED, kind, Some("invalid_api_key"), message)
    }

    /// The failure of the provider itself, which names the request.
    pub(crate) fn server_error(request_id: &str) -> Self {
        let message = format!(
            "An error occurred while processing your request. You can retry your request, or \
             contact us through our help center at help.openai.com if the error persists. \
             Please include the request ID {request_id} in your message."
        );
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "server_error", Some("server_error"), message)
    }

    /// The body of the reply: the four keys under `error`, and what else there is to say.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        });
        if let (Some(object), Some(details)) = (error.as_object_mut(), &self.moderation_details) {
            object.insert("moderation_details".to_owned(), Value::clone(details));
        }
        json!({ "error": error })
    }

    /// The headers that tell a client when to come back.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(milliseconds) = self.retry_after_ms {
            let seconds = milliseconds.div_ceil(1000);
            headers.insert("retry-after", HeaderValue::from(seconds));
            let exact = HeaderName::from_static("retry-after-ms");
            headers.insert(exact, HeaderValue::from(milliseconds));
        }
        headers
    }
}

/// Words a list as the API does: `'a', 'b', and 'c'`.
fn enumerate(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    match quoted.as_slice() {
        [first, second] => format!("{first} and {second}"),
        [start @ .., last] if !start.is_empty() => format!("{}, and {last}", start.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::enumerate;

    #[test]
    fn lists_read_as_prose() {
        let cases: [(&[&str], &str); 3] =
            [(&["a"], "'a'"), (&["a", "b"], "'a' and 'b'"), (&["a", "b", "c"], "'a', 'b', and 'c'")];
        for (values, expected) in cases {
            assert_eq!(enumerate(values), expected);
        }
    }
}
