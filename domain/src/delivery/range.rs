//! One byte range of a picture (RFC 9110 §14).
//!
//! In scope: a single `bytes` range and the headers that answer it. Not in scope: `multipart/byteranges`.
//! A server may ignore any `Range` it does not like (§14.2), so several ranges, other units and
//! malformed values are answered with the whole picture.

/// What to send for a `Range` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// 200 with everything.
    Whole,
    /// 206 with this part.
    Part(ByteRange),
    /// 416 with [`unsatisfiable_content_range`].
    Unsatisfiable,
}

/// A part that lies inside the picture: `start <= end_inclusive < length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    pub start: u64,
    pub end_inclusive: u64,
}

#[expect(clippy::len_without_is_empty, reason = "a range that was resolved holds at least one byte")]
impl ByteRange {
    /// The value of `Content-Length`.
    pub const fn len(self) -> u64 {
        self.end_inclusive.saturating_sub(self.start).saturating_add(1)
    }

    /// The value of `Content-Range` for a picture of `length` bytes.
    pub fn content_range(self, length: u64) -> String {
        format!("bytes {}-{}/{length}", self.start, self.end_inclusive)
    }
}

/// The value of `Content-Range` in a 416 reply.
pub fn unsatisfiable_content_range(length: u64) -> String {
    format!("bytes */{length}")
}

/// Resolves the `Range` header of a GET against a picture of `length` bytes.
pub fn resolve(header: Option<&str>, length: u64) -> Resolved {
    match header.and_then(single_range) {
        None => Resolved::Whole,
        Some(Asked::From { start, end }) => from(start, end, length),
        Some(Asked::Last(count)) => last(count, length),
    }
}

enum Asked {
    From { start: u64, end: Option<u64> },
    Last(u64),
}

fn from(start: u64, end: Option<u64>, length: u64) -> Resolved {
    if end.is_some_and(|end| end < start) {
        return Resolved::Whole;
    }
    match length.checked_sub(1) {
        Some(final_byte) if start <= final_byte => {
            Resolved::Part(ByteRange { start, end_inclusive: end.map_or(final_byte, |end| end.min(final_byte)) })
        }
        _ => Resolved::Unsatisfiable,
    }
}

fn last(count: u64, length: u64) -> Resolved {
    if count == 0 {
        return Resolved::Unsatisfiable;
    }
    // A suffix of an empty file is satisfiable, yet no Content-Range can name zero bytes.
    length.checked_sub(1).map_or(Resolved::Whole, |final_byte| {
        Resolved::Part(ByteRange { start: length.saturating_sub(count), end_inclusive: final_byte })
    })
}

fn single_range(header: &str) -> Option<Asked> {
    let (unit, set) = header.trim().split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    // Empty list members are allowed (RFC 9110 §5.6.1) and count for nothing.
    let mut specs = set.split(',').map(str::trim).filter(|spec| !spec.is_empty());
    let spec = specs.next()?;
    if specs.next().is_some() {
        return None;
    }
    let (first, second) = spec.split_once('-')?;
    match (first, second) {
        ("", count) => number(count).map(Asked::Last),
        (start, "") => number(start).map(|start| Asked::From { start, end: None }),
        (start, end) => Some(Asked::From { start: number(start)?, end: Some(number(end)?) }),
    }
}

/// A number that is too large for `u64` lies beyond every picture, and so does `u64::MAX`.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
