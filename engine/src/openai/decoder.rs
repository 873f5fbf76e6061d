//! A JSON reply, read piece by piece: the pictures leave as bytes, the rest stays as a small document.
//!
//! A reply can hold ten pictures of twenty megabytes in base64. Parsing it whole would need several times its size in an
//! isolate that has 128 MB, so the value of every member `b64_json` is decoded while it arrives and stands in the
//! remaining document as an empty string. Base64 is read as RFC 4648 §4, padding optional, `\/` unescaped.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is left of a reply without its pictures is small; more than this is no reply of the Images API.
const MAX_DOCUMENT: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The next bytes of the picture that is being read.
    Bytes(Vec<u8>),
    /// The picture is complete.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the picture is not base64")]
    NotBase64,
    #[error("the reply is too large")]
    TooLarge,
}

#[derive(Debug, Default)]
pub struct Decoder {
    document: Vec<u8>,
    place: Place,
    /// Characters of the base64 text that do not make a group of four yet.
    pending: Vec<u8>,
    /// The text of the member name that was read last, cut to what has to be told apart.
    name: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    /// In a string; `escaped` after a backslash.
    Text {
        escaped: bool,
    },
    /// Behind a string that may turn out to be a member name.
    BehindText,
    /// Behind the colon of `b64_json`.
    BehindName,
    Picture {
        escaped: bool,
    },
}

const NAME: &[u8] = b"b64_json";

impl Decoder {
    /// Takes the next piece of the reply.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Event>, DecodeError> {
        let mut events = Vec::new();
        let mut rest = piece;
        while let Some((byte, tail)) = rest.split_first() {
            if let Place::Picture { escaped: false } = self.place {
                // The long way through a picture, a run at a time.
                let run = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len());
                let (text, tail) = rest.split_at_checked(run).unwrap_or((rest, &[]));
                self.decode(text, &mut events)?;
                rest = tail;
                if let Some((mark, tail)) = rest.split_first() {
                    rest = tail;
                    if *mark == b'"' {
                        self.finish(&mut events)?;
                    } else {
                        self.place = Place::Picture { escaped: true };
                    }
                }
                continue;
            }
            rest = tail;
            self.step(*byte, &mut events)?;
        }
        Ok(events)
    }

    /// The reply without its pictures.
    pub fn document(self) -> Vec<u8> {
        self.document
    }

    /// Has the whole of every picture that began arrived?
    pub fn is_between_pictures(&self) -> bool {
        !matches!(self.place, Place::Picture { .. })
    }

    fn step(&mut self, byte: u8, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        self.place = match (self.place, byte) {
            (Place::Picture { .. }, b'/') => {
                self.decode(b"/", events)?;
                self.place = Place::Picture { escaped: false };
                return Ok(());
            }
            (Place::Picture { .. }, _) => return Err(DecodeError::NotBase64),
            (Place::Text { escaped: true }, _) => Place::Text { escaped: false },
            (Place::Text { escaped: false }, b'\\') => {
                // No escape is needed in the name that matters, so a name with one is another name.
                self.name.push(b'\\');
                Place::Text { escaped: true }
            }
            (Place::Text { escaped: false }, b'"') => Place::BehindText,
            (Place::Text { escaped: false }, _) => {
                if self.name.len() <= NAME.len() {
                    self.name.push(byte);
                }
                self.place
            }
            (Place::BehindText | Place::BehindName, b' ' | b'\t' | b'\r' | b'\n') => self.place,
            (Place::BehindText, b':') if self.name == NAME => Place::BehindName,
            (Place::BehindName, b'"') => Place::Picture { escaped: false },
            (_, b'"') => {
                self.name.clear();
                Place::Text { escaped: false }
            }
            _ => Place::Outside,
        };
        if self.document.len() >= MAX_DOCUMENT {
            return Err(DecodeError::TooLarge);
        }
        self.document.push(byte);
        Ok(())
    }

    fn decode(&mut self, text: &[u8], events: &mut Vec<Event>) -> Result<(), DecodeError> {
        if text.is_empty() {
            return Ok(());
        }
        let bytes = if self.pending.is_empty() && text.len().is_multiple_of(4) {
            BASE64.decode(text)
        } else {
            self.pending.extend_from_slice(text);
            let whole = self.pending.len() / 4 * 4;
            let rest = self.pending.split_off(whole);
            BASE64.decode(std::mem::replace(&mut self.pending, rest))
        };
        match bytes {
            Ok(bytes) if bytes.is_empty() => Ok(()),
            Ok(bytes) => {
                events.push(Event::Bytes(bytes));
                Ok(())
            }
            Err(_) => Err(DecodeError::NotBase64),
        }
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        let rest = BASE64.decode(std::mem::take(&mut self.pending)).map_err(|_| DecodeError::NotBase64)?;
        if !rest.is_empty() {
            events.push(Event::Bytes(rest));
        }
        events.push(Event::End);
        self.document.push(b'"');
        self.place = Place::Outside;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
