//! Pictures that a client hands in: scope is telling what they are and how large.
//!
//! The declared type is not trusted, because the SDKs send `application/octet-stream`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use imagesize::ImageType;
use serde_json::Value;

use super::fields::wrong_type;
use crate::error::ApiError;

const LARGEST_IMAGE: usize = 50 * 1024 * 1024;
const LARGEST_MASK: usize = 4 * 1024 * 1024;

/// A picture handed in. One named by a file id is not looked at, so its nature is unknown.
pub(crate) struct Picture {
    known: Option<Known>,
}

struct Known {
    png: bool,
    size: (usize, usize),
    bytes: usize,
}

impl Picture {
    /// Recognises the bytes of a picture that came in the field `param`.
    pub(super) fn recognise(param: &str, bytes: &[u8]) -> Result<Self, ApiError> {
        let kind = imagesize::image_type(bytes).ok();
        let png = kind == Some(ImageType::Png);
        let supported = png || matches!(kind, Some(ImageType::Jpeg | ImageType::Webp));
        let size = imagesize::blob_size(bytes).ok().filter(|_| supported);
        let Some(size) = size else {
            let message = format!(
                "Invalid file '{param}': unsupported file. Supported file formats are \
                 'image/jpeg', 'image/png', and 'image/webp'."
            );
            return Err(ApiError::invalid("invalid_value", Some(param), message));
        };
        Ok(Self { known: Some(Known { png, size: (size.width, size.height), bytes: bytes.len() }) })
    }

    /// Reads an object of the JSON form: `{"image_url": …}` or `{"file_id": …}`.
    pub(super) fn from_reference(param: &str, reference: &Value) -> Result<Self, ApiError> {
        let Some(object) = reference.as_object() else {
            return Err(wrong_type(param, "an object", reference));
        };
        for key in object.keys() {
            if key != "image_url" && key != "file_id" {
                return Err(ApiError::unknown_parameter(&format!("{param}.{key}")));
            }
        }
        match (object.get("image_url"), object.get("file_id")) {
            (Some(Value::String(url)), None) => Self::from_url(param, url),
            (None, Some(Value::String(_))) => Ok(Self { known: None }),
            _ => {
                let message = format!("Expected exactly one of 'image_url' or 'file_id' in '{param}'.");
                Err(ApiError::invalid("invalid_value", Some(param), message))
            }
        }
    }

    /// Refuses a picture to edit that is too large.
    pub(super) fn check_input(&self, param: &str) -> Result<(), ApiError> {
        self.check_bytes(param, LARGEST_IMAGE)
    }

    /// Refuses a mask or a markup that does not fit the first picture.
    pub(super) fn check_overlay(&self, param: &str, first: &Self) -> Result<(), ApiError> {
        self.check_bytes(param, LARGEST_MASK)?;
        let Some(own) = &self.known else {
            return Ok(());
        };
        if !own.png {
            let message = format!("Invalid {param} format: it must be a PNG file.");
            return Err(ApiError::invalid("invalid_value", Some(param), message));
        }
        match &first.known {
            Some(other) if other.size != own.size => {
                let message = format!("Invalid {param} size: it does not match the size of the image.");
                Err(ApiError::invalid("invalid_value", Some(param), message))
            }
            _ => Ok(()),
        }
    }

    fn check_bytes(&self, param: &str, most: usize) -> Result<(), ApiError> {
        match &self.known {
            Some(known) if known.bytes >= most => {
                let message = format!("Invalid file '{param}': it must be smaller than {most} bytes.");
                Err(ApiError::invalid("invalid_value", Some(param), message))
            }
            _ => Ok(()),
        }
    }

    /// Only data URLs can be read: a stand-in must not call anywhere itself.
    fn from_url(param: &str, url: &str) -> Result<Self, ApiError> {
        let encoded = url.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
        let Some((_, encoded)) = encoded else {
            let message = "Error while downloading file. Upstream status code: 404.";
            return Err(ApiError::invalid("invalid_value", Some(param), message));
        };
        let Ok(bytes) = BASE64_STANDARD.decode(encoded) else {
            let message = format!("Invalid '{param}': the data URL is not valid base64.");
            return Err(ApiError::invalid("invalid_value", Some(param), message));
        };
        Self::recognise(param, &bytes)
    }
}
