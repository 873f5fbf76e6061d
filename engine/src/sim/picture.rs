//! The smallest files that pass for pictures, each with its own reason to exist written inside.

use domain::picture::Digest;
use sha2::{Digest as _, Sha256};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const HEADER: &[u8] = b"\0\0\0\x0dIHDR\0\0\x04\0\0\0\x04\0\x08\x02\0\0\0\0\0\0\0";
const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";

/// A private chunk holds the prompt, the bill, and the place in the reply.
pub(super) fn draw(prompt: &str, bill: usize, place: usize) -> Vec<u8> {
    let told = format!("{prompt}|{bill}|{place}");
    let length = u32::try_from(told.len()).unwrap().to_be_bytes();
    [SIGNATURE, HEADER, &length, b"piNc", told.as_bytes(), &[0; 4], END].concat()
}

/// The prompt that a picture was drawn for.
pub(super) fn prompt_of(bytes: &[u8]) -> Option<&str> {
    let chunk = bytes.strip_prefix(SIGNATURE)?.strip_prefix(HEADER)?;
    let (length, rest) = chunk.split_first_chunk::<4>()?;
    let told = rest.strip_prefix(b"piNc")?.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    std::str::from_utf8(told).ok()?.split('|').next()
}

pub(super) fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}
