use std::num::NonZeroU32;

use proptest::prelude::*;

use super::{NanoUsd, ParseAmountError};

#[track_caller]
fn check(nano: u64, decimal: &str) {
    assert_eq!(NanoUsd(nano).to_decimal(), decimal);
    assert_eq!(NanoUsd::parse_decimal(decimal), Ok(NanoUsd(nano)));
}

#[test]
fn decimals() {
    check(0, "0.00");
    check(1, "0.000000001");
    check(10, "0.00000001");
    check(41_120_000, "0.04112");
    check(100_000_000, "0.10");
    check(120_000_000, "0.12");
    check(123_000_000, "0.123");
    check(1_000_000_000, "1.00");
    check(12_500_000_000, "12.50");
    check(1_000_000_000_000, "1000.00");
    check(u64::MAX, "18446744073.709551615");
}

#[track_caller]
fn check_parse(text: &str, expected: Result<u64, ParseAmountError>) {
    assert_eq!(NanoUsd::parse_decimal(text), expected.map(NanoUsd), "{text:?}");
}

#[test]
fn other_ways_to_write_an_amount() {
    check_parse("5", Ok(5_000_000_000));
    check_parse("005.0", Ok(5_000_000_000));
    check_parse("0.1", Ok(100_000_000));
    for text in ["", ".", ".5", "5.", "-1", "+1", "1e3", "1,5", "0x1", " 1", "1.-2", "1.2.3", "٣"] {
        check_parse(text, Err(ParseAmountError::Shape));
    }
    check_parse("0.0000000001", Err(ParseAmountError::Shape));
    check_parse("18446744073.709551616", Err(ParseAmountError::TooLarge));
    check_parse("99999999999999999999", Err(ParseAmountError::TooLarge));
}

#[track_caller]
fn check_split(total: u64, parts: u32, expected: &[u64]) {
    let split = NanoUsd(total).split(NonZeroU32::new(parts).unwrap());
    assert_eq!(split.iter().map(|part| part.0).collect::<Vec<_>>(), expected);
}

#[test]
fn splits() {
    check_split(10, 1, &[10]);
    check_split(10, 3, &[4, 3, 3]);
    check_split(2, 4, &[1, 1, 0, 0]);
    check_split(0, 2, &[0, 0]);
    check_split(u64::MAX, 1, &[u64::MAX]);
}

#[test]
fn arithmetic_is_checked() {
    let (one, most) = (NanoUsd(1), NanoUsd(u64::MAX));
    assert_eq!(one.checked_add(one), Some(NanoUsd(2)));
    assert_eq!(most.checked_add(one), None);
    assert_eq!(NanoUsd::ZERO.checked_sub(one), None);
    assert_eq!(NanoUsd(3).checked_mul(4), Some(NanoUsd(12)));
    assert_eq!(most.checked_mul(2), None);
    assert_eq!(one.saturating_sub(most), NanoUsd::ZERO);
    assert_eq!(NanoUsd::saturating_sum([one, most, one]), most);
}

#[test]
fn a_plain_number_on_the_wire() {
    assert_eq!(serde_json::to_string(&NanoUsd(7)).unwrap(), "7");
    assert_eq!(serde_json::from_str::<NanoUsd>("7").unwrap(), NanoUsd(7));
    assert!(serde_json::from_str::<NanoUsd>("7.0").is_err());
    assert!(serde_json::from_str::<NanoUsd>("-7").is_err());
    assert_eq!(format!("{:>6}", NanoUsd(0)), "  0.00");
}

proptest! {
    #[test]
    fn text_is_exact(nano in any::<u64>()) {
        let text = NanoUsd(nano).to_decimal();
        prop_assert_eq!(NanoUsd::parse_decimal(&text), Ok(NanoUsd(nano)));
        let (whole, fraction) = text.split_once('.').unwrap();
        prop_assert!(!whole.is_empty() && (2..=9).contains(&fraction.len()));
        prop_assert!(fraction.len() == 2 || !fraction.ends_with('0'));
    }

    #[test]
    fn any_text_is_tolerated(text in any::<String>()) {
        let _ = NanoUsd::parse_decimal(&text);
    }

    #[test]
    fn parts_add_up(total in any::<u64>(), parts in 1_u32..2000) {
        let split = NanoUsd(total).split(NonZeroU32::new(parts).unwrap());
        prop_assert_eq!(split.len(), usize::try_from(parts).unwrap());
        let sum = split.iter().try_fold(NanoUsd::ZERO, |sum, part| sum.checked_add(*part));
        prop_assert_eq!(sum, Some(NanoUsd(total)));
        prop_assert!(split.is_sorted_by(|a, b| a >= b));
        prop_assert!(split[0].0 - split[split.len() - 1].0 <= 1);
    }
}
