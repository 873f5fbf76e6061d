//! How calls are to behave: scope is the settings of the control route and what they mean.

use serde_json::{Map, Value, json};

/// The names of the settings, in the order in which they are reported.
const SETTINGS: [&str; 5] = ["latency_ms", "fail", "retry_after_ms", "times", "pad_bytes"];

/// The ways in which a call can fail on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    RateLimit,
    Quota,
    Moderation,
    Unauthorized,
    Unverified,
    ServerError,
    Overloaded,
    Empty404,
    ErrorAfterBilling,
    CutBeforeBilling,
    CutMidBody,
    Hang,
    Garbage,
    NotAnImage,
}

const FAILURES: [(&str, Failure); 14] = [
    ("rate_limit", Failure::RateLimit),
    ("quota", Failure::Quota),
    ("moderation", Failure::Moderation),
    ("unauthorized", Failure::Unauthorized),
    ("unverified", Failure::Unverified),
    ("server_error", Failure::ServerError),
    ("overloaded", Failure::Overloaded),
    ("empty_404", Failure::Empty404),
    ("error_after_billing", Failure::ErrorAfterBilling),
    ("cut_before_billing", Failure::CutBeforeBilling),
    ("cut_mid_body", Failure::CutMidBody),
    ("hang", Failure::Hang),
    ("garbage", Failure::Garbage),
    ("not_an_image", Failure::NotAnImage),
];

/// What is in force. The default is to answer at once and never to fail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behaviour {
    /// How long every call takes at least.
    pub(crate) latency_ms: u64,
    /// How the next `times` calls fail.
    pub(crate) fail: Option<Failure>,
    /// What `retry-after-ms` says where a failure has it.
    pub(crate) retry_after_ms: Option<u64>,
    times: u64,
    /// The least size of a PNG file; zero leaves it as it is.
    pub(crate) pad_bytes: u64,
}

impl Behaviour {
    /// Applies a change from the control route; a setting that is absent keeps its value.
    ///
    /// A change that is wrong anywhere changes nothing at all.
    pub(crate) fn change(&mut self, change: &Map<String, Value>) -> Result<(), String> {
        if let Some(name) = change.keys().find(|name| !SETTINGS.contains(&name.as_str())) {
            let known = SETTINGS.join(", ");
            return Err(format!("unknown setting '{name}'; the settings are: {known}"));
        }
        let mut next = self.clone();
        let latency = number(change, "latency_ms", Some(next.latency_ms))?;
        next.latency_ms = latency.unwrap_or(0);
        next.pad_bytes = number(change, "pad_bytes", Some(next.pad_bytes))?.unwrap_or(0);
        next.retry_after_ms = number(change, "retry_after_ms", next.retry_after_ms)?;
        if let Some(value) = change.get("fail") {
            next.fail = failure(value)?;
            next.times = u64::from(next.fail.is_some());
        }
        next.times = number(change, "times", Some(next.times))?.unwrap_or(0);
        next.forget_spent_failure();
        *self = next;
        Ok(())
    }

    /// The behaviour of one call, which uses up one failure.
    pub(crate) fn take(&mut self) -> Self {
        let taken = self.clone();
        self.times = self.times.saturating_sub(1);
        self.forget_spent_failure();
        taken
    }

    /// What is in force, under the names of the settings.
    pub(crate) fn report(&self) -> Value {
        let named = FAILURES.iter().find(|(_, failure)| Some(*failure) == self.fail);
        json!({
            "latency_ms": self.latency_ms,
            "fail": named.map(|(name, _)| name),
            "retry_after_ms": self.retry_after_ms,
            "times": self.times,
            "pad_bytes": self.pad_bytes,
        })
    }

    fn forget_spent_failure(&mut self) {
        if self.times == 0 {
            self.fail = None;
        }
        if self.fail.is_none() {
            self.times = 0;
        }
    }
}

fn failure(value: &Value) -> Result<Option<Failure>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let found = FAILURES.iter().find(|(name, _)| value.as_str() == Some(name));
    if let Some((_, failure)) = found {
        return Ok(Some(*failure));
    }
    let names: Vec<&str> = FAILURES.iter().map(|(name, _)| *name).collect();
    let known = names.join(", ");
    Err(format!("unknown failure {value}; the failures are: {known}"))
}

/// Reads a number: one that is absent stays as it is, and `null` takes it away.
fn number(change: &Map<String, Value>, name: &str, current: Option<u64>) -> Result<Option<u64>, String> {
    match change.get(name) {
        None => Ok(current),
        Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(format!("'{name}' must be a whole number of zero or more")),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Behaviour;

    fn changed(behaviour: &mut Behaviour, change: &Value) -> Result<(), String> {
        behaviour.change(change.as_object().expect("an object"))
    }

    /// Each case is a change and what is in force after it, one after the other.
    #[test]
    fn changes_keep_what_they_do_not_name() {
        let mut behaviour = Behaviour::default();
        let steps = [
            (json!({"latency_ms": 7}), json!([7, null, null, 0, 0])),
            (json!({"fail": "quota"}), json!([7, "quota", null, 1, 0])),
            (json!({"fail": "rate_limit", "times": 3, "retry_after_ms": 5}), json!([7, "rate_limit", 5, 3, 0])),
            (json!({"pad_bytes": 9}), json!([7, "rate_limit", 5, 3, 9])),
            (json!({"times": 0}), json!([7, null, 5, 0, 9])),
            (json!({"times": 4}), json!([7, null, 5, 0, 9])),
            (json!({"fail": "hang", "retry_after_ms": null}), json!([7, "hang", null, 1, 9])),
            (json!({"fail": null}), json!([7, null, null, 0, 9])),
        ];
        for (change, expected) in steps {
            changed(&mut behaviour, &change).expect("a right change");
            let report = behaviour.report();
            let found: Vec<&Value> = super::SETTINGS.iter().map(|name| &report[*name]).collect();
            assert_eq!(json!(found), expected, "after {change}");
        }
    }

    #[test]
    fn a_wrong_change_changes_nothing() {
        let cases = [
            (json!({"latency_ms": 9, "fail": "no_such"}), "not_an_image"),
            (json!({"latency_ms": 9, "delay": 1}), "pad_bytes"),
            (json!({"latency_ms": -1}), "whole number"),
            (json!({"latency_ms": 9, "times": "2"}), "whole number"),
        ];
        for (change, part) in cases {
            let mut behaviour = Behaviour::default();
            let message = changed(&mut behaviour, &change).expect_err("a wrong change");
            assert!(message.contains(part), "{message}");
            assert_eq!(behaviour.latency_ms, 0, "after {change}");
        }
    }

    #[test]
    fn failures_are_used_up() {
        let mut behaviour = Behaviour::default();
        changed(&mut behaviour, &json!({"fail": "quota", "times": 2})).expect("a right change");
        let taken: Vec<bool> = (0..3).map(|_| behaviour.take().fail.is_some()).collect();
        assert_eq!(taken, [true, true, false]);
    }
}
