//! Which picture: the request of a client made canonical, and the key it has.

pub mod explain;
pub mod frames;
pub mod key;
pub mod model;
pub mod options;
pub mod prompt;
pub mod request;
pub mod size;
pub mod sniff;
pub mod take;
pub mod words;

pub use key::PictureKey;
pub use model::Model;
pub use prompt::Prompt;
pub use request::{Asked, ResponseFormat};
pub use size::Size;
pub use sniff::Format;
pub use take::{Digest, Pointer, Take};

use serde::{Deserialize, Serialize};

use frames::{Frames, Svg};
use options::{Background, Complexity, InputFidelity, Moderation, OutputFormat, Quality};

/// Everything that decides which picture is made, every default explicit. Two requests are the same picture exactly
/// when this struct is equal; [`PictureKey`] is its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub namespace: String,
    pub operation: Operation,
    pub model: String,
    pub prompt: Prompt,
    pub size: Size,
    pub quality: Quality,
    pub background: Background,
    pub moderation: Moderation,
    pub output_format: OutputFormat,
    /// Only where it changes the bytes: webp and jpeg.
    pub output_compression: Option<u8>,
    /// Only for the models that know it.
    pub complexity: Option<Complexity>,
    /// Only for edits, on the models that know it.
    pub input_fidelity: Option<InputFidelity>,
    /// Only for gif.
    pub frames: Option<Frames>,
    /// Only for svg.
    pub svg: Option<Svg>,
    pub images: Vec<Digest>,
    pub mask: Option<Digest>,
    pub markup: Option<Digest>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Generate,
    Edit,
}

impl Operation {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Edit => "edit",
        }
    }
}
