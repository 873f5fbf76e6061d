use proptest::prelude::*;

use super::super::day::Day;
use super::{PriceError, PriceTable};

fn table() -> PriceTable {
    PriceTable::built_in().unwrap()
}

/// Prices in the order text in, cached text in, text out, image in, cached image in, image out; in
/// nano-dollars per token, so thousandths of the published dollars per million. Zero: not published.
#[track_caller]
fn check(model: &str, expected: [u64; 6]) {
    let table = table();
    let price = table.price(model).unwrap();
    let found = [
        price.text_in.get(),
        price.cached_text_in.get(),
        price.text_out.map_or(0, u64::from),
        price.image_in.get(),
        price.cached_image_in.get(),
        price.image_out.get(),
    ];
    assert_eq!(found, expected, "{model}");
}

#[test]
fn published_prices() {
    let second = [5000, 1250, 0, 8000, 2000, 30000];
    check("gpt-image-2.6-flare", second);
    check("gpt-image-2.6-sunburst", second);
    check("gpt-image-2.5-flare", second);
    check("gpt-image-2.5-sunburst", second);
    check("gpt-image-2", second);
    check("gpt-image-1.5", [5000, 1250, 10000, 8000, 2000, 32000]);
    check("chatgpt-image-latest", [5000, 1250, 10000, 8000, 2000, 32000]);
    check("gpt-image-1-mini", [2000, 200, 0, 2500, 250, 8000]);
}

#[test]
fn snapshots_cost_what_their_model_costs() {
    check("gpt-image-2-2026-04-21", [5000, 1250, 0, 8000, 2000, 30000]);
    check("gpt-image-2.5-sunburst-2026-09-08", [5000, 1250, 0, 8000, 2000, 30000]);
    check("gpt-image-1.5-2025-12-16", [5000, 1250, 10000, 8000, 2000, 32000]);
}

#[test]
fn a_snapshot_may_have_its_own_price() {
    let mut table = table();
    let mini = table.price("gpt-image-1-mini").unwrap().clone();
    table.models.insert("gpt-image-2-2026-04-21".to_owned(), mini.clone());
    assert_eq!(table.price("gpt-image-2-2026-04-21").unwrap(), &mini);
    assert_ne!(table.price("gpt-image-2").unwrap(), &mini);
}

#[track_caller]
fn check_unknown(model: &str) {
    let table = table();
    let error = table.price(model).unwrap_err();
    assert!(matches!(&error, PriceError::UnknownModel { model: named } if named == model));
}

#[test]
fn an_unknown_model_is_never_free() {
    for model in [
        "",
        "dall-e-3",
        "gpt-image-1",
        "gpt-image-3",
        "gpt-image-2-",
        "GPT-IMAGE-2",
        "-2026-04-21",
        "gpt-image-2-2026-13-21",
        "gpt-image-2-latest",
        "gpt-image-2-2026-04-21-2026-04-21",
        "gpt-image-2é2026-04-21",
    ] {
        check_unknown(model);
    }
}

#[track_caller]
fn check_shut(model: &str, today: &str, expected: bool) {
    let today = Day::parse(today).unwrap();
    assert_eq!(table().price(model).unwrap().is_shut_down(&today), expected, "{model}");
}

#[test]
fn models_end() {
    for model in ["gpt-image-1.5", "gpt-image-1-mini", "chatgpt-image-latest"] {
        check_shut(model, "2026-11-30", false);
        check_shut(model, "2026-12-01", true);
        check_shut(model, "2027-01-01", true);
    }
    check_shut("gpt-image-2.6-flare", "2099-12-31", false);
}

#[track_caller]
fn check_refused(from: &str, to: &str) {
    let json = serde_json::to_string(&table()).unwrap();
    assert!(json.contains(from), "{from}");
    let broken = json.replacen(from, to, 1);
    assert!(PriceTable::from_json(&broken).is_err(), "{from} → {to}");
}

#[test]
fn a_table_with_a_mistake_is_refused() {
    check_refused("\"image_out\":30000", "\"image_out\":0");
    check_refused("\"image_out\":30000", "\"image_out\":-1");
    check_refused("\"image_out\":30000", "\"image_out\":0.5");
    check_refused("\"image_out\":30000", "\"image_out\":null");
    check_refused("\"image_in\":8000,", "");
    check_refused("\"text_out\"", "\"txt_out\"");
    check_refused("\"gpt-image-2.6\"", "\"gpt-image-9\"");
    check_refused("\"2026-12-01\"", "\"soon\"");
    check_refused("\"as_of\"", "\"as_off\"");
}

#[test]
fn a_table_survives_the_wire() {
    let json = serde_json::to_string(&table()).unwrap();
    assert_eq!(PriceTable::from_json(&json).unwrap(), table());
}

proptest! {
    #[test]
    fn any_name_is_tolerated(model in any::<String>()) {
        let _ = table().price(&model);
    }
}
