//! The stretch of time that a view shows.

use crate::ApiError;

/// From `from_ms` (inclusive) to `to_ms` (exclusive), in steps of `step_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    pub from_ms: u64,
    pub to_ms: u64,
    /// 60,000, 3,600,000 or 86,400,000: what usage is kept by.
    pub step_ms: u64,
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;

/// Up to so long, minutes are shown, and hours.
const MINUTES_MS: u64 = 6 * HOUR_MS;
const HOURS_MS: u64 = 7 * DAY_MS;

/// Where none is given.
const DEFAULT_MS: u64 = HOUR_MS;

/// Days are kept longer than this, so that every window can be filled.
const LONGEST_MS: u64 = 400 * DAY_MS;

impl Window {
    /// `15m`, `24h`, `7d`: so long up to now. It is made of whole steps, the last of which is the one that now lies in.
    pub fn parse(text: Option<&str>, now_ms: u64) -> Result<Self, ApiError> {
        let span = text.map_or(Some(DEFAULT_MS), span).ok_or_else(refused)?;
        let step_ms = match span {
            0..=MINUTES_MS => MINUTE_MS,
            _ if span <= HOURS_MS => HOUR_MS,
            _ => DAY_MS,
        };
        let to_ms = (now_ms / step_ms).saturating_add(1).saturating_mul(step_ms);
        let long = span.div_ceil(step_ms).saturating_mul(step_ms);
        Ok(Self { from_ms: to_ms.saturating_sub(long), to_ms, step_ms })
    }
}

fn span(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        _ => return None,
    };
    // `u64::from_str` reads "+1" as well.
    let plain = number.bytes().all(|byte| byte.is_ascii_digit());
    let span = if plain { number.parse::<u64>().ok()?.checked_mul(unit)? } else { return None };
    (MINUTE_MS..=LONGEST_MS).contains(&span).then_some(span)
}

fn refused() -> ApiError {
    let message = "'window' is a number and 'm', 'h' or 'd', from 1m to 400d: 15m, 1h, 24h, 7d, 30d.";
    ApiError::invalid("window", "invalid_value", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T12:34:56Z.
    const NOW: u64 = 1_795_523_696_000;

    /// How many steps of how many minutes, and how long before now the first begins and the last ends, in seconds.
    #[track_caller]
    fn check(text: Option<&str>, expected: (u64, u64, u64, u64)) {
        let Window { from_ms, to_ms, step_ms } = Window::parse(text, NOW).unwrap();
        assert_eq!((from_ms % step_ms, to_ms % step_ms), (0, 0), "{text:?}");
        let got = ((to_ms - from_ms) / step_ms, step_ms / 60_000, (NOW - from_ms) / 1_000, (to_ms - NOW) / 1_000);
        assert_eq!(got, expected, "{text:?}");
    }

    #[test]
    fn whole_steps() {
        check(None, (60, 1, 3_596, 4));
        check(Some("1h"), (60, 1, 3_596, 4));
        check(Some("60m"), (60, 1, 3_596, 4));
        check(Some("1m"), (1, 1, 56, 4));
        check(Some("15m"), (15, 1, 896, 4));
        check(Some("6h"), (360, 1, 21_596, 4));
        check(Some("7h"), (7, 60, 23_696, 1_504));
        check(Some("361m"), (7, 60, 23_696, 1_504));
        check(Some("24h"), (24, 60, 84_896, 1_504));
        check(Some("7d"), (168, 60, 603_296, 1_504));
        check(Some("169h"), (8, 1_440, 650_096, 41_104));
        check(Some("30d"), (30, 1_440, 2_550_896, 41_104));
        check(Some("400d"), (400, 1_440, 34_518_896, 41_104));
        // A step that begins now is the last one.
        let on_the_minute = Window::parse(Some("1m"), 120_000).unwrap();
        assert_eq!(on_the_minute, Window { from_ms: 120_000, to_ms: 180_000, step_ms: 60_000 });
        assert_eq!(Window::parse(Some("400d"), 0).unwrap().from_ms, 0);
    }

    #[test]
    fn refusals() {
        for wrong in [
            "",
            "m",
            "1",
            "0m",
            "0d",
            "401d",
            "9601h",
            "+1h",
            "-1h",
            "1.5h",
            "1 h",
            "1H",
            "1w",
            "1hh",
            "é",
            "1é",
            "99999999999999999999d",
            "300000000000000d",
        ] {
            let error = Window::parse(Some(wrong), NOW).unwrap_err();
            assert_eq!(
                (error.param.as_deref(), error.code.as_deref()),
                (Some("window"), Some("invalid_value")),
                "{wrong}"
            );
            assert!(error.message.contains("1m to 400d"), "{wrong}");
        }
    }
}
