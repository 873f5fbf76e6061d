//! JPEG (ITU T.81, annex B): segments up to a start of frame, which holds the size, and on to a start of
//! scan, after which the picture's own end marker can come.

use super::array;

/// Some writers pad a file with zeros. More than this is not padding but a hole.
const PADDING: usize = 8;

pub(super) fn size(head: &[u8]) -> Option<(u32, u32)> {
    let frame = Segments::of(head)?.find(|segment| is_frame(segment.marker) || segment.marker == SCAN)?;
    if frame.marker == SCAN {
        return None;
    }
    let height = u16::from_be_bytes(array(head, frame.at.checked_add(3)?)?);
    let width = u16::from_be_bytes(array(head, frame.at.checked_add(5)?)?);
    Some((width.into(), height.into()))
}

/// The end marker must come after the start of the scan: a thumbnail in the metadata is a JPEG with an
/// end of its own, and a file that was cut there ends just like a whole one.
pub(super) fn complete(tail: &[u8], length: u64, head: &[u8]) -> bool {
    let padding = tail.iter().rev().take_while(|byte| **byte == 0).count();
    let end = tail.len().saturating_sub(padding);
    let ended = padding <= PADDING && tail.get(..end).is_some_and(|file| file.ends_with(b"\xff\xd9"));
    let scan = Segments::of(head).and_then(|mut segments| segments.find(|segment| segment.marker == SCAN));
    let known = u64::try_from(head.len()).unwrap_or(u64::MAX);
    let begun = match scan {
        // Beyond the scan's own header there is at least the end marker.
        Some(scan) => u64::try_from(scan.after()).is_ok_and(|after| after.saturating_add(2) <= length),
        // The metadata is longer than the head that is known; the tail has to do.
        None => known < length,
    };
    ended && begun
}

const SCAN: u8 = 0xda;

/// SOF0 to SOF15, without DHT, JPG and DAC, which share the row.
const fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

struct Segment {
    marker: u8,
    /// Where its length field is.
    at: usize,
    len: u16,
}

impl Segment {
    fn after(&self) -> usize {
        self.at.saturating_add(usize::from(self.len))
    }
}

/// The segments before the first scan, that scan's header included. Ends at anything that is none.
struct Segments<'a> {
    head: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    fn of(head: &'a [u8]) -> Option<Self> {
        head.starts_with(b"\xff\xd8\xff").then_some(Self { head, at: 2 })
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let rest = self.head.get(self.at..)?;
        let marker_at = rest.iter().position(|byte| *byte != 0xff)?;
        let marker = *rest.get(marker_at)?;
        // Markers without a length (TEM, RST, SOI, EOI), stuffed zeros and a missing 0xff have no place here.
        if marker_at == 0 || matches!(marker, 0x00 | 0x01 | 0xd0..=0xd9) {
            return None;
        }
        let at = self.at.checked_add(marker_at)?.checked_add(1)?;
        let len = u16::from_be_bytes(array(self.head, at)?);
        if len < 2 {
            return None;
        }
        let segment = Segment { marker, at, len };
        self.at = if marker == SCAN { self.head.len() } else { segment.after() };
        Some(segment)
    }
}
