use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::money::PriceTable;

const A: &str = "gpt-image-2";
const B: &str = "gpt-image-2.6-flare";

fn price() -> Value {
    json!({
        "token_rule": "gpt-image-2", "text_in": 1, "cached_text_in": 1, "image_in": 2, "cached_image_in": 1, "image_out": 3,
    })
}

fn table(models: &Value) -> Value {
    json!({ "source": "the contract of 2026", "as_of": "2026-11-24", "models": models })
}

fn change(from: &RuntimeSettings, body: &Value) -> Result<RuntimeSettings, ApiError> {
    from.changed(body.as_object().unwrap())
}

/// Everything set.
fn full() -> RuntimeSettings {
    let body = json!({
        "generation": "off", "default_model": A, "models": [A, B], "prices": table(&json!({ A: price(), B: price() })),
        "retention": { "max_bytes": 1_000_000, "max_idle_days": 3_650 },
    });
    change(&RuntimeSettings::default(), &body).unwrap()
}

/// What a change makes of everything that was set, member by member.
#[track_caller]
fn check(body: &Value, expected: &Value) {
    let changed = change(&full(), body).unwrap();
    let mut whole = serde_json::to_value(full()).unwrap();
    whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
    assert_eq!(serde_json::to_value(changed).unwrap(), whole, "{body}");
}

#[test]
fn what_is_not_given_stays() {
    check(&json!({}), &json!({}));
    check(&json!({ "generation": "on" }), &json!({ "generation": "on" }));
    check(&json!({ "default_model": B }), &json!({ "default_model": B }));
    check(&json!({ "default_model": null }), &json!({ "default_model": null }));
    check(&json!({ "models": [A] }), &json!({ "models": [A] }));
    check(&json!({ "models": null }), &json!({ "models": null }));
    check(&json!({ "prices": null }), &json!({ "prices": null }));
    check(&json!({ "retention": {} }), &json!({}));
    let kept = json!({ "retention": { "max_bytes": null, "max_idle_days": 3_650 } });
    check(&json!({ "retention": { "max_bytes": null } }), &kept);
    let kept = json!({ "retention": { "max_bytes": 1_000_000, "max_idle_days": 1 } });
    check(&json!({ "retention": { "max_idle_days": 1 } }), &kept);
    let other = table(&json!({ A: price(), B: price(), "gpt-image-9": price() }));
    check(&json!({ "prices": other }), &json!({ "prices": other }));
    let snapshot = "gpt-image-2-2026-04-21";
    check(&json!({ "models": [snapshot, A] }), &json!({ "models": [snapshot, A] }));
}

#[track_caller]
fn refuse(body: &Value, param: &str, code: &str) {
    let error = change(&full(), body).expect_err(&body.to_string());
    let got = (error.status, error.param.as_deref(), error.code.as_deref());
    assert_eq!(got, (400, Some(param), Some(code)), "{body}: {}", error.message);
    assert!(error.message.contains(param) && error.message.ends_with('.'), "{}", error.message);
}

#[test]
fn refusals_name_the_member() {
    refuse(&json!({ "generations": "on" }), "generations", "unknown_parameter");
    refuse(&json!({ "version": 1 }), "version", "unknown_parameter");
    refuse(&json!({ "retention": { "max_byte": 1 } }), "retention.max_byte", "unknown_parameter");
    for (body, param) in [
        (json!({ "generation": null }), "generation"),
        (json!({ "generation": true }), "generation"),
        (json!({ "generation": "OFF" }), "generation"),
        (json!({ "default_model": 1 }), "default_model"),
        (json!({ "default_model": "gpt-image-3" }), "default_model"),
        (json!({ "default_model": "gpt-image-1.5" }), "default_model"),
        (json!({ "models": [B] }), "default_model"),
        (json!({ "models": [] }), "models"),
        (json!({ "models": A }), "models"),
        (json!({ "models": [A, A] }), "models"),
        (json!({ "models": [A, "dall-e-3"] }), "models"),
        (json!({ "models": [A, null] }), "models"),
        (json!({ "models": [A, "gpt-image-2.5-flare"] }), "models"),
        (json!({ "default_model": "gpt-image-2.5-flare", "models": null }), "default_model"),
        (json!({ "retention": null }), "retention"),
        (json!({ "retention": 5 }), "retention"),
        (json!({ "retention": { "max_bytes": 999_999 } }), "retention.max_bytes"),
        (json!({ "retention": { "max_bytes": "1000000" } }), "retention.max_bytes"),
        (json!({ "retention": { "max_bytes": 1e9 } }), "retention.max_bytes"),
        (json!({ "retention": { "max_idle_days": 0 } }), "retention.max_idle_days"),
        (json!({ "retention": { "max_idle_days": 3_651 } }), "retention.max_idle_days"),
        (json!({ "retention": { "max_idle_days": -1 } }), "retention.max_idle_days"),
        (json!({ "prices": [] }), "prices"),
        (json!({ "prices": {} }), "prices.source"),
        (json!({ "prices": table(&json!({ A: price() })) }), "models"),
    ] {
        refuse(&body, param, "invalid_value");
    }
}

