//! The stretch of time that a view shows.

/// From `from_ms` (inclusive) to `to_ms` (exclusive), in steps of `step_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    pub from_ms: u64,
    pub to_ms: u64,
    /// 60,000, 3,600,000 or 86,400,000: what usage is kept by.
    pub step_ms: u64,
}
