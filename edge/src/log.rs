//! One JSON line for each failure of the service, where it is handled. Never a prompt, a key, a URL or bytes of a picture.

use domain::trace::RequestId;
use serde_json::json;

/// A request that the service failed, not the caller.
pub fn failure(request: &RequestId, status: u16) {
    let line = json!({
        "event": "request_failed",
        "request_id": request.as_str(),
        "status": status,
    });
    worker::console_error!("{}", line);
}

/// A port that did not do what it was asked. `message` is the platform's.
pub fn port(name: &str, message: &str) {
    worker::console_warn!("{}", json!({ "event": "port_failed", "port": name, "message": message }));
}

/// The configuration is unusable: names of settings, never values.
pub fn config(error: &crate::config::ConfigError) {
    worker::console_error!("{}", json!({ "event": "config_invalid", "problems": error.0 }));
}
