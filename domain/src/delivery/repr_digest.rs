//! The value of `Repr-Digest` (RFC 9530 §3), by which a client can check what it received.
//!
//! In scope: writing the SHA-256 of the whole picture. It is the same in a 206 or a HEAD reply, because
//! it speaks of the representation and not of the bytes sent. Not in scope: computing the digest, and
//! `Want-Repr-Digest`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// `sha-256=:…:`, a dictionary member with a byte sequence (RFC 9651 §3.3.5).
pub fn repr_digest(sha256: &[u8; 32]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256))
}

#[cfg(test)]
mod tests;
