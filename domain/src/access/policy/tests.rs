use serde_json::{Value, json};

use super::*;
use crate::picture::Asked;
use crate::picture::request;

fn defaults() -> Defaults {
    Defaults { namespace: "default".to_owned(), unknown_hold: UnknownHold::Ms(600_000) }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn read(value: &Value) -> Result<Policy, ApiError> {
    Policy::read(&object(value), &defaults())
}

fn least() -> Value {
    json!({ "budget_per_day_usd": "10.00", "budget_per_month_usd": null })
}

fn with(change: &Value) -> Value {
    let mut all = least();
    all.as_object_mut().unwrap().extend(object(change));
    all
}

#[test]
fn what_is_left_out_is_filled_in_and_shown() {
    let policy = read(&least()).unwrap();
    assert_eq!(policy.limits.budget_per_day, Some(NanoUsd(10_000_000_000)));
    let shown = json!({
        "budget_per_day_usd": "10.00", "budget_per_month_usd": null, "models": null, "sizes": null, "qualities": null,
        "requests_per_minute": null, "concurrent_generations": null, "dedup": "on", "namespace": "default",
        "unknown_hold_seconds": 600, "tags": [], "when_suspended": "cached",
    });
    assert_eq!(json!(policy), shown);
    // What is stored is read again.
    assert_eq!(serde_json::from_value::<Policy>(shown).unwrap(), policy);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    #[track_caller]
    fn check(change: &Value, part: &str) {
        let error = read(&with(change)).unwrap_err();
        assert_eq!((error.status, error.code.as_deref()), (400, Some("invalid_value")));
        assert!(error.message.contains(part), "{}", error.message);
    }
    check(&json!({ "budget_per_day_usd": 10 }), "string");
    check(&json!({ "budget_per_day_usd": "ten" }), "digits");
    check(&json!({ "budget_per_day_usd": "-1" }), "digits");
    check(&json!({ "budget_per_day_usd": "0.0000000001" }), "digits");
    check(&json!({ "models": ["gpt-image-9"] }), "gpt-image-9");
    check(&json!({ "sizes": ["1024"] }), "1024");
    check(&json!({ "qualities": ["best"] }), "best");
    check(&json!({ "requests_per_minute": 0 }), "nonzero");
    check(&json!({ "requests_per_minute": -1 }), "-1");
    check(&json!({ "concurrent_generations": 1.5 }), "1.5");
    check(&json!({ "dedup": true }), "expected string or map");
    check(&json!({ "namespace": "a b" }), "namespace");
    check(&json!({ "namespace": "" }), "namespace");
    check(&json!({ "unknown_hold_seconds": "never" }), "operator");
    check(&json!({ "unknown_hold_seconds": 31_536_001 }), "operator");
    check(&json!({ "tags": ["a\u{7}"] }), "tags");
    check(&json!({ "tags": vec!["t"; 21] }), "tags");
    check(&json!({ "when_suspended": "all" }), "all");
    let error = read(&with(&json!({ "budget": "10.00" }))).unwrap_err();
    assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some("unknown_parameter"), Some("policy.budget")));
    // That nobody limits a client has to be said.
    for name in ["budget_per_day_usd", "budget_per_month_usd"] {
        let mut policy = least();
        policy.as_object_mut().unwrap().remove(name);
        assert!(read(&policy).unwrap_err().message.contains(name), "{name}");
    }
}

#[test]
fn a_change_changes_what_it_names() {
    let policy = read(&with(&json!({ "requests_per_minute": 60, "tags": ["a", "b"] }))).unwrap();
    let changed = policy
        .changed(&object(&json!({ "requests_per_minute": null, "tags": ["c"], "unknown_hold_seconds": "operator" })))
        .unwrap();
    let expected = Policy {
        limits: Limits { requests_per_minute: None, ..policy.limits },
        tags: vec!["c".to_owned()],
        unknown_hold: UnknownHold::Operator,
        ..policy.clone()
    };
    assert_eq!(changed, expected);
    assert!(policy.changed(&object(&json!({ "quality": [] }))).is_err());
    let limits = policy.limits;
    assert_eq!(limits.requests_per_minute, NonZeroU32::new(60));
    let limits = limits.changed(&object(&json!({ "budget_per_month_usd": "1.5" }))).unwrap();
    assert_eq!(limits.budget().per_month, Some(NanoUsd(1_500_000_000)));
    assert!(limits.changed(&object(&json!({ "models": null }))).is_err());
}

#[test]
fn pictures_are_held_against_it() {
    #[track_caller]
    fn check(policy: &Value, picture: &Value, expected: Result<(), (&str, &str)>) {
        let mut body = json!({ "prompt": "x", "model": "gpt-image-2" });
        body.as_object_mut().unwrap().extend(object(picture));
        let defaults = request::Defaults { namespace: "n", model: "gpt-image-2", now_s: 0 };
        let picture = Asked::from_json(body.to_string().as_bytes(), &defaults).unwrap().picture;
        let got = read(&with(policy)).unwrap().permits(&picture);
        match expected {
            Ok(()) => assert_eq!(got, Ok(())),
            Err((param, allowed)) => {
                let error = got.unwrap_err();
                let code = format!("{param}_not_allowed");
                assert_eq!((error.status, error.param.as_deref()), (403, Some(param)));
                assert_eq!(error.code.as_deref(), Some(code.as_str()));
                assert!(error.message.contains(allowed), "{}", error.message);
            }
        }
    }
    let none = json!({});
    check(&none, &json!({ "size": "1024x1024", "quality": "high" }), Ok(()));
    check(&json!({ "models": ["gpt-image-2"] }), &none, Ok(()));
    check(&json!({ "models": [] }), &none, Err(("model", "Allowed are")));
    check(
        &json!({ "models": ["gpt-image-2"] }),
        &json!({ "model": "gpt-image-2-2026-04-21" }),
        Err(("model", "'gpt-image-2'")),
    );
    // `auto` may become any size and any quality, so it has to be allowed by its name.
    check(&json!({ "sizes": ["1024x1024"] }), &none, Err(("size", "'1024x1024'")));
    check(&json!({ "sizes": ["auto", "1024x1024"] }), &none, Ok(()));
    check(&json!({ "sizes": ["1024x1024"] }), &json!({ "size": "1024x1536" }), Err(("size", "'1024x1024'")));
    check(&json!({ "qualities": ["low", "medium"] }), &none, Err(("quality", "'low', 'medium'")));
    check(&json!({ "qualities": ["low"] }), &json!({ "quality": "low" }), Ok(()));
}
