use serde_json::{Value, json};

use super::*;

/// `Ok`, or the parameter that is named and the code.
#[track_caller]
fn check(selector: &Value, expected: Result<(), (&str, &str)>) {
    let read: Selector = serde_json::from_value(selector.clone()).unwrap();
    let got = read.check();
    let got = got.as_ref().map_err(|error| {
        assert_eq!(error.status, 400, "{selector}");
        (error.param.as_deref().unwrap(), error.code.as_deref().unwrap())
    });
    assert_eq!(got, expected.as_ref().map_err(|wrong| *wrong), "{selector}");
}

#[track_caller]
fn refuse(selector: &Value, member: &str) {
    check(selector, Err((&format!("selector.{member}"), "invalid_selector")));
}

fn numbers(count: usize) -> String {
    (0..count).map(|at| at.to_string()).collect::<Vec<_>>().join(" ")
}

fn key() -> String {
    "0a".repeat(32)
}

#[test]
fn what_may_be_taken() {
    check(&json!({ "all": true }), Ok(()));
    check(&json!({ "keys": [key()] }), Ok(()));
    check(&json!({ "keys": [key(), key()], "model": "gpt-image-2.6-flare" }), Ok(()));
    check(&json!({ "keys": [key()], "takes": [0, 999] }), Ok(()));
    check(&json!({ "keys": vec![key(); MAX_KEYS] }), Ok(()));
    check(&json!({ "prompt": "a fox" }), Ok(()));
    check(&json!({ "prompt": "\"OR\" 🦊 x*" }), Ok(()));
    check(&json!({ "prompt": numbers(MAX_WORDS) }), Ok(()));
    check(&json!({ "tag": "spring", "client": "shop", "older_than_seconds": 1 }), Ok(()));
    check(&json!({ "older_than_seconds": MAX_NUMBER }), Ok(()));
}

#[test]
fn what_would_take_everything_by_accident() {
    check(&json!({}), Err(("selector", "empty_selector")));
    check(&json!({ "keys": null, "prompt": null, "all": null }), Err(("selector", "empty_selector")));
    refuse(&json!({ "all": false }), "all");
    refuse(&json!({ "all": false, "keys": [key()] }), "all");
    refuse(&json!({ "keys": [] }), "keys");
    refuse(&json!({ "keys": [], "client": "shop" }), "keys");
    refuse(&json!({ "older_than_seconds": 0 }), "older_than_seconds");
    for blank in ["", " ", "\t\n\u{3000}"] {
        for member in ["prompt", "tag", "client", "model"] {
            refuse(&json!({ member: blank }), member);
            refuse(&json!({ "keys": [key()], member: blank }), member);
        }
    }
    for wordless in ["*", "\"\"", "🦊", "- : ( )", "\u{0}\u{1b}"] {
        refuse(&json!({ "prompt": wordless }), "prompt");
    }
}

#[test]
fn all_stands_alone() {
    for (member, value) in [
        ("keys", json!([key()])),
        ("prompt", json!("fox")),
        ("tag", json!("spring")),
        ("client", json!("shop")),
        ("model", json!("m")),
        ("older_than_seconds", json!(60)),
        ("takes", json!([0])),
    ] {
        refuse(&json!({ "all": true, member: value }), "all");
    }
}

#[test]
fn takes_are_of_one_key() {
    refuse(&json!({ "takes": [0] }), "takes");
    refuse(&json!({ "keys": [key(), "1b".repeat(32)], "takes": [0] }), "takes");
    refuse(&json!({ "keys": [key()], "takes": [] }), "takes");
    refuse(&json!({ "keys": [key()], "takes": [1000] }), "takes");
}

#[test]
fn as_much_as_is_read_at_once() {
    refuse(&json!({ "keys": vec![key(); MAX_KEYS + 1] }), "keys");
    refuse(&json!({ "prompt": numbers(MAX_WORDS + 1) }), "prompt");
}

#[test]
fn what_is_not_known_is_not_read() {
    for wrong in [json!({ "key": key() }), json!({ "keys": ["0A"] }), json!({ "takes": [-1] }), json!({ "all": 1 })] {
        assert!(serde_json::from_value::<Selector>(wrong.clone()).is_err(), "{wrong}");
    }
}
