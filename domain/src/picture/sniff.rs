//! Is this a picture, of which format, how large, and is it whole?
//!
//! In scope: the few bytes of a file that answer this. Not in scope: decoding, so a whole file may still
//! hold nonsense between its ends; and what an SVG may do in a browser, which its reply's headers decide.
//! The bytes come from outside, so every read is checked and every walk moves forward.

mod gif;
mod jpeg;
mod png;
mod svg;
mod webp;

use serde::{Deserialize, Serialize};

/// The formats that the provider makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Png,
    Jpeg,
    Webp,
    Gif,
    Svg,
}

/// What the head of a file tells. An SVG that does not state its size is 0 × 0; any other picture has at
/// least one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sniffed {
    pub format: Format,
    pub width: u32,
    pub height: u32,
}

/// Looks at the head of a file. 256 KiB are enough for anything but a JPEG with very large metadata.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    let read = |format, size: Option<(u32, u32)>| {
        let (width, height) = size?;
        let sound = format == Format::Svg || (width > 0 && height > 0);
        sound.then_some(Sniffed { format, width, height })
    };
    read(Format::Png, png::size(head))
        .or_else(|| read(Format::Jpeg, jpeg::size(head)))
        .or_else(|| read(Format::Webp, webp::size(head)))
        .or_else(|| read(Format::Gif, gif::size(head)))
        .or_else(|| read(Format::Svg, svg::size(head)))
}

/// Whether a file of `length` bytes ends where its format says that it ends.
///
/// `head` and `tail` are its first and last bytes. Give as much of the head as is at hand: where it is
/// the whole file, GIF and SVG are walked from end to end, which finds cuts that the tail alone cannot
/// show. Sixty-four bytes of tail are enough for all formats.
pub fn complete(format: Format, tail: &[u8], length: u64, head: &[u8]) -> bool {
    let spans = |part: &[u8]| u64::try_from(part.len()).is_ok_and(|len| len <= length);
    if !spans(head) || !spans(tail) || sniff(head).is_none_or(|found| found.format != format) {
        return false;
    }
    let whole = u64::try_from(head.len()) == Ok(length);
    match format {
        Format::Png => png::complete(tail),
        Format::Jpeg => jpeg::complete(tail, length, head),
        Format::Webp => webp::complete(length, head),
        Format::Gif => gif::complete(tail, head, whole),
        Format::Svg => svg::complete(tail, head, whole),
    }
}

impl Format {
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Svg => "image/svg+xml",
        }
    }

    /// The usual end of a file name, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Svg => "svg",
        }
    }

    /// Reads a media type. Parameters and case are ignored, and `image/jpg`, which is common though never
    /// registered, is understood.
    pub fn from_mime(mime: &str) -> Option<Self> {
        let essence = mime.split(';').next()?.trim();
        let is = |name: &str| essence.eq_ignore_ascii_case(name);
        [Self::Png, Self::Jpeg, Self::Webp, Self::Gif, Self::Svg]
            .into_iter()
            .find(|format| is(format.mime()))
            .or_else(|| is("image/jpg").then_some(Self::Jpeg))
    }
}

/// The `N` bytes at an offset, where there are that many.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests;
