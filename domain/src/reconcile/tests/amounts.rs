use proptest::prelude::*;

use super::super::amount::{AmountError, Exact};
use crate::money::NanoUsd;

#[track_caller]
fn check(text: &str, whole: Option<u64>, nearest: u64) {
    let exact = Exact::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!((exact.whole(), exact.nearest()), (whole.map(NanoUsd), NanoUsd(nearest)), "{text}");
}

#[test]
fn table() {
    check("0", Some(0), 0);
    check("-0.0", Some(0), 0);
    check("0e9", Some(0), 0);
    check("12.50", Some(12_500_000_000), 12_500_000_000);
    check("0.06", Some(60_000_000), 60_000_000);
    check("6e-2", Some(60_000_000), 60_000_000);
    check("60E-3", Some(60_000_000), 60_000_000);
    check("0.006e+1", Some(60_000_000), 60_000_000);
    check("100", Some(100_000_000_000), 100_000_000_000);
    check("1e3", Some(1_000_000_000_000), 1_000_000_000_000);
    check("000.000000001", Some(1), 1);
    check("0.0000000010000000000000000000000000000000000", Some(1), 1);
    // What a float has left of six cents.
    check("0.060000000000000005", None, 60_000_000);
    check("0.05999999999999999", None, 60_000_000);
    check("0.0000000005", None, 0);
    check("0.0000000015", None, 2);
    check("0.0000000025", None, 2);
    check("0.00000000250000000001", None, 3);
    check("0.000000000000000000000000001", None, 0);
    check("1.2345678901234567e-7", None, 123);
    check("18446744073.709551615", Some(u64::MAX), u64::MAX);
    check("18446744074", None, u64::MAX);
    let many = "0".repeat(5_000);
    check(&format!("{many}1.5{many}"), Some(1_500_000_000), 1_500_000_000);
    for (text, expected) in [
        ("", AmountError::Shape),
        (".", AmountError::Shape),
        (".5", AmountError::Shape),
        ("5.", AmountError::Shape),
        ("1,5", AmountError::Shape),
        ("$1", AmountError::Shape),
        (" 1", AmountError::Shape),
        ("+1", AmountError::Shape),
        ("1e", AmountError::Shape),
        ("1e99999", AmountError::Shape),
        ("NaN", AmountError::Shape),
        ("1.2.3", AmountError::Shape),
        ("--1", AmountError::Shape),
        ("-0.01", AmountError::Negative),
        ("1e-28", AmountError::TooFine),
        ("1e-9999", AmountError::TooFine),
        ("1e12", AmountError::TooLarge),
        ("1e9999", AmountError::TooLarge),
    ] {
        assert_eq!(Exact::parse(text), Err(expected), "{text}");
    }
}

proptest! {
    #[test]
    fn whole_amounts_survive(nano in any::<u64>(), zeros in 0_usize..10) {
        let text = format!("{}{}", NanoUsd(nano).to_decimal(), "0".repeat(zeros));
        prop_assert_eq!(Exact::parse(&text).unwrap().whole(), Some(NanoUsd(nano)));
    }

    /// Parts that are no whole nano-dollars add up to what they are together.
    #[test]
    fn dust_is_summed_before_it_is_rounded(parts in proptest::collection::vec(0_u64..1_000_000, 1..50)) {
        // Billionths of a nano-dollar.
        let exact = parts.iter().map(|part| Exact::parse(&format!("{part}e-18")).unwrap());
        let sum: u64 = parts.iter().sum();
        let expected = Exact::parse(&format!("{sum}e-18")).unwrap();
        prop_assert_eq!(exact.fold(Exact::default(), Exact::plus), expected);
    }

    #[test]
    fn any_text_is_tolerated(text in "-?[0-9]{0,40}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,2})?|[0.]{0,3}|\\PC{0,20}") {
        let _ = Exact::parse(&text);
    }
}
