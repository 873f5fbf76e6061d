//! The keys that sign this deployment's tokens. None is stored: each is derived from a master and the period it belongs to, so that
//! they rotate by themselves and every isolate finds the same ones.

use std::fmt;

use crate::access::{Master, Masters};
use crate::hex;

const SEED_LABEL: &str = "pincel/token-key/1";
const KID_LABEL: &str = "pincel/token-kid/1";

/// How long a key signs.
const PERIOD_S: u64 = 30 * 86_400;

/// An Ed25519 key pair, as the seed that it is made from (RFC 8032 §5.1.5).
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The period, and a few digits that tell masters apart.
    pub kid: String,
    pub seed: [u8; 32],
}

impl TokenKey {
    /// The one that signs now.
    pub fn current(masters: &Masters, now_s: u64) -> Self {
        Self::of(masters.first(), now_s / PERIOD_S)
    }

    /// Everything that may have signed a token that is still good, and what will sign next: verifiers may keep what they fetched, and
    /// clocks differ.
    pub fn published(masters: &Masters, now_s: u64) -> Vec<Self> {
        let period = now_s / PERIOD_S;
        let periods = period.saturating_sub(1)..=period.saturating_add(1);
        masters.iter().flat_map(|master| periods.clone().map(|period| Self::of(master, period))).collect()
    }

    pub fn find(masters: &Masters, kid: &str, now_s: u64) -> Option<Self> {
        Self::published(masters, now_s).into_iter().find(|key| key.kid == kid)
    }

    fn of(master: &Master, period: u64) -> Self {
        let period = period.to_string();
        let mark = master.derive(KID_LABEL, &[&period]);
        let mark = hex::encode(mark.first_chunk::<4>().map_or(&[], |mark| mark.as_slice()));
        Self { kid: format!("{period}-{mark}"), seed: master.derive(SEED_LABEL, &[&period]) }
    }
}

/// Without the seed.
impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.kid)
    }
}
