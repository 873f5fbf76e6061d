use proptest::prelude::*;

use super::{etag_of, not_modified, range_allowed};

const ETAG: &str = "\"abc\"";

#[track_caller]
fn check(if_none_match: &str, expected: bool) {
    assert_eq!(not_modified(Some(if_none_match), ETAG), expected, "{if_none_match:?}");
}

#[track_caller]
fn check_range(if_range: Option<&str>, etag: &str, expected: bool) {
    assert_eq!(range_allowed(if_range, etag), expected, "{if_range:?} against {etag}");
}

#[test]
fn a_tag_is_quoted() {
    assert_eq!(etag_of("00ff"), "\"00ff\"");
}

#[test]
fn without_the_header_everything_is_sent() {
    assert!(!not_modified(None, ETAG));
}

#[test]
fn well_formed_lists() {
    check("\"abc\"", true);
    check("W/\"abc\"", true);
    check("*", true);
    check(" * ", true);
    check("\"abd\"", false);
    check("\"ABC\"", false);
    check("\"x\", \"abc\"", true);
    check("\"x\",W/\"y\",W/\"abc\"", true);
    check("\"x\" , , \"abc\" ,", true);
    check("\"a,b\", \"abc\"", true);
    check("\"\"", false);
}

#[test]
fn malformed_input_matches_nothing_of_its_own() {
    check("", false);
    check(",,,", false);
    check("abc", false);
    check("'abc'", false);
    check("\"abc", false);
    check("abc\"", false);
    check("w/\"abc\"", false);
    check("W/abc", false);
    check("W/ \"abc\"", false);
    check("\"abc\"x", false);
    check("\"abc\"\"abc\"", false);
    check("\"x, \"abc\"", false);
    check("junk, \"abc\"", true);
    check("\"x\"junk, \"abc\"", true);
    check("*, \"abc\"", true);
    check("*, \"x\"", false);
}

#[test]
fn ranges_need_the_very_same_bytes() {
    check_range(None, ETAG, true);
    check_range(Some("\"abc\""), ETAG, true);
    check_range(Some(" \"abc\" "), ETAG, true);
    check_range(Some("\"abd\""), ETAG, false);
    check_range(Some("W/\"abc\""), ETAG, false);
    check_range(Some("W/\"abc\""), "W/\"abc\"", false);
    check_range(Some("Wed, 21 Oct 2026 07:28:00 GMT"), ETAG, false);
    check_range(Some("*"), ETAG, false);
    check_range(Some("abc"), ETAG, false);
    check_range(Some(""), ETAG, false);
}

proptest! {
    #[test]
    fn any_text_is_tolerated(header in any::<String>(), etag in any::<String>()) {
        not_modified(Some(&header), &etag);
        range_allowed(Some(&header), &etag);
    }

    #[test]
    fn hostile_lists_end(header in "[W/\"a, *]{0,40}") {
        not_modified(Some(&header), ETAG);
    }

    #[test]
    fn a_tag_is_found_wherever_it_stands(
        others in prop::collection::vec("(W/)?\"[a-z,]{0,4}\"", 0..4),
        at in any::<prop::sample::Index>(),
        digest in "[0-9a-f]{64}",
    ) {
        let mut tags = others.clone();
        tags.insert(at.index(others.len() + 1), etag_of(&digest));
        prop_assert!(not_modified(Some(&tags.join(", ")), &etag_of(&digest)));
        prop_assert!(!not_modified(Some(&others.join(", ")), &etag_of(&digest)));
    }
}
