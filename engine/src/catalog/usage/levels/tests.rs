use proptest::prelude::*;

use super::*;

/// 2026-11-24T00:00:00Z.
const MIDNIGHT_MS: u64 = 1_795_478_400_000;
const MINUTE_MS: u64 = 60_000;

/// Hours may be more than a day has, and less than none.
fn at(text: &str) -> u64 {
    let (hours, minutes) = text.split_once(':').unwrap();
    let hours = MIDNIGHT_MS.checked_add_signed(hours.parse::<i64>().unwrap() * 3_600_000).unwrap();
    hours + minutes.parse::<u64>().unwrap() * MINUTE_MS
}

/// The marks of a roll-up.
fn rolled_up(now_ms: u64) -> Marks {
    let mut marks = Marks::default();
    for level in LEVELS {
        marks.set(level.span_ms, level.over_ms(now_ms));
    }
    marks
}

/// Rolled up at `now`: which rows of the clients, of `coarsest` and finer, a stretch of the day is read from.
#[track_caller]
fn check(now: &str, coarsest: Level, (from, to): (&str, &str), expected: &[(View, Level, &str, &str)]) {
    let pieces = rolled_up(at(now)).cover(View::Client, coarsest, at(from), at(to));
    let expected: Vec<Piece> = expected
        .iter()
        .map(|(view, level, from, to)| Piece { view: *view, span_ms: level.span_ms, from_ms: at(from), to_ms: at(to) })
        .collect();
    assert_eq!(pieces, expected, "{from} to {to} at {now}");
}

#[test]
fn where_a_stretch_is_read_from() {
    use View::{Client, Each};
    check("12:34", DAYS, ("12:00", "12:00"), &[]);
    check("12:34", DAYS, ("12:33", "12:35"), &[(Each, MINUTES, "12:33", "12:35")]);
    check("12:34", DAYS, ("12:32", "12:34"), &[(Client, MINUTES, "12:32", "12:33"), (Each, MINUTES, "12:33", "12:34")]);
    check("12:34", DAYS, ("12:10", "12:20"), &[(Client, TENS, "12:10", "12:20")]);
    check("12:34", MINUTES, ("12:10", "12:20"), &[(Client, MINUTES, "12:10", "12:20")]);
    check(
        "12:34",
        DAYS,
        ("9:58", "12:35"),
        &[
            (Client, MINUTES, "9:58", "10:00"),
            (Client, HOURS, "10:00", "12:00"),
            (Client, TENS, "12:00", "12:30"),
            (Client, MINUTES, "12:30", "12:33"),
            (Each, MINUTES, "12:33", "12:35"),
        ],
    );
    check(
        "30:00",
        DAYS,
        ("-1:00", "25:00"),
        &[(Client, HOURS, "-1:00", "0:00"), (Client, DAYS, "0:00", "24:00"), (Client, HOURS, "24:00", "25:00")],
    );
    check("30:00", HOURS, ("0:00", "25:00"), &[(Client, HOURS, "0:00", "25:00")]);
    check(
        "30:00",
        DAYS,
        ("1:00", "23:00"),
        &[(Client, HOURS, "1:00", "6:00"), (Client, QUARTERS, "6:00", "18:00"), (Client, HOURS, "18:00", "23:00")],
    );
    // A day is not over before it has settled.
    check("24:00", DAYS, ("0:00", "18:00"), &[(Client, QUARTERS, "0:00", "18:00")]);
    check("24:01", DAYS, ("0:00", "24:00"), &[(Client, DAYS, "0:00", "24:00")]);
    // The eight days that are counted from 1970 began five days before.
    check(
        "999:00",
        EIGHTS,
        ("-120:00", "96:00"),
        &[(Client, EIGHTS, "-120:00", "72:00"), (Client, DAYS, "72:00", "96:00")],
    );
}

#[test]
fn before_the_first_roll_up_everything_is_read_from_what_was_written() {
    let pieces = Marks::default().cover(View::All, DAYS, at("0:00"), at("24:00"));
    assert_eq!(pieces, [Piece { view: View::Each, span_ms: MINUTE_MS, from_ms: at("0:00"), to_ms: at("24:00") }]);
}

#[test]
fn sources() {
    assert_eq!(MINUTES.source(View::Client), (View::Each, MINUTE_MS));
    assert_eq!(TENS.source(View::Client), (View::Client, MINUTE_MS));
    assert_eq!(HOURS.source(View::Each), (View::Each, TENS.span_ms));
    assert_eq!(DAYS.source(View::All), (View::All, 6 * HOUR_MS));
    assert!(!MINUTES.views().contains(&View::Each), "it is what was written");
    assert_eq!(View::EVERY.map(View::number), [0, 1, 2, 3], "as it stands in the store");
}

#[test]
fn whole_spans() {
    for (number, down, up) in [(0, 0, 0), (1, 0, 10), (9, 0, 10), (10, 10, 10), (11, 10, 20)] {
        assert_eq!((floor(number, 10), ceil(number, 10)), (down, up), "{number}");
    }
    assert_eq!(ceil(u64::MAX, 10), u64::MAX - 5, "the last that there is");
    assert_eq!(MINUTES.first_kept_ms(at("48:01") + 1), at("0:02"));
    assert_eq!(DAYS.first_kept_ms(0), 0);
}

proptest! {
    #[test]
    fn every_moment_is_read_once(
        now in 0..100_000_u64, from in 0..100_000_u64, length in 0..100_000_u64, coarsest in 0..6_usize
    ) {
        let (now_ms, from_ms) = (MIDNIGHT_MS + now * MINUTE_MS, MIDNIGHT_MS + from * MINUTE_MS);
        let to_ms = from_ms + length * MINUTE_MS;
        let marks = rolled_up(now_ms);
        let mut seen_ms = from_ms;
        for piece in marks.cover(View::Model, LEVELS[coarsest], from_ms, to_ms) {
            prop_assert_eq!(piece.from_ms, seen_ms);
            prop_assert!(piece.to_ms > piece.from_ms);
            prop_assert!(piece.span_ms <= LEVELS[coarsest].span_ms);
            prop_assert_eq!((piece.from_ms % piece.span_ms, piece.to_ms % piece.span_ms), (0, 0));
            let level = LEVELS.into_iter().find(|level| level.span_ms == piece.span_ms).unwrap();
            if piece.view == View::Each {
                prop_assert!(level == MINUTES && piece.from_ms >= marks.of(MINUTES));
            } else {
                prop_assert!(piece.view == View::Model && piece.to_ms <= marks.of(level));
            }
            seen_ms = piece.to_ms;
        }
        prop_assert_eq!(seen_ms, to_ms);
    }
}
