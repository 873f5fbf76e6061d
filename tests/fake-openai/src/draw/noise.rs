//! Repeatable noise: scope is a small generator whose stream depends on its seed alone.
//!
//! A picture has to be the same whenever the same call of the same prompt is drawn (its
//! partial stages show the same scene), which rules out the random source of the system.

/// The generator known as `SplitMix64`: four lines, and good enough for colours.
pub(super) struct Noise(u64);

impl Noise {
    /// Seeds from a text and numbers; a change to any of them changes the whole stream.
    pub(super) fn new(text: &str, numbers: &[u64]) -> Self {
        // FNV-1a over the bytes; the generator then mixes the weak high bits.
        let mut seed = 0xcbf2_9ce4_8422_2325_u64;
        let words = numbers.iter().flat_map(|number| number.to_le_bytes());
        for byte in text.bytes().chain(words) {
            seed = (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `limit`, or zero when there is none.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let Ok(limit) = u64::try_from(limit.max(1)) else {
            return 0;
        };
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    /// A colour of medium brightness: every channel lies in `floor..floor + 128`.
    pub(super) fn colour(&mut self, floor: u8) -> [u8; 3] {
        let [red, green, blue, ..] = self.next().to_le_bytes();
        [red, green, blue].map(|channel| floor.saturating_add(channel / 2))
    }
}
