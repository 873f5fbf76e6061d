//! A moment as text: RFC 3339, `2026-11-24T10:20:30.123Z`, and the numbers that exports use in its place.
//!
//! In scope: reading with any offset, to the millisecond, and writing in UTC. Not in scope: moments before 1970, and leap
//! seconds, which no clock here has.

use crate::money::Day;

const DAY_MS: u64 = 86_400_000;

/// Numbers below this are seconds, and from here on milliseconds: the year 5138 in the one, 1973 in the other.
const SECONDS_BELOW: u64 = 100_000_000_000;

/// Reads RFC 3339 §5.6, and a space in place of the `T`, which it allows. Decimals beyond the millisecond are cut off.
pub fn parse(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, offset_ms, west) = offset(rest)?;
    let (time, fraction) = time.split_once('.').map_or((time, None), |(time, fraction)| (time, Some(fraction)));
    let mut parts = time.split(':');
    let (hours, minutes, seconds) = (part(parts.next()?, 23)?, part(parts.next()?, 59)?, part(parts.next()?, 59)?);
    if parts.next().is_some() {
        return None;
    }
    let of_day_ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + fraction.map_or(Some(0), milliseconds)?;
    let local_ms = days(date)?.checked_mul(DAY_MS)?.checked_add(of_day_ms)?;
    if west { local_ms.checked_add(offset_ms) } else { local_ms.checked_sub(offset_ms) }
}

/// Reads what exports and addresses write: Unix time in seconds or milliseconds, or RFC 3339.
pub fn read(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse(text);
    }
    text.parse().ok().map(|number: u64| if number < SECONDS_BELOW { number * 1_000 } else { number })
}

/// To the second.
pub fn text(unix_ms: u64) -> String {
    let of_day_s = unix_ms % DAY_MS / 1_000;
    format!("{}T{:02}:{:02}:{:02}Z", Day::at(unix_ms), of_day_s / 3_600, of_day_s / 60 % 60, of_day_s % 60)
}

/// Days since 1970-01-01: `days_from_civil` of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
fn days(date: &str) -> Option<u64> {
    let day = Day::parse(date).ok()?;
    let mut parts = date.split('-').map(str::parse::<u64>);
    let (year, month, of_month) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + of_month.checked_sub(1)?;
    let days = (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)?;
    // A day that its month does not have is another day when it is written again.
    (Day::at(days.checked_mul(DAY_MS)?) == day).then_some(days)
}

/// The time without its offset, and how far that is from UTC, and whether to the west of it.
fn offset(rest: &str) -> Option<(&str, u64, bool)> {
    if let Some(time) = rest.strip_suffix(['Z', 'z']) {
        return Some((time, 0, false));
    }
    let (time, offset) = rest.split_at_checked(rest.len().checked_sub(6)?)?;
    let west = offset.starts_with('-');
    let (hours, minutes) = offset.strip_prefix(['+', '-'])?.split_once(':')?;
    Some((time, (part(hours, 23)? * 60 + part(minutes, 59)?) * 60_000, west))
}

fn part(text: &str, most: u64) -> Option<u64> {
    let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok().filter(|number| *number <= most) } else { None }
}

fn milliseconds(fraction: &str) -> Option<u64> {
    let plain = (1..=18).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if plain { format!("{fraction:0<3}").get(..3)?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(read(text), expected, "{text}");
    }

    #[test]
    fn table() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-11-24T00:00:00Z", Some(1_795_478_400_000));
        check("2026-11-24T00:00:00.1Z", Some(1_795_478_400_100));
        check("2026-11-24t00:00:00.123999999z", Some(1_795_478_400_123));
        check("2026-11-24 02:30:00+02:30", Some(1_795_478_400_000));
        check("2026-11-23T21:00:00-03:00", Some(1_795_478_400_000));
        check("2024-02-29T23:59:59Z", Some(1_709_251_199_000));
        check("1795478400", Some(1_795_478_400_000));
        check("1795478400123", Some(1_795_478_400_123));
        check("0", Some(0));
        for text in [
            "",
            "soon",
            "2026-11-24",
            "2026-11-24T00:00:00",
            "2026-11-24T00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T00:60:00Z",
            "2026-11-24T00:00:60Z",
            "2026-11-24T00:00:00.Z",
            "2026-11-24T00:00:00+0230",
            "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2026-11-24T0:00:00Z",
            "2026-11-24T+1:00:00Z",
            "1795478400.5",
            "-1",
            "99999999999999999999",
        ] {
            check(text, None);
        }
        assert_eq!(text(1_795_478_400_000 + 3_723_999), "2026-11-24T01:02:03Z");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(unix_s in 0_u64..250_000_000_000) {
            prop_assert_eq!(parse(&text(unix_s * 1_000)), Some(unix_s * 1_000));
        }

        #[test]
        fn any_text_is_tolerated(text in "\\PC{0,30}|[0-9TZ:+. -]{0,30}") {
            let _ = read(&text);
        }
    }
}
