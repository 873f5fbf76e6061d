//! The provider's protocol: OpenAI's Images API (`https://platform.openai.com/docs/api-reference/images`).

pub mod decoder;
pub mod failure;
pub mod reply;
pub mod request;

pub use failure::{Certainty, Failure};
