//! The picture key: SHA-256 over a versioned, length-prefixed sequence of typed fields.
//!
//! The bytes that are hashed are specified in `docs/CACHE-KEY.md` so that anyone can compute a key, and are pinned by
//! golden vectors that run natively and in Wasm. Policy is not identity: credentials, users, lifetimes and reply formats
//! have no place here.

use sha2::{Digest as _, Sha256};

use crate::hex;
use crate::picture::frames::{Frames, Svg};
use crate::picture::options::Choice;
use crate::picture::{Digest, Picture};

/// Changes whenever the same [`Picture`] would hash to another key.
pub const SCHEMA: &str = "pincel/picture/1";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PictureKey([u8; 32]);

impl PictureKey {
    pub fn of(picture: &Picture) -> Self {
        // Exhaustive on purpose: a new field does not compile until someone decides whether it is identity.
        let Picture {
            namespace,
            operation,
            model,
            prompt,
            size,
            quality,
            background,
            moderation,
            output_format,
            output_compression,
            complexity,
            input_fidelity,
            frames,
            svg,
            images,
            mask,
            markup,
        } = picture;
        let (frame_count, frame_duration_ms) = match frames {
            Some(Frames { count, duration_ms }) => (Some(u64::from(*count)), Some(u64::from(*duration_ms))),
            None => (None, None),
        };
        let (svg_model, svg_effort) = match svg {
            Some(Svg { model, effort }) => (Some(model.as_str()), *effort),
            None => (None, None),
        };
        let mut hash = Fields(Sha256::new());
        hash.bytes(SCHEMA.as_bytes());
        hash.text("namespace", Some(namespace));
        hash.text("operation", Some(operation.as_str()));
        hash.text("model", Some(model));
        hash.text("prompt", Some(prompt.as_str()));
        hash.text("size", Some(&size.to_string()));
        hash.text("quality", Some(quality.as_str()));
        hash.text("background", Some(background.as_str()));
        hash.text("moderation", Some(moderation.as_str()));
        hash.text("output_format", Some(output_format.as_str()));
        hash.number("output_compression", output_compression.map(u64::from));
        hash.text("complexity", complexity.map(Choice::as_str));
        hash.text("input_fidelity", input_fidelity.map(Choice::as_str));
        hash.number("frame_count", frame_count);
        hash.number("frame_duration_ms", frame_duration_ms);
        hash.text("svg.model", svg_model);
        hash.text("svg.reasoning.effort", svg_effort.map(Choice::as_str));
        hash.digests("images", images);
        hash.digests("mask", mask.as_slice());
        hash.digests("markup", markup.as_slice());
        Self(hash.0.finalize().into())
    }

    /// Reads a key as it stands in a URL.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode_32(text).map(Self)
    }
}

impl std::fmt::Display for PictureKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl serde::Serialize for PictureKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PictureKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a key is 64 lower-case hexadecimal digits"))
    }
}

impl std::fmt::Debug for PictureKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// Every part carries its length and every value its type, so that no two sequences of fields are the same bytes.
struct Fields(Sha256);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn field(&mut self, name: &str, kind: u8) {
        self.bytes(name.as_bytes());
        self.0.update([kind]);
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => {
                self.field(name, b's');
                self.bytes(value.as_bytes());
            }
            None => self.field(name, b'-'),
        }
    }

    fn number(&mut self, name: &str, value: Option<u64>) {
        match value {
            Some(value) => {
                self.field(name, b'n');
                self.0.update(value.to_be_bytes());
            }
            None => self.field(name, b'-'),
        }
    }

    fn digests(&mut self, name: &str, digests: &[Digest]) {
        self.field(name, b'd');
        self.0.update((digests.len() as u64).to_be_bytes());
        for Digest(digest) in digests {
            self.0.update(digest);
        }
    }
}

#[cfg(test)]
mod tests;
