//! The value of `Cache-Status` (RFC 9211): what the cache did with a request, and why.
//!
//! In scope: the names of reasons and how they are written. Not in scope: choosing the reason; whoever
//! decides says so, and the same words reach the header, the log and the metric.

use std::fmt;

/// The name of this cache, the first word of the header.
pub const CACHE_NAME: &str = "pincel";

/// What the cache did with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStatus {
    pub outcome: Outcome,
    /// Seconds of freshness left. Negative once the picture is stale (RFC 9211 §2.4).
    pub ttl: Option<i64>,
    /// The reply was stored. Said only with [`Outcome::Fwd`], as RFC 9211 §2.5 gives it no meaning on a hit.
    pub stored: bool,
    /// The request waited for another one's picture. Said only with [`Outcome::Fwd`] (RFC 9211 §2.6).
    pub collapsed: bool,
    pub detail: Option<Detail>,
}

/// Served from the cache, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Hit,
    Fwd(FwdReason),
}

/// Why the request went forward (RFC 9211 §2.2), with the meaning it has here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FwdReason {
    /// The cache was told not to handle this request.
    Bypass,
    /// The method's meaning requires it.
    Method,
    /// No picture exists under this key.
    UriMiss,
    /// A picture exists, but none that suits the request's headers.
    VaryMiss,
    /// Not in the cache, and which of the two misses it is cannot be told.
    Miss,
    /// The request's own cache directives asked for it.
    Request,
    /// What was found is past its time.
    Stale,
    /// Part of what was asked is there: some takes exist, the others were made.
    Partial,
}

/// Where the answer was found, or which rule sent it on: the `detail` parameter (RFC 9211 §2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// The memory of this isolate.
    Memo,
    /// The cache of this data centre.
    Edge,
    /// The key-value store.
    Kv,
    /// The durable object of the key.
    Object,
    /// `no-cache` asked for a new take.
    Reroll,
    /// `no-store` asked for a picture that nobody shares.
    NoStore,
    /// The client's policy wants a fresh take for each call.
    DedupOff,
    /// A purge took the picture away.
    Purged,
}

impl CacheStatus {
    pub const fn new(outcome: Outcome) -> Self {
        Self { outcome, ttl: None, stored: false, collapsed: false, detail: None }
    }
}

impl Outcome {
    /// One word for logs and metrics: `hit`, or the reason why not.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Fwd(reason) => reason.as_str(),
        }
    }
}

impl FwdReason {
    /// The token that RFC 9211 gives this reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Miss => "miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

impl Detail {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memo => "memo",
            Self::Edge => "edge",
            Self::Kv => "kv",
            Self::Object => "object",
            Self::Reroll => "reroll",
            Self::NoStore => "no-store",
            Self::DedupOff => "dedup-off",
            Self::Purged => "purged",
        }
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CACHE_NAME)?;
        match self.outcome {
            Outcome::Hit => f.write_str("; hit")?,
            Outcome::Fwd(reason) => write!(f, "; fwd={}", reason.as_str())?,
        }
        if let Some(ttl) = self.ttl {
            // RFC 9651 §3.3.1: an integer of a structured field has at most fifteen digits.
            const LARGEST: i64 = 999_999_999_999_999;
            write!(f, "; ttl={}", ttl.clamp(-LARGEST, LARGEST))?;
        }
        if matches!(self.outcome, Outcome::Fwd(_)) {
            if self.stored {
                f.write_str("; stored")?;
            }
            if self.collapsed {
                f.write_str("; collapsed")?;
            }
        }
        if let Some(detail) = self.detail {
            write!(f, "; detail={}", detail.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
