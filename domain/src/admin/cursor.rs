//! Where the next page of a list begins: opaque to whoever passes it on, and bound to the query that it came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::parameters::MAX_NUMBER;
use crate::ApiError;

/// The position after the last row of a page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The value by which the list is sorted.
    pub value: i64,
    /// The row, which decides among equals.
    pub row: i64,
}

const CHECK: usize = 8;
const WHOLE: usize = CHECK + 16;

impl Cursor {
    /// `query` is everything that decides which rows are listed and in which order.
    pub fn encode(&self, query: &str) -> String {
        let mut bytes = self.check(query).to_vec();
        bytes.extend(self.value.to_be_bytes());
        bytes.extend(self.row.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A cursor of another query, and one that was changed on its way, are refused: either would skip rows, or show some twice.
    pub fn decode(text: &str, query: &str) -> Result<Self, ApiError> {
        Self::read(text, query).ok_or_else(invalid_cursor)
    }

    fn read(text: &str, query: &str) -> Option<Self> {
        let bytes: [u8; WHOLE] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (check, rest) = bytes.split_first_chunk::<CHECK>()?;
        let (value, row) = rest.split_first_chunk::<8>()?;
        let cursor = Self { value: i64::from_be_bytes(*value), row: i64::from_be_bytes(row.try_into().ok()?) };
        let exact = |number: i64| u64::try_from(number).is_ok_and(|number| number <= MAX_NUMBER);
        (cursor.check(query) == *check && exact(cursor.value) && exact(cursor.row)).then_some(cursor)
    }

    fn check(&self, query: &str) -> [u8; CHECK] {
        let mut hash = Sha256::new();
        hash.update(self.value.to_be_bytes());
        hash.update(self.row.to_be_bytes());
        hash.update(query.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        digest.first_chunk().copied().unwrap_or_default()
    }
}

pub fn invalid_cursor() -> ApiError {
    let message = "'after' is not a cursor of this list with these parameters. Begin again without 'after'.";
    ApiError::invalid("after", "invalid_cursor", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn damaged_or_of_another_query() {
        let cursor = Cursor { value: 1_795_478_400_000, row: 7 };
        let text = cursor.encode("a");
        assert_eq!(Cursor::decode(&text, "a"), Ok(cursor));
        let shorter = &text[..text.len() - 1];
        for wrong in ["", "7", shorter, &format!("{text}A"), &format!("{text}="), &text.to_lowercase(), "🦊", "\u{0}"]
        {
            let error = Cursor::decode(wrong, "a").unwrap_err();
            assert_eq!((error.status, error.code.as_deref()), (400, Some("invalid_cursor")), "{wrong:?}");
        }
        // Nobody is kept from working out a cursor, so it may not name what no row has.
        for (value, row) in [(-1, 0), (0, -1), (1 << 53, 0), (0, i64::MAX)] {
            assert!(Cursor::decode(&Cursor { value, row }.encode("a"), "a").is_err(), "{value} {row}");
        }
        assert!(Cursor::decode(&text, "b").unwrap_err().message.contains("Begin again without 'after'."));
    }

    proptest! {
        #[test]
        fn is_read_back(value in 0..1_i64 << 53, row in 0..1_i64 << 53, query in any::<String>()) {
            let cursor = Cursor { value, row };
            prop_assert_eq!(Cursor::decode(&cursor.encode(&query), &query), Ok(cursor));
        }

        #[test]
        fn no_digit_of_it_may_change(value in 0..1_i64 << 53, row in 0..1_i64 << 53, at in 0_usize..32, digit in "[A-Za-z0-9_-]") {
            let text = Cursor { value, row }.encode("q");
            let mut other = text.clone();
            other.replace_range(at..=at, &digit);
            prop_assert_eq!(Cursor::decode(&other, "q").is_ok(), other == text);
        }
    }
}
