//! Where the next page of a list begins: opaque to whoever passes it on, and bound to the query that it came from.

/// The position after the last row of a page.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The value by which the list is sorted.
    pub value: i64,
    /// The row, which decides among equals.
    pub row: i64,
}
