use proptest::prelude::*;

use super::{Members, RequestDirectives};

/// `expected` names the directives that must be set, in alphabetical order.
#[track_caller]
fn check(header: &str, expected: &str) {
    let found = RequestDirectives::parse(Some(header));
    let mut names = Vec::new();
    if found.no_cache {
        names.push("no-cache");
    }
    if found.no_store {
        names.push("no-store");
    }
    if found.only_if_cached {
        names.push("only-if-cached");
    }
    assert_eq!(names.join(" "), expected, "{header:?}");
}

#[test]
fn an_absent_header_asks_for_nothing() {
    assert_eq!(RequestDirectives::parse(None), RequestDirectives::default());
}

#[test]
fn known_directives() {
    check("", "");
    check("no-store", "no-store");
    check("No-Cache", "no-cache");
    check("ONLY-IF-CACHED", "only-if-cached");
    check("no-cache, no-store", "no-cache no-store");
    check("no-cache,no-store,only-if-cached", "no-cache no-store only-if-cached");
    check(" ,, no-store\t,", "no-store");
}

#[test]
fn a_reload_is_not_a_purchase() {
    check("max-age=0", "");
    check("max-age=\"0\"", "");
    check("max-age=0, must-revalidate", "");
    check("max-stale, min-fresh=5, no-transform", "");
}

#[test]
fn arguments_and_strangers() {
    check("no-cache=\"Set-Cookie\"", "");
    check("no-store=1", "");
    check("only-if-cached=1", "only-if-cached");
    check("no-cachet", "");
    check("xno-store", "");
    check("community=\"a, no-store, b\"", "");
    check("community=\"a \\\" , no-store\", no-cache", "no-cache");
    check("\"no-store\"", "");
    check("broken=\"no-store, no-cache", "");
    check("no-store broken, no-cache", "no-cache");
    check("é, no-cache", "no-cache");
}

proptest! {
    #[test]
    fn any_text_is_tolerated(header in any::<String>()) {
        RequestDirectives::parse(Some(&header));
    }

    #[test]
    fn splitting_ends_and_loses_no_letter(header in "[a-z\", \\\\=]{0,40}") {
        let letters = |text: &str| text.chars().filter(char::is_ascii_lowercase).count();
        let split: usize = Members(&header).map(letters).sum();
        prop_assert_eq!(split, letters(&header));
    }

    #[test]
    fn order_and_strangers_change_nothing(
        names in Just(vec!["no-store", "max-age=0", "x=\"a,b\"", "only-if-cached"]).prop_shuffle(),
    ) {
        let found = RequestDirectives::parse(Some(&names.join(", ")));
        let expected = RequestDirectives { no_store: true, no_cache: false, only_if_cached: true };
        prop_assert_eq!(found, expected);
    }
}