/// The price table is right but for one thing.
#[track_caller]
fn refuse_table(path: &[&str], value: Value, param: &str) {
    let mut table = table(&json!({ A: price(), B: price() }));
    let mut place = &mut table;
    for name in path {
        place = &mut place[*name];
    }
    *place = value;
    refuse(&json!({ "prices": table }), &format!("prices.{param}"), "invalid_value");
}

#[test]
fn a_table_with_a_mistake_is_refused() {
    refuse_table(&["source"], json!(" "), "source");
    refuse_table(&["source"], json!(7), "source");
    refuse_table(&["source"], json!("x".repeat(1_001)), "source");
    refuse_table(&["as_of"], json!("today"), "as_of");
    refuse_table(&["models"], json!({}), "models");
    refuse_table(&["models"], Value::Null, "models");
    refuse_table(&["unit"], json!("usd"), "unit");
    refuse_table(&["models", ""], price(), "models.");
    refuse_table(&["models", A], Value::Null, "models.gpt-image-2");
    refuse_table(&["models", A, "token_rule"], json!("gpt-image-9"), "models.gpt-image-2");
    refuse_table(&["models", A, "image_oot"], json!(1), "models.gpt-image-2");
    for wrong in [json!(0), json!(-1), json!(0.5), json!("3"), Value::Null] {
        refuse_table(&["models", A, "image_out"], wrong, "models.gpt-image-2.image_out");
    }
    refuse_table(&["models", A, "text_out"], json!(0), "models.gpt-image-2.text_out");
    let mut without = price();
    without.as_object_mut().unwrap().remove("cached_text_in");
    refuse_table(&["models", A], without, "models.gpt-image-2");
    let free = json!({ "prices": table(&json!({ A: price(), B: price() })) });
    assert!(change(&full(), &free).is_ok());
    let built_in = serde_json::to_value(PriceTable::built_in().unwrap()).unwrap();
    assert!(change(&RuntimeSettings::default(), &json!({ "prices": built_in })).is_ok());
}

#[test]
fn the_default_is_one_that_may_be_asked_for() {
    let of = |body: Value| change(&RuntimeSettings::default(), &body).unwrap().default_model(A).to_owned();
    assert_eq!(of(json!({})), A);
    assert_eq!(of(json!({ "default_model": B })), B);
    assert_eq!(of(json!({ "models": [B, A] })), A);
    assert_eq!(of(json!({ "models": [B] })), B);
    let only_b = change(&RuntimeSettings::default(), &json!({ "models": [B] })).unwrap();
    assert!(only_b.permits(B).is_ok() && RuntimeSettings::default().permits(A).is_ok());
    let error = only_b.permits(A).unwrap_err();
    assert_eq!((error.status, error.code.as_deref()), (403, Some("model_not_allowed")));
    assert!(error.message.contains(A) && error.message.contains(B));
}

#[test]
fn the_refusal_of_the_switch_sends_nobody_round_again() {
    let error = paused();
    assert_eq!((error.status, error.retry, error.retry_after_ms), (503, crate::error::Retry::Never, None));
}

proptest! {
    /// What is kept is read again, and a change that says nothing changes nothing.
    #[test]
    fn what_is_accepted_survives_the_store(off in any::<bool>(), bytes in 1_000_000_u64.., days in 1_u32..=3_650, few in any::<bool>()) {
        let models = if few { json!([A]) } else { Value::Null };
        let body = json!({
            "generation": if off { "off" } else { "on" }, "models": models,
            "retention": { "max_bytes": bytes, "max_idle_days": days },
        });
        let settings = change(&full(), &body).unwrap();
        let text = serde_json::to_string(&settings).unwrap();
        prop_assert_eq!(&serde_json::from_str::<RuntimeSettings>(&text).unwrap(), &settings);
        prop_assert_eq!(&change(&settings, &json!({})).unwrap(), &settings);
        // The document that is shown can be sent back as it is.
        prop_assert_eq!(change(&RuntimeSettings::default(), &serde_json::to_value(&settings).unwrap()).unwrap(), settings);
    }
}
