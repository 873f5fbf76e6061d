use proptest::prelude::*;

use super::super::price::{Price, PriceTable};
use super::super::usage::{InputDetails, TokenDetails, Usage};
use super::{Ask, EstimateError, lower_bound, upper_bound};

fn price(model: &str) -> Price {
    PriceTable::built_in().unwrap().price(model).unwrap().clone()
}

const ASK: Ask<'static> =
    Ask { quality: None, size: None, prompt_bytes: 0, n: 1, frames: 1, partial_images: 0, input_images: 0 };

/// The framing of an empty prompt costs 64 tokens at 8000.
const EMPTY_PROMPT: u64 = 512_000;

/// Tokens of one picture, at most and at least, at 30 dollars per million.
#[track_caller]
fn check(model: &str, ask: Ask<'_>, most: u64, least: u64) {
    let price = price(model);
    let upper = upper_bound(&price, &ask).unwrap().0;
    assert_eq!(upper, most * 30_000 + EMPTY_PROMPT, "{model} at most");
    assert_eq!(lower_bound(&price, &ask).unwrap().0, least * 30_000, "{model} at least");
}

#[test]
fn the_named_row() {
    let square = Ask { quality: Some("low"), size: Some((1024, 1024)), ..ASK };
    check("gpt-image-2", square, 196, 196);
    check("gpt-image-2.5-flare", square, 196, 196);
    check("gpt-image-2.6-flare", square, 980, 172);
    let four_k = Ask { quality: Some("high"), size: Some((3840, 2160)), ..ASK };
    check("gpt-image-2", four_k, 13_342, 13_342);
    check("gpt-image-2.6-sunburst", four_k, 3336 + 417, 3336 - 417);
}

#[test]
fn what_the_provider_chooses_is_the_dearest() {
    check("gpt-image-2", ASK, 7024, 158);
    check("gpt-image-2", Ask { quality: Some("auto"), ..ASK }, 7024, 158);
    check("gpt-image-2.5-flare", Ask { quality: Some("medium"), ..ASK }, 439, 343);
    check("gpt-image-2.5-flare", Ask { size: Some((1536, 1024)), ..ASK }, 5488, 158);
    check("gpt-image-2.6-flare", ASK, 7024 + 878, 139);
    assert_eq!(Ask::default(), ASK);
}

#[track_caller]
fn check_money(model: &str, ask: Ask<'_>, expected: &str) {
    let bound = upper_bound(&price(model), &ask).unwrap();
    assert_eq!(bound.to_decimal(), expected, "{model}");
}

#[test]
fn everything_else_that_costs() {
    let low = Ask { quality: Some("low"), size: Some((1024, 1024)), ..ASK };
    check_money("gpt-image-2", low, "0.006392");
    check_money("gpt-image-2", Ask { prompt_bytes: 1000, ..low }, "0.014392");
    check_money("gpt-image-2", Ask { partial_images: 3, ..low }, "0.015392");
    check_money("gpt-image-2", Ask { frames: 2, ..low }, "0.012272");
    check_money("gpt-image-2", Ask { input_images: 1, ..low }, "0.039672");
    check_money("gpt-image-2", Ask { n: 10, ..low }, "0.06392");
    check_money("gpt-image-1.5", low, "0.0256");
    check_money("gpt-image-1-mini", low, "0.006432");
}

#[track_caller]
fn check_error(model: &str, ask: Ask<'_>, expected: EstimateError) {
    assert_eq!(upper_bound(&price(model), &ask), Err(expected));
    assert_eq!(lower_bound(&price(model), &ask), Err(expected));
}

#[test]
fn never_free() {
    check_error("gpt-image-2", Ask { n: 0, ..ASK }, EstimateError::Nothing);
    check_error("gpt-image-2", Ask { frames: 0, ..ASK }, EstimateError::Nothing);
    check_error("gpt-image-2", Ask { quality: Some("xhigh"), ..ASK }, EstimateError::UnknownRow);
    check_error("gpt-image-2", Ask { quality: Some(""), ..ASK }, EstimateError::UnknownRow);
    check_error("gpt-image-2", Ask { size: Some((0, 16)), ..ASK }, EstimateError::UnknownRow);
    check_error("gpt-image-1.5", Ask { size: Some((16, 16)), ..ASK }, EstimateError::UnknownRow);
    let huge = Ask { size: Some((u32::MAX, u32::MAX)), n: u32::MAX, ..ASK };
    check_error("gpt-image-2", huge, EstimateError::Overflow);
    let long = Ask { prompt_bytes: u64::MAX, ..ASK };
    assert_eq!(upper_bound(&price("gpt-image-2"), &long), Err(EstimateError::Overflow));
}

/// A finished call for an ask: how much of each bound it used up, and which details the reply has.
fn usage(ask: &Ask<'_>, row: u64, used: [u64; 3], details: (bool, bool)) -> Usage {
    let part = |most: u64, percent: u64| most * percent / 100;
    let n = u64::from(ask.n);
    let text_tokens = n * part(ask.prompt_bytes + 64, used[0]);
    let image_tokens = n * part(u64::from(ask.input_images) * 2200, used[1]);
    let output = n * (row + 100 * part(u64::from(ask.partial_images), used[2]));
    Usage {
        input_tokens: text_tokens + image_tokens,
        output_tokens: output,
        total_tokens: text_tokens + image_tokens + output,
        input_tokens_details: details.0.then_some(InputDetails {
            text_tokens,
            image_tokens,
            ..InputDetails::default()
        }),
        output_tokens_details: details.1.then_some(TokenDetails { text_tokens: 0, image_tokens: output }),
    }
}

proptest! {
    #[test]
    fn a_finished_call_lies_between_the_bounds(
        model in prop::sample::select(vec![
            "gpt-image-2", "gpt-image-2.5-flare", "gpt-image-2.6-flare", "gpt-image-1.5", "gpt-image-1-mini",
        ]),
        chosen in any::<prop::sample::Selector>(),
        size in prop::sample::select(&super::AUTO_SIZES[..]),
        named in any::<(bool, bool)>(),
        prompt_bytes in 0..130_000_u64,
        n in 1..11_u32,
        partial_images in 0..4_u32,
        input_images in 0..17_u32,
        used in prop::array::uniform3(0..101_u64),
        details in any::<(bool, bool)>(),
    ) {
        let price = price(model);
        let quality = *chosen.select(price.token_rule.qualities());
        let ask = Ask {
            quality: named.0.then_some(quality),
            size: named.1.then_some(size),
            prompt_bytes,
            n,
            frames: 1,
            partial_images,
            input_images,
        };
        let row = price.token_rule.published(quality, size).unwrap();
        let cost = usage(&ask, row, used, details).cost(&price).unwrap();
        prop_assert!(cost <= upper_bound(&price, &ask).unwrap());
        prop_assert!(cost >= lower_bound(&price, &ask).unwrap());
    }

    #[test]
    fn any_ask_is_tolerated(
        quality in any::<Option<String>>(),
        size in any::<Option<(u32, u32)>>(),
        prompt_bytes in any::<u64>(),
        numbers in any::<[u32; 4]>(),
    ) {
        let [n, frames, partial_images, input_images] = numbers;
        let quality = quality.as_deref();
        let ask = Ask { quality, size, prompt_bytes, n, frames, partial_images, input_images };
        for model in ["gpt-image-2.6-flare", "gpt-image-1.5"] {
            let _ = upper_bound(&price(model), &ask);
            let _ = lower_bound(&price(model), &ask);
        }
    }
}
