use proptest::prelude::*;

use super::{CacheStatus, Detail, FwdReason, Outcome};

const REASONS: [FwdReason; 8] = [
    FwdReason::Bypass,
    FwdReason::Method,
    FwdReason::UriMiss,
    FwdReason::VaryMiss,
    FwdReason::Miss,
    FwdReason::Request,
    FwdReason::Stale,
    FwdReason::Partial,
];

const DETAILS: [Detail; 8] = [
    Detail::Memo,
    Detail::Edge,
    Detail::Kv,
    Detail::Object,
    Detail::Reroll,
    Detail::NoStore,
    Detail::DedupOff,
    Detail::Purged,
];

const HIT: CacheStatus = CacheStatus::new(Outcome::Hit);
const MISS: CacheStatus = CacheStatus::new(Outcome::Fwd(FwdReason::UriMiss));

#[track_caller]
fn check(status: CacheStatus, expected: &str) {
    assert_eq!(status.to_string(), expected);
}

#[test]
fn hits() {
    check(HIT, "pincel; hit");
    check(CacheStatus { ttl: Some(300), ..HIT }, "pincel; hit; ttl=300");
    check(CacheStatus { ttl: Some(-5), ..HIT }, "pincel; hit; ttl=-5");
    check(CacheStatus { ttl: Some(i64::MAX), ..HIT }, "pincel; hit; ttl=999999999999999");
    check(CacheStatus { ttl: Some(7), detail: Some(Detail::Memo), ..HIT }, "pincel; hit; ttl=7; detail=memo");
    check(CacheStatus { stored: true, collapsed: true, ..HIT }, "pincel; hit");
}

#[test]
fn misses() {
    check(MISS, "pincel; fwd=uri-miss");
    check(CacheStatus { stored: true, ..MISS }, "pincel; fwd=uri-miss; stored");
    check(CacheStatus { stored: true, collapsed: true, ..MISS }, "pincel; fwd=uri-miss; stored; collapsed");
    check(
        CacheStatus { detail: Some(Detail::Reroll), ..CacheStatus::new(Outcome::Fwd(FwdReason::Request)) },
        "pincel; fwd=request; detail=reroll",
    );
}

#[test]
fn words_for_logs() {
    assert_eq!(Outcome::Hit.as_str(), "hit");
    assert_eq!(Outcome::Fwd(FwdReason::Partial).as_str(), "partial");
}

fn is_token(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

proptest! {
    #[test]
    fn always_a_structured_field(
        reason in prop::option::of(prop::sample::select(&REASONS[..])),
        detail in prop::option::of(prop::sample::select(&DETAILS[..])),
        ttl in any::<Option<i64>>(),
        stored in any::<bool>(),
        collapsed in any::<bool>(),
    ) {
        let outcome = reason.map_or(Outcome::Hit, Outcome::Fwd);
        let text = CacheStatus { outcome, ttl, stored, collapsed, detail }.to_string();
        let mut seen = Vec::new();
        for (at, part) in text.split("; ").enumerate() {
            let (name, value) = part.split_once('=').unwrap_or((part, "x"));
            prop_assert!(is_token(name), "{}", text);
            prop_assert!(is_token(value) || (name == "ttl" && value.len() <= 16), "{}", text);
            prop_assert!(!seen.contains(&name), "{}", text);
            prop_assert_eq!(at == 0, name == "pincel");
            seen.push(name);
        }
        prop_assert!(seen.contains(&"hit") != seen.contains(&"fwd"));
    }
}
