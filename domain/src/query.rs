//! The query of a URL, read strictly.
//!
//! In scope: `application/x-www-form-urlencoded` as browsers write it (WHATWG URL §5), and RFC 3986 percent-encoding
//! on the way out. A query names a picture that costs money, so what a lenient parser would guess at is refused:
//! repeated names, broken escapes, bytes that are not UTF-8.

use std::fmt::Write as _;

use crate::ApiError;

/// Name and value pairs, in the order of the query, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for piece in query.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let name = decode(name).ok_or_else(|| malformed("query", "The query"))?;
            let Some(value) = decode(value) else {
                let what = format!("The query parameter '{name}'");
                return Err(malformed(name, &what));
            };
            if pairs.iter().any(|(seen, _)| *seen == name) {
                let message = format!("The query parameter '{name}' is given more than once. Give it once.");
                return Err(ApiError::invalid(name, "duplicate_parameter", message));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(seen, _)| seen == name).map(|(_, value)| value.as_str())
    }

    /// Refuses a parameter that is none of these: what is misspelt must not be ignored.
    pub fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => {
                Err(ApiError::invalid(name.clone(), "unknown_parameter", format!("Unknown parameter: '{name}'.")))
            }
            None => Ok(()),
        }
    }

    /// `limit`: how many rows a page has.
    pub fn limit(&self, otherwise: u32, most: u32) -> Result<u32, ApiError> {
        let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        let read = |text: &str| text.parse().ok().filter(|limit| (1..=most).contains(limit));
        let given = self.get("limit").map(|text| Some(text).filter(digits).and_then(read));
        given.unwrap_or(Some(otherwise)).ok_or_else(|| {
            ApiError::invalid("limit", "invalid_value", format!("'limit' is a number from 1 to {most}."))
        })
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

impl From<Vec<(String, String)>> for Query {
    fn from(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }
}

/// RFC 3986 percent-encoding: unreserved characters stay, every other byte is `%XX` in upper case.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high << 4 | low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn malformed(param: impl Into<std::borrow::Cow<'static, str>>, what: &str) -> ApiError {
    ApiError::invalid(
        param,
        "invalid_encoding",
        format!("{what} is not valid percent-encoded UTF-8. Encode it as UTF-8, then percent-encode it (RFC 3986)."),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Result<&[(&str, &str)], &str>) {
        let got = Query::parse(query);
        match expected {
            Ok(pairs) => {
                let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
                assert_eq!(got, Ok(Query(pairs)), "{query}");
            }
            Err(code) => assert_eq!(got.unwrap_err().code.as_deref(), Some(code), "{query}"),
        }
    }

    #[test]
    fn table() {
        check("", Ok(&[]));
        check("a=1&b=2", Ok(&[("a", "1"), ("b", "2")]));
        check("a=&b&&c=3", Ok(&[("a", ""), ("b", ""), ("c", "3")]));
        check("a=x+y%20z&b=%C3%A9%2b", Ok(&[("a", "x y z"), ("b", "é+")]));
        check("a=1=2", Ok(&[("a", "1=2")]));
        check("a=1&a=1", Err("duplicate_parameter"));
        check("a=1&%61=2", Err("duplicate_parameter"));
        check("a=%", Err("invalid_encoding"));
        check("a=%4", Err("invalid_encoding"));
        check("a=%zz", Err("invalid_encoding"));
        check("a=%ff", Err("invalid_encoding"));
        check("%ff=1", Err("invalid_encoding"));
        check("a=%+4", Err("invalid_encoding"));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(text in any::<String>()) {
            let query = Query::parse(&format!("p={}", encode(&text))).unwrap();
            prop_assert_eq!(query.get("p"), Some(text.as_str()));
        }
    }
}
