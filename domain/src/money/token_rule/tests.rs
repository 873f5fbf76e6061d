use proptest::prelude::*;

use super::{TokenRule, output_tokens};

/// The published tokens, cheapest quality first, and beside each its published price in thousandths of
/// a dollar at 30 dollars per million. Zero: no price was published.
#[track_caller]
fn check(rule: TokenRule, size: (u32, u32), expected: &[(u64, u64)]) {
    assert_eq!(rule.qualities().len(), expected.len());
    for (quality, (tokens, mills)) in rule.qualities().iter().zip(expected) {
        let case = format!("{rule:?} {quality} {size:?}");
        assert_eq!(rule.published(quality, size), Some(*tokens), "{case}");
        assert_eq!(rule.published(quality, (size.1, size.0)), Some(*tokens), "{case}");
        if *mills != 0 {
            // Published prices are rounded to the nearest thousandth.
            assert_eq!((tokens * 30_000 + 500_000) / 1_000_000, *mills, "{case}");
        }
    }
}

#[test]
fn every_published_figure_of_2() {
    let check = |size, expected| check(TokenRule::V2, size, expected);
    check((1024, 1024), &[(196, 6), (1756, 53), (7024, 211)]);
    check((1536, 1024), &[(158, 5), (1372, 41), (5488, 165)]);
    check((2048, 2048), &[(397, 12), (3568, 107), (14272, 428)]);
    check((2560, 1440), &[(205, 6), (1843, 55), (7370, 221)]);
    check((3840, 2160), &[(371, 11), (3336, 100), (13342, 400)]);
}

#[test]
fn every_published_figure_of_2_5() {
    let check = |size, expected| check(TokenRule::V2_5, size, expected);
    check((1024, 1024), &[(196, 6), (439, 13), (1756, 53), (3122, 94), (7024, 211)]);
    check((1536, 1024), &[(158, 5), (343, 10), (1372, 41), (2459, 74), (5488, 165)]);
    check((2048, 2048), &[(397, 0), (892, 27), (3568, 107), (6343, 190), (14272, 428)]);
    check((2560, 1440), &[(205, 0), (478, 14), (1843, 55), (3276, 98), (7370, 221)]);
    check((3840, 2160), &[(371, 0), (865, 26), (3336, 100), (5930, 178), (13342, 400)]);
}

#[track_caller]
fn check_v1(size: (u32, u32), expected: [u64; 3]) {
    let found = TokenRule::V1.qualities().iter().map(|quality| TokenRule::V1.published(quality, size));
    assert_eq!(found.collect::<Option<Vec<_>>>().unwrap(), expected, "{size:?}");
}

#[test]
fn every_published_figure_of_1() {
    check_v1((1024, 1024), [272, 1056, 4160]);
    check_v1((1024, 1536), [408, 1584, 6240]);
    check_v1((1536, 1024), [400, 1568, 6208]);
}

/// Tokens that were measured lie between the bounds.
#[track_caller]
fn check_measured(rule: TokenRule, quality: &str, size: (u32, u32), tokens: u64) {
    let bounds = rule.least(quality, size).unwrap()..=rule.most(quality, size).unwrap();
    assert!(bounds.contains(&tokens), "{rule:?} {quality} {size:?}: {tokens} in {bounds:?}");
}

#[test]
fn measured_pictures() {
    check_measured(TokenRule::V2, "high", (3840, 2160), 13_342);
    check_measured(TokenRule::V2_6, "low", (1536, 1024), 664);
    check_measured(TokenRule::V2_6, "high", (1536, 1024), 1353);
    check_measured(TokenRule::V2_6, "high", (3840, 2160), 3337);
    check_measured(TokenRule::V2_6, "max", (1024, 1024), 7024);
    // The mini model's prices per picture, at 8 dollars per million, rounded up as far as they can be.
    check_measured(TokenRule::V1, "low", (1024, 1024), 5_499 / 8);
    check_measured(TokenRule::V1, "medium", (1024, 1024), 11_499 / 8);
    check_measured(TokenRule::V1, "high", (1024, 1024), 36_499 / 8);
    check_measured(TokenRule::V1, "low", (1024, 1536), 6_499 / 8);
    check_measured(TokenRule::V1, "medium", (1024, 1536), 15_499 / 8);
    check_measured(TokenRule::V1, "high", (1024, 1536), 52_499 / 8);
}

#[track_caller]
fn check_unpublished(rule: TokenRule, quality: &str, size: (u32, u32)) {
    assert_eq!(rule.published(quality, size), None);
    assert_eq!(rule.most(quality, size), None);
    assert_eq!(rule.least(quality, size), None);
}

#[test]
fn what_is_not_published_is_not_invented() {
    check_unpublished(TokenRule::V2, "xhigh", (1024, 1024));
    check_unpublished(TokenRule::V2, "auto", (1024, 1024));
    check_unpublished(TokenRule::V2, "HIGH", (1024, 1024));
    check_unpublished(TokenRule::V2_5, "high", (0, 1024));
    check_unpublished(TokenRule::V1, "high", (2048, 2048));
    check_unpublished(TokenRule::V1, "max", (1024, 1024));
}

proptest! {
    #[test]
    fn any_numbers_are_tolerated(factor in any::<u16>(), width in any::<u32>(), height in any::<u32>()) {
        let tokens = output_tokens(factor, width, height);
        prop_assert_eq!(tokens, output_tokens(factor, height, width));
    }

    #[test]
    fn bounds_enclose_what_is_published(
        rule in prop::sample::select(vec![TokenRule::V1, TokenRule::V2, TokenRule::V2_5, TokenRule::V2_6]),
        quality in any::<prop::sample::Selector>(),
        size in prop_oneof![Just((1024, 1024)), Just((1024, 1536)), (1..4000_u32, 1..4000_u32)],
    ) {
        let quality = quality.select(rule.qualities());
        if let Some(published) = rule.published(quality, size) {
            prop_assert!(published <= rule.most(quality, size).unwrap());
            prop_assert!(rule.least(quality, size).unwrap() <= published);
        }
    }
}
