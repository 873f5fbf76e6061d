use serde_json::json;

use super::*;
use crate::desk::{Desk, NOW_MS, document, now, refusal};

fn run(desk: &Desk, by: &str, act: Act, body: &Value) -> (Reply<Vec<u8>>, Option<Versioned>) {
    now(Operate { ports: desk, by }.run(act, body.to_string().as_bytes()))
}

#[test]
fn what_is_put_is_shown_and_believed_at_once() {
    let desk = Desk::default();
    let (reply, known) = run(&desk, "admin", Act::Show, &Value::Null);
    assert_eq!(known, Some(Versioned::default()));
    assert_eq!(document(&reply).1["version"], 0);
    let change = json!({ "version": 0, "settings": { "generation": "off", "retention": { "max_idle_days": 30 } } });
    let (reply, known) = run(&desk, "client/ops", Act::Change, &change);
    let expected = json!({
        "version": 1, "changed_ms": NOW_MS, "by": "client/ops", "effective_within_seconds": 60,
        "settings": {
            "generation": "off", "default_model": null, "models": null, "prices": null,
            "retention": { "max_bytes": null, "max_idle_days": 30 },
        },
    });
    assert_eq!(document(&reply), (200, expected.clone()));
    let known = known.unwrap();
    assert_eq!((known.version, json!(known.settings)), (1, expected["settings"].clone()));
    assert_eq!(document(&run(&desk, "admin", Act::Show, &Value::Null).0).1, expected);
    assert_eq!(now(in_force(&desk)).unwrap(), known);
    run(&desk, "admin", Act::Change, &json!({ "version": 1, "settings": { "generation": "on" } }));
    let (reply, known) = run(&desk, "admin", Act::History { before: None, limit: 1 }, &Value::Null);
    let (status, page) = document(&reply);
    assert_eq!(
        (status, &page["next"], page["history"][0]["by"].as_str(), known),
        (200, &json!(2), Some("admin"), None)
    );
    let (reply, _) = run(&desk, "admin", Act::History { before: Some(2), limit: 1 }, &Value::Null);
    assert_eq!(document(&reply).1, json!({ "history": [expected], "next": null }));
}

#[track_caller]
fn refuse(body: &str, status: u16, code: &str, param: &str) {
    let desk = Desk::default();
    run(&desk, "client/ops", Act::Change, &json!({ "version": 0, "settings": { "generation": "off" } }));
    let (reply, known) = now(Operate { ports: &desk, by: "admin" }.run(Act::Change, body.as_bytes()));
    assert_eq!(refusal(&reply), (status, code.to_owned(), Some(param.to_owned())), "{body}");
    assert_eq!(known, None);
    assert_eq!(now(in_force(&desk)).unwrap().version, 1);
}

#[test]
fn refusals_change_nothing() {
    refuse("{", 400, "invalid_json", "body");
    refuse("[]", 400, "invalid_json", "body");
    refuse("{\"version\":1,\"generation\":\"on\"}", 400, "unknown_parameter", "generation");
    refuse("{\"version\":\"1\",\"settings\":{}}", 400, "invalid_type", "version");
    refuse("{\"version\":-1,\"settings\":{}}", 400, "invalid_type", "version");
    refuse("{\"version\":1}", 400, "invalid_type", "settings");
    refuse("{\"version\":1,\"settings\":null}", 400, "invalid_type", "settings");
    refuse("{\"settings\":{\"generation\":\"on\"}}", 400, "missing_required_parameter", "version");
    refuse("{\"version\":null,\"settings\":{\"generation\":\"on\"}}", 400, "missing_required_parameter", "version");
    refuse("{\"version\":0,\"settings\":{\"generation\":\"on\"}}", 409, "version_conflict", "version");
    refuse("{\"version\":1,\"settings\":{\"generation\":\"of\"}}", 400, "invalid_value", "generation");
    refuse("{\"version\":1,\"settings\":{\"generations\":\"on\"}}", 400, "unknown_parameter", "generations");
}

#[test]
fn an_account_out_of_reach_is_said_to_be_so() {
    let desk = Desk::default();
    desk.accounts_down.set(true);
    for act in [Act::Show, Act::Change, Act::History { before: None, limit: 1 }] {
        let (reply, known) = run(&desk, "admin", act, &json!({ "version": 0, "settings": {} }));
        assert_eq!((refusal(&reply).0, refusal(&reply).1.as_str(), known), (503, "account_unavailable", None));
    }
    assert!(now(in_force(&desk)).is_err());
}

#[test]
fn queries_of_the_history() {
    let read =
        |query: &str| Act::history(&Query::parse(query).unwrap()).map_err(|error| error.param.unwrap().into_owned());
    assert_eq!(read(""), Ok(Act::History { before: None, limit: 20 }));
    assert_eq!(read("before=7&limit=100"), Ok(Act::History { before: Some(7), limit: 100 }));
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("before=-1", "before"),
        ("after=1", "after"),
    ] {
        assert_eq!(read(query), Err(param.to_owned()), "{query}");
    }
    assert!(Act::Change.has_body() && !Act::Show.has_body());
}
