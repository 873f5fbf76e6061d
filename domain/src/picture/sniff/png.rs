//! PNG (third edition, §5): a signature, then chunks from IHDR to IEND.

use super::array;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// IEND is always the same: no data, so a constant checksum.
const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";

pub(super) fn size(head: &[u8]) -> Option<(u32, u32)> {
    let chunk = head.strip_prefix(SIGNATURE)?.strip_prefix(b"\0\0\0\x0dIHDR")?;
    Some((u32::from_be_bytes(array(chunk, 0)?), u32::from_be_bytes(array(chunk, 4)?)))
}

pub(super) fn complete(tail: &[u8]) -> bool {
    tail.ends_with(END)
}
