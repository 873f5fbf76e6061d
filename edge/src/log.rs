//! One JSON line for each failure of the service, where it is handled. Never a prompt, a key, a URL or bytes of a picture.

use domain::access::AccountName;
use domain::trace::RequestId;
use domain::usage::Finished;
use engine::account::Alarm;
use serde_json::{Map, Value, json};

/// A request that ended, other than a hit.
pub struct Line<'a> {
    pub request: &'a RequestId,
    pub traceparent: &'a str,
    pub method: &'a str,
    /// The pattern of the path.
    pub route: &'static str,
    pub status: u16,
    pub ms: u64,
    /// Of a request for pictures.
    pub finished: Option<&'a Finished>,
    /// Of an operator's.
    pub by: Option<&'a str>,
}

pub fn request(line: &Line<'_>) {
    let mut members = Map::new();
    if let Some(Value::Object(finished)) = line.finished.and_then(|finished| serde_json::to_value(finished).ok()) {
        members.extend(
            finished.into_iter().filter(|(name, value)| !value.is_null() && name != "at_ms" && name != "request"),
        );
    }
    let mut say = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    say("event", "request".into());
    say("request_id", line.request.as_str().into());
    say("traceparent", line.traceparent.into());
    say("method", line.method.into());
    say("route", line.route.into());
    say("status", line.status.into());
    say("ms", line.ms.into());
    if let Some(by) = line.by {
        say("by", by.into());
    }
    let text = Value::Object(members);
    if line.status >= 500 {
        worker::console_error!("{}", text);
    } else {
        worker::console_log!("{}", text);
    }
}

/// The scheduled work is done.
pub fn maintained(ms: u64) {
    worker::console_log!("{}", json!({ "event": "maintained", "ms": ms }));
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
