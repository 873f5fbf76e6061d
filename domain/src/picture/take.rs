//! Takes: the paid pictures of one key, and the pointer by which they are found.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::hex;
use crate::money::NanoUsd;
use crate::picture::sniff::Format;

/// How many takes one key may own. The pointer lists every one of them, and has to stay small enough to be read on
/// each look-up.
pub const MAX_TAKES: u32 = 1_000;

/// SHA-256 of bytes: the name of a blob, and its `ETag`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode_32(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("expected 64 lower-case hexadecimal digits"))
    }
}

/// One paid picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    pub take: u32,
    pub digest: Digest,
    pub format: Format,
    pub bytes: u64,
    pub width: u32,
    pub height: u32,
    pub created_ms: u64,
    /// What making it cost; `None` where the provider did not say.
    pub cost: Option<NanoUsd>,
    /// What the provider's reply said of the picture, for replies in OpenAI's shape.
    pub quality: String,
    pub background: String,
}

/// The takes of one key, as the edge sees them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pointer {
    pub namespace: String,
    /// Under which hits are counted. Empty where it was published before pointers said so.
    #[serde(default)]
    pub model: String,
    /// The take that a request gets which names none.
    pub preferred: u32,
    pub takes: Vec<Take>,
    /// The places that purges hold, in ranges from first to last. No request is given one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<(u32, u32)>,
}

impl Pointer {
    pub fn get(&self, take: u32) -> Option<&Take> {
        self.takes.iter().find(|candidate| candidate.take == take)
    }

    pub fn is_gone(&self, take: u32) -> bool {
        self.gone.iter().any(|(first, last)| (*first..=*last).contains(&take))
    }

    /// The first `n` places of the pool that are not gone. The preferred take comes first, then the others in order, whether they
    /// exist yet or not.
    pub fn first(&self, n: NonZeroU32) -> Vec<u32> {
        let others = (0..).filter(|take| *take != self.preferred && !self.is_gone(*take));
        std::iter::once(self.preferred).chain(others).take(n.get() as usize).collect()
    }

    /// The takes of `places`, if each of them exists.
    pub fn all(&self, places: &[u32]) -> Option<Vec<&Take>> {
        places.iter().map(|take| self.get(*take)).collect()
    }
}

#[cfg(test)]
mod tests;
