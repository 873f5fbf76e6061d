//! Tokens that this isolate has verified in the last minute, under their hashes: a client sends the same one with every request.

use std::collections::HashMap;

use domain::access::jwt;

use super::Verified;

/// How long a token is not verified again.
pub(super) const MEMORY_MS: u64 = 60_000;

/// How many tokens an isolate remembers. At about 200 bytes each this is a part of its 128 MB that nobody notices.
pub(super) const CAPACITY: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Memory(HashMap<[u8; 32], Remembered>);

#[derive(Debug)]
struct Remembered {
    verified: Verified,
    since_ms: u64,
    until_ms: u64,
}

impl Remembered {
    fn is_good(&self, now_ms: u64) -> bool {
        let expired = jwt::is_expired(self.verified.exp_s, now_ms / 1_000);
        (self.since_ms..self.until_ms).contains(&now_ms) && !expired
    }
}

impl Memory {
    pub(super) fn get(&self, name: &[u8; 32], now_ms: u64) -> Option<Verified> {
        self.0.get(name).filter(|remembered| remembered.is_good(now_ms)).map(|remembered| remembered.verified.clone())
    }

    /// Not beyond `until_ms`, when what it was verified by is no longer good.
    pub(super) fn put(&mut self, name: [u8; 32], verified: Verified, until_ms: u64, now_ms: u64) {
        if self.0.len() >= CAPACITY {
            self.0.retain(|_, remembered| remembered.is_good(now_ms));
            if self.0.len() >= CAPACITY {
                // Every one of them is in use; starting over costs each a single verification.
                self.0.clear();
            }
        }
        let until_ms = until_ms.min(now_ms.saturating_add(MEMORY_MS));
        self.0.insert(name, Remembered { verified, since_ms: now_ms, until_ms });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
