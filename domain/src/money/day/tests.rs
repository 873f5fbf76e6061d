use proptest::prelude::*;

use super::{DAY_MS, Day, day_end_ms};

#[track_caller]
fn check(text: &str, sound: bool) {
    let parsed = Day::parse(text).map(|day| day.to_string());
    assert_eq!(parsed.ok(), sound.then(|| text.to_owned()), "{text:?}");
}

#[test]
fn days() {
    check("2026-12-01", true);
    check("0000-01-31", true);
    check("2026-13-01", false);
    check("2026-00-01", false);
    check("2026-12-32", false);
    check("2026-12-00", false);
    check("2026-12-1", false);
    check("26-12-01", false);
    check("2026-12", false);
    check("2026-12-01-", false);
    check("2026-+1-01", false);
    check("2026/12/01", false);
    check("", false);
}

#[track_caller]
fn check_at(unix_ms: u64, expected: &str) {
    let day = Day::at(unix_ms);
    assert_eq!(day.as_str(), expected, "{unix_ms}");
    assert_eq!(Day::parse(expected), Ok(day));
}

#[test]
fn days_of_moments() {
    check_at(0, "1970-01-01");
    check_at(DAY_MS - 1, "1970-01-01");
    check_at(DAY_MS, "1970-01-02");
    check_at(951_782_399_999, "2000-02-28");
    check_at(951_782_400_000, "2000-02-29");
    check_at(951_868_800_000, "2000-03-01");
    check_at(1_704_067_199_999, "2023-12-31");
    check_at(1_704_067_200_000, "2024-01-01");
    check_at(1_709_164_800_000, "2024-02-29");
    check_at(1_709_251_199_999, "2024-02-29");
    check_at(1_709_251_200_000, "2024-03-01");
    check_at(1_774_915_200_000, "2026-03-31");
    check_at(1_775_001_600_000, "2026-04-01");
    check_at(4_107_542_399_999, "2100-02-28");
    check_at(4_107_542_400_000, "2100-03-01");
    check_at(253_402_300_799_999, "9999-12-31");
    check_at(253_402_300_800_000, "9999-12-31");
    check_at(u64::MAX, "9999-12-31");
}

#[track_caller]
fn check_end(now_ms: u64, expected: u64) {
    assert_eq!(day_end_ms(now_ms), expected, "{now_ms}");
}

#[test]
fn ends_of_days() {
    check_end(0, DAY_MS);
    check_end(DAY_MS - 1, DAY_MS);
    check_end(DAY_MS, 2 * DAY_MS);
    check_end(1_709_164_800_000, 1_709_251_200_000);
    check_end(253_402_214_399_999, 253_402_214_400_000);
    check_end(253_402_214_400_000, u64::MAX);
    check_end(u64::MAX, u64::MAX);
}

#[test]
fn each_day_follows_the_one_before() {
    let mut now_ms = 0;
    for _ in 0..60_000 {
        let end_ms = day_end_ms(now_ms);
        assert_eq!(end_ms, now_ms + DAY_MS);
        assert!(Day::at(end_ms) > Day::at(now_ms), "{now_ms}");
        assert!(Day::parse(Day::at(now_ms).as_str()).is_ok(), "{now_ms}");
        now_ms = end_ms;
    }
}

proptest! {
    #[test]
    fn a_day_ends_where_the_next_begins(now_ms in 0..253_402_214_400_000_u64) {
        let end_ms = day_end_ms(now_ms);
        prop_assert!(end_ms > now_ms);
        prop_assert!(Day::at(end_ms) > Day::at(now_ms));
        prop_assert_eq!(Day::at(end_ms - 1), Day::at(now_ms));
    }

    #[test]
    fn any_moment_has_a_day(now_ms in any::<u64>()) {
        prop_assert!(Day::parse(Day::at(now_ms).as_str()).is_ok());
        prop_assert!(day_end_ms(now_ms) >= now_ms);
    }

    #[test]
    fn any_text_is_tolerated(text in any::<String>()) {
        let _ = Day::parse(&text);
    }

    #[test]
    fn ordered_like_their_numbers(
        a in (0_u16..10_000, 1_u8..13, 1_u8..32),
        b in (0_u16..10_000, 1_u8..13, 1_u8..32),
    ) {
        let day = |(y, m, d): (u16, u8, u8)| Day::parse(&format!("{y:04}-{m:02}-{d:02}")).unwrap();
        prop_assert_eq!(day(a).cmp(&day(b)), a.cmp(&b));
    }
}
