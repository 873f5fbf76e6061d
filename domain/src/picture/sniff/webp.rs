//! WebP (RFC 9649): a RIFF file whose first chunk holds the size, in one of three ways.

use super::array;

pub(super) fn size(head: &[u8]) -> Option<(u32, u32)> {
    let kind: [u8; 4] = array(head, 12)?;
    if !head.starts_with(b"RIFF") || array(head, 8)? != *b"WEBP" {
        return None;
    }
    let chunk = head.get(20..)?;
    match &kind {
        b"VP8 " => lossy(chunk),
        b"VP8L" => lossless(chunk),
        b"VP8X" => extended(chunk),
        _ => None,
    }
}

/// The file is as long as RIFF says (RFC 9649 §2.4). A writer may leave the padding byte of an odd
/// length out of that figure.
pub(super) fn complete(length: u64, head: &[u8]) -> bool {
    let Some(stated) = array(head, 4).map(u32::from_le_bytes) else {
        return false;
    };
    let end = u64::from(stated) + 8;
    length == end || (end % 2 == 1 && length == end + 1)
}

/// A key frame: three bytes of tag, a start code, and two sides of fourteen bits (RFC 6386 §9.1).
fn lossy(chunk: &[u8]) -> Option<(u32, u32)> {
    let is_key_frame = chunk.first()? & 1 == 0;
    if !is_key_frame || array(chunk, 3)? != [0x9d, 0x01, 0x2a] {
        return None;
    }
    let side = |at| array(chunk, at).map(|bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff));
    Some((side(6)?, side(8)?))
}

/// A signature, then two sides of fourteen bits, each less one (RFC 9649 §3.4).
fn lossless(chunk: &[u8]) -> Option<(u32, u32)> {
    if *chunk.first()? != 0x2f {
        return None;
    }
    let bits = u32::from_le_bytes(array(chunk, 1)?);
    let side = |shift: u32| ((bits >> shift) & 0x3fff) + 1;
    Some((side(0), side(14)))
}

/// Four bytes of flags, then the sides of the canvas in twenty-four bits, each less one (RFC 9649 §2.7).
fn extended(chunk: &[u8]) -> Option<(u32, u32)> {
    let side = |at| {
        let [low, middle, high] = array(chunk, at)?;
        Some(u32::from_le_bytes([low, middle, high, 0]) + 1)
    };
    Some((side(4)?, side(7)?))
}
