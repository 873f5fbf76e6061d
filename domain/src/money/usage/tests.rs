use proptest::prelude::*;

use super::super::price::{Price, PriceTable};
use super::{CostError, InputDetails, TokenDetails, Usage};

fn price(model: &str) -> Price {
    PriceTable::built_in().unwrap().price(model).unwrap().clone()
}

#[track_caller]
fn check(model: &str, usage: &str, expected: &str) {
    let usage: Usage = serde_json::from_str(usage).unwrap();
    let cost = usage.cost(&price(model)).unwrap();
    assert_eq!(cost.to_decimal(), expected, "{usage:?}");
}

#[test]
fn a_real_reply() {
    let usage = r#"{"input_tokens": 1678, "output_tokens": 13342, "total_tokens": 15020,
        "input_tokens_details": {"image_tokens": 1450, "text_tokens": 228},
        "output_tokens_details": {"image_tokens": 13342, "text_tokens": 0}}"#;
    check("gpt-image-2", usage, "0.413");
}

#[test]
fn absent_details() {
    let both = r#"{"input_tokens": 10, "output_tokens": 100, "total_tokens": 110}"#;
    check("gpt-image-2", both, "0.00308");
    check("gpt-image-1.5", both, "0.00328");
    let no_total = r#"{"input_tokens": 10, "output_tokens": 100, "extra": {"a": [1]}}"#;
    check("gpt-image-2", no_total, "0.00308");
    let null = r#"{"input_tokens": 10, "output_tokens": 100, "total_tokens": null,
        "input_tokens_details": null, "output_tokens_details": null}"#;
    check("gpt-image-2", null, "0.00308");
    let text = r#"{"input_tokens": 10, "output_tokens": 100, "total_tokens": 110,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 0}}"#;
    check("gpt-image-2", text, "0.00305");
}

#[test]
fn text_in_the_reply() {
    let usage = r#"{"input_tokens": 0, "output_tokens": 100, "total_tokens": 100,
        "output_tokens_details": {"text_tokens": 40, "image_tokens": 60}}"#;
    check("gpt-image-1.5", usage, "0.00232");
    check("gpt-image-2", usage, "0.003");
}

/// A call with 100 text and 50 image tokens of input, which cost 0.0009 without a cache.
#[track_caller]
fn check_cached(cached: &str, expected: &str) {
    let usage = format!(
        r#"{{"input_tokens": 150, "output_tokens": 0, "total_tokens": 150,
            "input_tokens_details": {{"text_tokens": 100, "image_tokens": 50{cached}}}}}"#
    );
    check("gpt-image-2", &usage, expected);
}

