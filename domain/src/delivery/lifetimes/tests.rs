use proptest::prelude::*;

use super::{Lifetimes, Sharing};

#[track_caller]
fn check(browser_s: u32, edge_s: u32, shared: Sharing, expected: &str) {
    let lifetimes = Lifetimes { browser_s, edge_s };
    assert_eq!(lifetimes.cache_control(shared), expected);
}

#[test]
fn cache_control() {
    check(300, 31_536_000, Sharing::Public, "public, max-age=300, s-maxage=31536000");
    check(300, 31_536_000, Sharing::Private, "private, max-age=300");
    check(0, 0, Sharing::Public, "public, max-age=0, s-maxage=0");
}

#[track_caller]
fn check_ttl(edge_s: u32, age_s: u64, expected: i64) {
    let lifetimes = Lifetimes { browser_s: 1, edge_s };
    assert_eq!(lifetimes.ttl_left(age_s), expected);
}

#[test]
fn ttl() {
    check_ttl(300, 0, 300);
    check_ttl(300, 300, 0);
    check_ttl(300, 301, -1);
    check_ttl(0, u64::MAX, i64::MIN);
}

proptest! {
    #[test]
    fn private_replies_name_no_shared_cache(browser_s in any::<u32>(), edge_s in any::<u32>()) {
        let value = Lifetimes { browser_s, edge_s }.cache_control(Sharing::Private);
        prop_assert!(!value.contains("public") && !value.contains("s-maxage"));
    }

    #[test]
    fn time_only_takes_away(edge_s in any::<u32>(), age_s in any::<u64>(), more in any::<u64>()) {
        let lifetimes = Lifetimes { browser_s: 1, edge_s };
        prop_assert!(lifetimes.ttl_left(age_s.saturating_add(more)) <= lifetimes.ttl_left(age_s));
    }
}
