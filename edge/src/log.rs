//! One JSON line for each failure of the service, where it is handled. Never a prompt, a key, a URL or bytes of a picture.

use domain::access::AccountName;
use domain::trace::RequestId;
use engine::account::Alarm;
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

/// A share of a budget has been reached.
pub fn alarm(account: &AccountName, alarm: &Alarm) {
    let mut line = alarm.document();
    if let Some(members) = line.as_object_mut() {
        members.insert("account".to_owned(), account.to_string().into());
    }
    worker::console_warn!("{}", line);
}