#[test]
fn cached_input() {
    check_cached("", "0.0009");
    check_cached(r#", "cached_tokens": 0"#, "0.0009");
    // The split is known: 20 text tokens save 3750 each, 10 image tokens 6000.
    let split = r#", "cached_tokens_details": {"text_tokens": 20, "image_tokens": 10}"#;
    check_cached(split, "0.000765");
    check_cached(&format!(r#", "cached_tokens": 30{split}"#), "0.000765");
    // The sum says less than the split: 5 tokens, taken as text.
    check_cached(&format!(r#", "cached_tokens": 5{split}"#), "0.00088125");
    // The sum says more than the split: only the split is proven.
    check_cached(&format!(r#", "cached_tokens": 90{split}"#), "0.000765");
    // No split: text first, then image.
    check_cached(r#", "cached_tokens": 20"#, "0.000825");
    check_cached(r#", "cached_tokens": 110"#, "0.000465");
    // More cached than there is: everything is cached, no more.
    check_cached(r#", "cached_tokens": 100000"#, "0.000225");
}

#[test]
fn contradictions_count_the_larger() {
    let details_above = r#"{"input_tokens": 1, "output_tokens": 1, "total_tokens": 2,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 10},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": 100}}"#;
    check("gpt-image-2", details_above, "0.00313");
    let details_below = r#"{"input_tokens": 30, "output_tokens": 100, "total_tokens": 130,
        "input_tokens_details": {"text_tokens": 10},
        "output_tokens_details": {"image_tokens": 10}}"#;
    check("gpt-image-2", details_below, "0.00321");
    let total_above = r#"{"input_tokens": 0, "output_tokens": 0, "total_tokens": 100}"#;
    check("gpt-image-2", total_above, "0.003");
}

#[track_caller]
fn check_unreadable(usage: &str) {
    assert!(serde_json::from_str::<Usage>(usage).is_err(), "{usage}");
}

#[test]
fn counts_are_not_invented() {
    check_unreadable("{}");
    check_unreadable(r#"{"input_tokens": 1, "total_tokens": 2}"#);
    check_unreadable(r#"{"output_tokens": 1, "total_tokens": 2}"#);
    check_unreadable(r#"{"input_tokens": -1, "output_tokens": 1}"#);
    check_unreadable(r#"{"input_tokens": 1.5, "output_tokens": 1}"#);
}

#[test]
fn written_as_it_was_read() {
    let json = r#"{"input_tokens":1,"output_tokens":2,"total_tokens":3,"input_tokens_details":{"text_tokens":1,"image_tokens":0}}"#;
    let usage: Usage = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&usage).unwrap(), json);
}

fn details() -> impl Strategy<Value = TokenDetails> {
    (0..5000_u64, 0..5000_u64).prop_map(|(text_tokens, image_tokens)| TokenDetails { text_tokens, image_tokens })
}

fn usage() -> impl Strategy<Value = Usage> {
    let cached = prop::option::of(0..9000_u64);
    let input =
        (details(), cached, prop::option::of(details())).prop_map(|(kinds, cached_tokens, split)| InputDetails {
            text_tokens: kinds.text_tokens,
            image_tokens: kinds.image_tokens,
            cached_tokens,
            cached_tokens_details: split,
        });
    let sums = (0..9000_u64, 0..9000_u64, 0..20_000_u64);
    (sums, prop::option::of(input), prop::option::of(details())).prop_map(
        |((input_tokens, output_tokens, total_tokens), input_tokens_details, output_tokens_details)| Usage {
            input_tokens,
            output_tokens,
            total_tokens,
            input_tokens_details,
            output_tokens_details,
        },
    )
}

proptest! {
    #[test]
    fn never_below_the_cheapest_reading(usage in usage()) {
        let cost = usage.cost(&price("gpt-image-1.5")).unwrap().0;
        prop_assert!(cost >= usage.input_tokens * 1250 + usage.output_tokens * 10000);
        prop_assert!(cost >= usage.total_tokens * 1250);
    }

    #[test]
    fn a_cache_never_makes_it_dearer(usage in usage()) {
        let mut uncached = usage.clone();
        if let Some(details) = &mut uncached.input_tokens_details {
            details.cached_tokens = None;
            details.cached_tokens_details = None;
        }
        let price = price("gpt-image-2");
        prop_assert!(usage.cost(&price).unwrap() <= uncached.cost(&price).unwrap());
    }

    #[test]
    fn huge_counts_are_an_error_and_nothing_worse(
        a in any::<u64>(), b in any::<u64>(), c in any::<u64>(), d in any::<u64>(), e in any::<u64>(),
    ) {
        let kinds = TokenDetails { text_tokens: c, image_tokens: d };
        let usage = Usage {
            input_tokens: a,
            output_tokens: b,
            total_tokens: e,
            input_tokens_details: Some(InputDetails {
                text_tokens: d,
                image_tokens: c,
                cached_tokens: Some(a),
                cached_tokens_details: Some(kinds),
            }),
            output_tokens_details: Some(kinds),
        };
        let exact = u128::from(a.max(b)) * 1250;
        match usage.cost(&price("gpt-image-2")) {
            Ok(cost) => prop_assert!(u128::from(cost.0) >= exact),
            Err(error) => prop_assert_eq!(error, CostError::Overflow),
        }
    }

    #[test]
    fn survives_the_wire(usage in usage()) {
        let json = serde_json::to_string(&usage).unwrap();
        prop_assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
    }
}
