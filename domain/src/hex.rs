//! Lower-case hexadecimal, as digests and keys are written.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub fn encode(bytes: &[u8]) -> String {
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

/// Exactly 32 bytes in lower-case hexadecimal; anything else is nothing.
pub fn decode_32(text: &str) -> Option<[u8; 32]> {
    let mut out = [0u8; 32];
    if text.len() != 64 {
        return None;
    }
    for (pair, slot) in text.as_bytes().chunks_exact(2).zip(out.iter_mut()) {
        let [high, low] = pair else { return None };
        *slot = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8 + 7).unwrap());
        assert_eq!(decode_32(&encode(&bytes)), Some(bytes));
        for wrong in ["", "0f", &"0F".repeat(32), &"0g".repeat(32), &"é".repeat(32)] {
            assert_eq!(decode_32(wrong), None, "{wrong}");
        }
    }
}
