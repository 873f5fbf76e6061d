use serde_json::{Value, json};

use super::super::{Bill, Bucket, Cost, Exact, Export, Used};
use super::{A, DAY};
use crate::ApiError;
use crate::money::{NanoUsd, PriceTable};

fn read(text: &str) -> Result<Export, ApiError> {
    let table = PriceTable::built_in().unwrap();
    Export::read(text.as_bytes(), &|model| table.price(model).ok())
}

fn bill(id: Option<&str>, at_ms: u64, cost: u64) -> Bill {
    Bill { at_ms, id: id.map(str::to_owned), model: A.to_owned(), cost: NanoUsd(cost) }
}

#[track_caller]
fn check(text: &str, expected: &[Bill]) {
    assert_eq!(
        read(text).unwrap_or_else(|error| panic!("{text}: {error}")),
        Export::Requests(expected.to_vec()),
        "{text}"
    );
}

#[test]
fn lists_of_calls() {
    let one = json!({ "id": "r1", "at": DAY, "model": A, "cost_nano_usd": 6_055_000, "prompt": "x", "n": 1 });
    let two =
        json!({ "request_id": "r2", "id": "bill_2", "created_at": DAY / 1_000, "model": A, "cost_usd": "0.04112" });
    let three = json!({ "id": null, "at": "2026-11-24T01:00:00+01:00", "model": A, "cost_usd": 0.5, "usage": null });
    let four =
        json!({ "id": "", "at": DAY.to_string(), "model": A, "usage": { "input_tokens": 10, "output_tokens": 100 } });
    let bills = [
        bill(Some("r1"), DAY, 6_055_000),
        bill(Some("r2"), DAY, 41_120_000),
        bill(None, DAY, 500_000_000),
        bill(None, DAY, 3_080_000),
    ];
    let all = json!([one, two, three, four]);
    check(&all.to_string(), &bills);
    check(&serde_json::to_string_pretty(&all).unwrap(), &bills);
    check(&format!("\u{feff}\n {all}\n\n"), &bills);
    check(&json!({ "bills": all }).to_string(), &bills);
    check(&serde_json::to_string_pretty(&json!({ "object": "list", "data": all })).unwrap(), &bills);
    check(&format!("{one}\n{two}\r\n\n{three}\n{four}"), &bills);
    check(&one.to_string(), &bills[..1]);
    for empty in ["[]", "{\"bills\":[]}", "{\"object\":\"page\",\"data\":[]}"] {
        check(empty, &[]);
        assert_eq!(read(empty).unwrap().span(), None);
    }
    assert_eq!(read(&all.to_string()).unwrap().span(), Some((DAY, DAY + 1)));
    // A number is its text: as a float this would be another.
    check(
        &format!("[{{\"at\":{DAY},\"model\":\"{A}\",\"cost_usd\":9007199254.740993001}}]"),
        &[bill(None, DAY, 9_007_199_254_740_993_001)],
    );
}

#[test]
fn tables_of_calls() {
    check(
        &format!(
            "id,at,model,cost_usd,note\r\nr1,{DAY},{A},0.006055,\"a, b\"\r\n,2026-11-24T00:00:00Z,{A}, 0.00000001 ,\"two\nlines\"\r\n"
        ),
        &[bill(Some("r1"), DAY, 6_055_000), bill(None, DAY, 10)],
    );
    check(
        &format!(
            "\u{feff}request_id,created_at,model,usage,cost_nano_usd\nr1,{},{A},\"{{\"\"input_tokens\"\":10,\"\"output_tokens\"\":100}}\",\nr2,{DAY},{A},,7\n",
            DAY / 1_000
        ),
        &[bill(Some("r1"), DAY, 3_080_000), bill(Some("r2"), DAY, 7)],
    );
    check("at,model,cost_usd\n", &[]);
}

#[track_caller]
fn refuse(text: &str, line: usize, field: &str) {
    let error = read(text).expect_err(text);
    assert_eq!(
        (error.status, error.code.as_deref(), error.param.as_deref()),
        (400, Some("invalid_export"), Some(field)),
        "{text}: {error}"
    );
    assert!(error.message.starts_with(&format!("Line {line} of the export: '{field}'")), "{}", error.message);
}

