//! GIF (89a): a screen descriptor with the size, then blocks up to a trailer.

use super::array;

const TRAILER: u8 = 0x3b;

pub(super) fn size(head: &[u8]) -> Option<(u32, u32)> {
    if !head.starts_with(b"GIF87a") && !head.starts_with(b"GIF89a") {
        return None;
    }
    let side = |at| array(head, at).map(|bytes| u32::from(u16::from_le_bytes(bytes)));
    Some((side(6)?, side(8)?))
}

/// One byte ends the file, and in compressed data that byte is common. Where the whole file is known its
/// blocks are walked; otherwise the trailer must at least follow the end of a block.
pub(super) fn complete(tail: &[u8], head: &[u8], whole: bool) -> bool {
    if whole {
        trailer_at(head).is_some_and(|at| at.checked_add(1) == Some(head.len()))
    } else {
        tail.ends_with(&[0, TRAILER])
    }
}

/// Where the trailer is, if at least one picture comes before it.
fn trailer_at(file: &[u8]) -> Option<usize> {
    let mut at = after_colours(file, 10)?.checked_add(2)?;
    let mut pictured = false;
    loop {
        match *file.get(at)? {
            TRAILER => return pictured.then_some(at),
            // An extension: a label, then sub-blocks.
            0x21 => at = after_sub_blocks(file, at.checked_add(2)?)?,
            // A picture: a descriptor that ends with flags, colours, a code size, then sub-blocks.
            0x2c => {
                let colours = after_colours(file, at.checked_add(9)?)?;
                at = after_sub_blocks(file, colours.checked_add(1)?)?;
                pictured = true;
            }
            _ => return None,
        }
    }
}

/// The offset after the flags at `at`, with the length of the colour table that they announce added.
/// The two bytes between the flags of the screen and its table are for the caller to add.
fn after_colours(file: &[u8], at: usize) -> Option<usize> {
    let flags = *file.get(at)?;
    let table = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    at.checked_add(1)?.checked_add(table)
}

fn after_sub_blocks(file: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let len = usize::from(*file.get(at)?);
        at = at.checked_add(1)?.checked_add(len)?;
        if len == 0 {
            return Some(at);
        }
    }
}
