use proptest::prelude::*;

use super::{DAY_MS, Month, month_end_ms};
use crate::money::Day;

#[track_caller]
fn check(text: &str, sound: bool) {
    let parsed = Month::parse(text).map(|month| month.to_string());
    assert_eq!(parsed.ok(), sound.then(|| text.to_owned()), "{text:?}");
    let json = serde_json::to_string(text).unwrap();
    let read = serde_json::from_str::<Month>(&json).ok();
    assert_eq!(read.map(|month| serde_json::to_string(&month).unwrap()), sound.then_some(json), "{text:?}");
}

#[test]
fn months() {
    check("2026-12", true);
    check("0000-01", true);
    check("2026-13", false);
    check("2026-00", false);
    check("2026-1", false);
    check("26-12", false);
    check("2026", false);
    check("2026-12-", false);
    check("2026-12-01", false);
    check("2026-+1", false);
    check("2026/12", false);
    check("", false);
}

#[track_caller]
fn check_at(unix_ms: u64, expected: &str, end_ms: u64) {
    assert_eq!(Month::at(unix_ms).as_str(), expected, "{unix_ms}");
    assert_eq!(month_end_ms(unix_ms), end_ms, "{unix_ms}");
}

#[test]
fn months_of_moments() {
    check_at(0, "1970-01", 31 * DAY_MS);
    check_at(31 * DAY_MS - 1, "1970-01", 31 * DAY_MS);
    check_at(31 * DAY_MS, "1970-02", 59 * DAY_MS);
    // February of 2000, 2024 and 2100.
    check_at(949_363_200_000, "2000-02", 951_868_800_000);
    check_at(951_868_799_999, "2000-02", 951_868_800_000);
    check_at(1_706_745_600_000, "2024-02", 1_709_251_200_000);
    check_at(1_709_164_800_000, "2024-02", 1_709_251_200_000);
    check_at(4_107_542_399_999, "2100-02", 4_107_542_400_000);
    check_at(4_107_542_400_000, "2100-03", 4_110_220_800_000);
    check_at(1_704_067_199_999, "2023-12", 1_704_067_200_000);
    check_at(1_704_067_200_000, "2024-01", 1_706_745_600_000);
    check_at(1_775_001_600_000, "2026-04", 1_777_593_600_000);
    check_at(253_399_622_399_999, "9999-11", 253_399_622_400_000);
    check_at(253_399_622_400_000, "9999-12", u64::MAX);
    check_at(u64::MAX, "9999-12", u64::MAX);
}

proptest! {
    #[test]
    fn any_text_is_tolerated(text in any::<String>()) {
        let _ = Month::parse(&text);
    }

    #[test]
    fn a_month_ends_where_the_next_begins(now_ms in 0..253_399_622_400_000_u64) {
        let end_ms = month_end_ms(now_ms);
        prop_assert!(end_ms > now_ms);
        prop_assert!(Month::at(end_ms) > Month::at(now_ms));
        prop_assert_eq!(Month::at(end_ms - 1), Month::at(now_ms));
    }

    #[test]
    fn a_day_lies_in_its_month(now_ms in any::<u64>()) {
        let (day, month) = (Day::at(now_ms), Month::at(now_ms));
        prop_assert!(day.as_str().starts_with(month.as_str()));
        prop_assert!(Month::parse(month.as_str()).is_ok());
    }
}