#[test]
fn refusals_name_line_and_field() {
    let good = json!({ "id": "r", "at": DAY, "model": A, "cost_nano_usd": 7 });
    for (member, value, field) in [
        ("at", json!(null), "at"),
        ("at", json!("yesterday"), "at"),
        ("at", json!(1.5), "at"),
        ("at", json!({}), "at"),
        ("model", json!(null), "model"),
        ("model", json!(7), "model"),
        ("id", json!(7), "id"),
        ("request_id", json!([]), "request_id"),
        ("cost_nano_usd", json!(null), "cost_usd"),
        ("cost_nano_usd", json!(-7), "cost_nano_usd"),
        ("cost_nano_usd", json!(0.5), "cost_nano_usd"),
        ("cost_nano_usd", json!(true), "cost_nano_usd"),
        ("cost_nano_usd", json!("18446744073709551616"), "cost_nano_usd"),
        ("cost_usd", json!("0.000000008"), "cost_usd"),
        ("cost_usd", json!("0.0000000071"), "cost_usd"),
        ("cost_usd", json!("-1"), "cost_usd"),
        ("cost_usd", json!("1 USD"), "cost_usd"),
        ("cost_usd", json!([]), "cost_usd"),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        refuse(&format!("{good}\n\n{bad}\n"), 3, field);
        refuse(&format!("[\n{good},\n  {bad}]"), 3, field);
        refuse(&format!("{{\"bills\": [{good}\n,{bad}]}}"), 2, field);
    }
    let usage = |usage: Value, model: &str| json!([{ "at": DAY, "model": model, "usage": usage }]).to_string();
    refuse(&usage(json!({ "input_tokens": 1 }), A), 1, "usage");
    refuse(&usage(json!(7), A), 1, "usage");
    refuse(&usage(json!({ "input_tokens": 1, "output_tokens": 1 }), "gpt-image-9"), 1, "usage");
    refuse(&usage(json!({ "input_tokens": u64::MAX, "output_tokens": 1 }), A), 1, "usage");
    refuse("[1]", 1, "body");
    refuse("[\n{},\n[]]", 3, "body");
    refuse("{\n\"bills\": 7}", 2, "body");
    refuse("{\"a\": 1,\n\"a\": 2}", 2, "body");
    refuse("[{\"at\": 1,\n}]", 2, "body");
    refuse("{\"at\": 1\n", 2, "body");
    refuse(&format!("{good}\n{{\"at\":"), 2, "body");
    refuse(
        &json!({ "bills": [(0..101).map(|at| (at.to_string(), json!(1))).collect::<serde_json::Map<_, _>>()] })
            .to_string(),
        1,
        "body",
    );
}

#[test]
fn refusals_of_tables_name_line_and_field() {
    refuse("", 1, "at' or 'created_at");
    refuse("hello", 1, "at' or 'created_at");
    refuse("id,at,cost_usd\n", 1, "model");
    refuse("id,at,model\n", 1, "cost_nano_usd' or 'cost_usd' or 'usage");
    refuse("at,model,cost_usd,at\n", 1, "at");
    refuse(&format!("at,model,cost_usd\n{DAY},{A},1\n{DAY},{A}\n"), 3, "body");
    refuse(&format!("at,model,cost_usd\n{DAY},{A},1\n\n{DAY},{A},x\n"), 4, "cost_usd");
    refuse(&format!("at,model,cost_usd\n{DAY},,1\n"), 2, "model");
    let error = Export::read(b"at,model\n\xff", &|_| None).unwrap_err();
    assert!(error.message.starts_with("Line 2 of the export: 'body' is not UTF-8"), "{}", error.message);
}

fn page(start_s: u64, results: &Value) -> Value {
    json!({ "object": "page", "has_more": false, "next_page": null, "data": [
        { "object": "bucket", "start_time": start_s, "end_time": start_s + 86_400, "results": results },
    ]})
}

fn bucket<R>(start_ms: u64, results: Vec<R>) -> Bucket<R> {
    Bucket { start_ms, end_ms: start_ms + super::DAY_MS, results }
}

