//! Names by which a request is followed: its id, and the W3C trace context it belongs to.

use serde::{Deserialize, Serialize};

use crate::hex;

/// Made by the service for every request, never taken from the caller: money is settled and joined under it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    pub fn new(random: [u8; 16]) -> Self {
        Self(format!("req_{}", hex::encode(&random)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `traceparent` of the reply (W3C Trace Context, level 1): the caller's trace continued under a span of ours, or
/// a trace that starts here when the caller sent none or a broken one.
pub fn traceparent(incoming: Option<&str>, trace: [u8; 16], span: [u8; 8]) -> String {
    let (trace, flags) = incoming
        .and_then(valid)
        .map_or_else(|| (hex::encode(&trace), "00"), |(trace, flags)| (trace.to_owned(), flags));
    format!("00-{trace}-{}-{flags}", hex::encode(&span))
}

fn valid(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let whole = is_hex(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && is_hex(trace, 32)
        && !is_zero(trace)
        && is_hex(parent, 16)
        && !is_zero(parent)
        && is_hex(flags, 2);
    whole.then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[track_caller]
    fn check(incoming: Option<&str>, expected: &str) {
        assert_eq!(traceparent(incoming, [1; 16], [2; 8]), expected, "{incoming:?}");
    }

    #[test]
    fn table() {
        let ours = format!("00-{}-{}-00", "01".repeat(16), "02".repeat(8));
        let theirs = format!("00-{TRACE}-{}-01", "02".repeat(8));
        check(None, &ours);
        check(Some(&format!("00-{TRACE}-00f067aa0ba902b7-01")), &theirs);
        check(Some(&format!("cc-{TRACE}-00f067aa0ba902b7-01-more")), &theirs);
        check(Some(&format!("00-{TRACE}-00f067aa0ba902b7-01-more")), &ours);
        check(Some(&format!("ff-{TRACE}-00f067aa0ba902b7-01")), &ours);
        check(Some(&format!("00-{TRACE}-0000000000000000-01")), &ours);
        check(Some(&format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32))), &ours);
        check(Some(&TRACE.to_uppercase()), &ours);
        check(Some("\u{1f980}"), &ours);
    }
}
