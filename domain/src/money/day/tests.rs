use proptest::prelude::*;

use super::Day;

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

proptest! {
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