#[test]
fn pages_of_the_provider() {
    let day_s = DAY / 1_000;
    let used = |model: Option<&str>, requests, images| Used { model: model.map(str::to_owned), requests, images };
    let result = json!({
        "object": "organization.usage.images.result", "images": 4, "num_model_requests": 3, "source": null, "size": null,
        "project_id": null, "user_id": null, "api_key_id": null, "model": A,
    });
    let usage = page(day_s, &json!([result, { "images": 1, "num_model_requests": 1, "model": null }]));
    let expected = vec![bucket(DAY, vec![used(Some(A), 3, 4), used(None, 1, 1)])];
    assert_eq!(read(&usage.to_string()).unwrap(), Export::Usage(expected.clone()));
    assert_eq!(read(&serde_json::to_string_pretty(&usage).unwrap()).unwrap().span(), Some((DAY, DAY + super::DAY_MS)));
    // Pages one after the other, one in a line or all in a list; a day in which nothing was used.
    let empty = page(day_s + 86_400, &json!([]));
    let two = [expected, vec![bucket(DAY + super::DAY_MS, vec![])]].concat();
    assert_eq!(read(&format!("{usage}\n{empty}")).unwrap(), Export::Usage(two.clone()));
    assert_eq!(read(&json!([usage, empty]).to_string()).unwrap(), Export::Usage(two));
    let amount = |value: Value, item: Value| json!({ "object": "organization.costs.result", "amount": { "value": value, "currency": "usd" }, "line_item": item });
    let text =
        page(day_s, &json!([amount(json!("0.0042"), json!("gpt-image-2, output")), amount(json!(0.06), Value::Null)]));
    let cost = |amount: &str, item: Option<&str>| Cost {
        item: item.map(str::to_owned),
        amount: Exact::parse(amount).unwrap(),
    };
    let expected = vec![bucket(DAY, vec![cost("0.0042", Some("gpt-image-2, output")), cost("0.06", None)])];
    assert_eq!(read(&text.to_string()).unwrap(), Export::Costs(expected));
    // A number with more digits than a float has.
    let long = page(day_s, &json!([amount(json!("N"), Value::Null)]))
        .to_string()
        .replace("\"N\"", "0.1300000000000000000000000001");
    let error = read(&long).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("value"));
    let fits = long.replace("0001", "0001e1");
    assert_eq!(
        read(&fits).unwrap(),
        Export::Costs(vec![bucket(DAY, vec![cost("1.300000000000000000000000001", None)])])
    );
}

#[test]
fn refusals_of_pages() {
    let day_s = DAY / 1_000;
    let of = |result: Value| serde_json::to_string_pretty(&page(day_s, &json!([result]))).unwrap();
    for (result, field) in [
        (json!({ "object": "organization.usage.completions.result", "input_tokens": 5 }), "results"),
        (json!({ "images": 1 }), "results"),
        (json!({ "images": 1.5, "num_model_requests": 1 }), "images"),
        (json!({ "images": 1, "num_model_requests": "1" }), "num_model_requests"),
        (json!({ "images": 1, "num_model_requests": 1, "model": 7 }), "model"),
        (json!({ "amount": { "value": 1, "currency": "eur" } }), "currency"),
        (json!({ "amount": { "value": 1 } }), "currency"),
        (json!({ "amount": { "currency": "usd" } }), "value"),
        (json!({ "amount": { "value": -1, "currency": "usd" } }), "value"),
        (json!({ "amount": { "value": [], "currency": "usd" } }), "value"),
        (json!({ "amount": { "value": 1, "currency": "usd" }, "line_item": 7 }), "line_item"),
        (json!({ "amount": 7 }), "body"),
    ] {
        let error = read(&of(result.clone())).expect_err(&result.to_string());
        assert_eq!(error.param.as_deref(), Some(field), "{result}: {error}");
    }
    let mixed = json!([{ "images": 1, "num_model_requests": 1 }, { "amount": { "value": 1, "currency": "usd" } }]);
    refuse(&page(day_s, &mixed).to_string(), 1, "results");
    let bucket =
        |start: Value, end: Value| json!([{ "start_time": start, "end_time": end, "results": [] }]).to_string();
    refuse(&bucket(json!(day_s), json!(day_s)), 1, "end_time");
    refuse(&bucket(json!(day_s), json!(day_s + 86_401)), 1, "end_time");
    refuse(&bucket(json!(day_s + 1), json!(day_s + 86_401)), 1, "end_time");
    refuse(&bucket(json!("x"), json!(day_s)), 1, "start_time");
    refuse(&bucket(json!(day_s), Value::Null), 1, "end_time");
    refuse(&bucket(json!(u64::MAX), json!(u64::MAX)), 1, "start_time");
    assert!(read(&bucket(json!(day_s), json!(day_s + 60))).is_ok());
    refuse(&json!([{ "start_time": 0, "end_time": 9, "results": [] }, { "start_time": 0 }]).to_string(), 1, "end_time");
}

proptest::proptest! {
    #[test]
    fn any_export_is_tolerated(text in "[\\[{\"a-z:0-9,.}\\]\n -]{0,200}", bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100)) {
        let _ = read(&text);
        let _ = Export::read(&bytes, &|_| None);
    }
}
