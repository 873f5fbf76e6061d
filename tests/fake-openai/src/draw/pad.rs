//! Makes a PNG file as large as a test wants it: scope is one extra chunk before the end.
//!
//! The picture stays valid. Its extra bytes do not compress, as those of a photograph do not.

use super::noise::Noise;

/// The name says: may be left out, private, safe to copy. Every reader skips such a chunk.
const CHUNK_NAME: &[u8; 4] = b"faKe";

/// The length, name and checksum around the content of a chunk.
const CHUNK_FRAME: usize = 12;

/// The closing chunk of every PNG file, which has no content.
const END_CHUNK: usize = CHUNK_FRAME;

/// Returns a file of exactly `wanted` bytes, or a little more where the picture itself fills it.
pub(super) fn pad_png(mut file: Vec<u8>, wanted: usize, seed: u64) -> Vec<u8> {
    if file.len() >= wanted || file.len() < END_CHUNK {
        return file;
    }
    let length = wanted.saturating_sub(file.len() + CHUNK_FRAME);
    let Ok(length_field) = u32::try_from(length) else {
        return file;
    };
    let end = file.split_off(file.len() - END_CHUNK);
    file.extend_from_slice(&length_field.to_be_bytes());
    let named = file.len();
    file.extend_from_slice(CHUNK_NAME);
    let mut noise = Noise::new("padding", &[seed]);
    file.reserve(length + 2 * CHUNK_FRAME);
    for _ in 0..length / 8 {
        file.extend_from_slice(&noise.next().to_le_bytes());
    }
    file.resize(named + CHUNK_NAME.len() + length, 0);
    let checksum = crc32fast::hash(file.get(named..).unwrap_or_default());
    file.extend_from_slice(&checksum.to_be_bytes());
    file.extend_from_slice(&end);
    file
}

#[cfg(test)]
mod tests {
    use super::pad_png;

    /// The checksum as the PNG standard writes it down, bit by bit.
    fn checksum(bytes: &[u8]) -> u32 {
        let mut register = u32::MAX;
        for byte in bytes {
            register ^= u32::from(*byte);
            for _ in 0..8 {
                let carry = register & 1;
                register = (register >> 1) ^ (0xedb8_8320 * carry);
            }
        }
        !register
    }

    /// Decoders skip the checksums of chunks they do not know, so they are checked here.
    #[test]
    fn every_chunk_of_a_padded_file_is_whole() {
        let mut file = Vec::new();
        let encoder = png::Encoder::new(&mut file, 1, 1);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&[0]).expect("a pixel");
        writer.finish().expect("an end");
        let natural = file.len();

        let cases = [
            (0, natural),
            (natural, natural),
            (natural + 1, natural + 12),
            (natural + 12, natural + 12),
            (natural + 27, natural + 27),
            (5000, 5000),
        ];
        for (wanted, expected) in cases {
            let padded = pad_png(file.clone(), wanted, 1);
            assert_eq!(padded.len(), expected, "{wanted}");
            let mut rest = &padded[8..];
            let mut name = &rest[..0];
            while !rest.is_empty() {
                let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
                let (chunk, after) = rest.split_at(length + 12);
                let (named, stored) = chunk[4..].split_at(length + 4);
                assert_eq!(checksum(named).to_be_bytes(), stored, "{wanted}");
                name = &named[..4];
                rest = after;
            }
            assert_eq!(name, b"IEND");
        }
    }
}
