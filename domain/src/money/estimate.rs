//! What a call may cost, before it is made.
//!
//! In scope: an upper bound, which budgets reserve, and a lower bound, which a quote shows beside it.
//! Not in scope: the true cost, which comes from the reply's `usage`, and whether a request is valid.
//! Where quality or size is left to the provider, the dearest row counts for the upper bound.

use thiserror::Error;

use super::nano_usd::NanoUsd;
use super::price::Price;

/// The parts of a request that decide its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Absent or `auto`: the provider chooses.
    pub quality: Option<&'a str>,
    /// Width and height. Absent: the provider chooses.
    pub size: Option<(u32, u32)>,
    /// The length of the prompt as it is sent.
    pub prompt_bytes: u64,
    /// Pictures asked for. Each is billed in full, its input included.
    pub n: u32,
    /// Frames of an animation, 1 for a still. How frames are billed is not published, so the upper bound
    /// counts each as a picture of its own.
    pub frames: u32,
    pub partial_images: u32,
    /// Pictures sent along: references, a mask and a markup.
    pub input_images: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EstimateError {
    #[error("no token count is known for this quality and size of this model")]
    UnknownRow,
    #[error("a request for no picture has no price")]
    Nothing,
    #[error("the price is too large to be counted")]
    Overflow,
}

/// The sizes that `auto` resolves to.
const AUTO_SIZES: [(u32, u32); 3] = [(1024, 1024), (1536, 1024), (1024, 1536)];
/// Each partial picture of a stream adds this many output tokens.
const PARTIAL_TOKENS: u64 = 100;
/// Reference pictures were measured at up to 2200 tokens; no formula is published.
const INPUT_IMAGE_TOKENS: u64 = 4096;
/// The provider frames the prompt and each picture with tokens of its own. Not published, so ample.
const FRAMING_TOKENS: u64 = 64;

impl Default for Ask<'_> {
    /// One still picture of everything the provider chooses, for an empty prompt.
    fn default() -> Self {
        Self { quality: None, size: None, prompt_bytes: 0, n: 1, frames: 1, partial_images: 0, input_images: 0 }
    }
}

/// The cost that the call will not exceed.
///
/// A token of text is at least one byte long, so the prompt's bytes bound its tokens. All input counts
/// at the dearest input price, because that is how a `usage` without details is counted.
pub fn upper_bound(price: &Price, ask: &Ask<'_>) -> Result<NanoUsd, EstimateError> {
    let rows = rows(price, ask, |quality, size| price.token_rule.most(quality, size))?;
    let picture = rows.into_iter().max().ok_or(EstimateError::UnknownRow)?;
    total(price, ask, picture).ok_or(EstimateError::Overflow)
}

/// The cost that the call will not stay below, if it succeeds.
pub fn lower_bound(price: &Price, ask: &Ask<'_>) -> Result<NanoUsd, EstimateError> {
    let rows = rows(price, ask, |quality, size| price.token_rule.least(quality, size))?;
    let picture = rows.into_iter().min().ok_or(EstimateError::UnknownRow)?;
    NanoUsd(price.image_out.get())
        .checked_mul(picture)
        .and_then(|picture| picture.checked_mul(u64::from(ask.n)))
        .ok_or(EstimateError::Overflow)
}

/// The tokens of every row that the request may end up in. One unknown row spoils the bound.
fn rows(
    price: &Price,
    ask: &Ask<'_>,
    tokens: impl Fn(&str, (u32, u32)) -> Option<u64>,
) -> Result<Vec<u64>, EstimateError> {
    if ask.n == 0 || ask.frames == 0 {
        return Err(EstimateError::Nothing);
    }
    let named = ask.quality.filter(|quality| *quality != "auto");
    let qualities = match &named {
        Some(quality) => std::slice::from_ref(quality),
        None => price.token_rule.qualities(),
    };
    let sizes = match &ask.size {
        Some(size) => std::slice::from_ref(size),
        None => &AUTO_SIZES[..],
    };
    qualities
        .iter()
        .flat_map(|quality| sizes.iter().map(|size| tokens(quality, *size)))
        .collect::<Option<Vec<_>>>()
        .ok_or(EstimateError::UnknownRow)
}

fn total(price: &Price, ask: &Ask<'_>, picture: u64) -> Option<NanoUsd> {
    let inputs = u64::from(ask.input_images);
    let framing = FRAMING_TOKENS.checked_mul(inputs.checked_add(1)?)?;
    let input = INPUT_IMAGE_TOKENS.checked_mul(inputs)?.checked_add(framing)?.checked_add(ask.prompt_bytes)?;
    let partials = PARTIAL_TOKENS.checked_mul(u64::from(ask.partial_images))?;
    let output = picture.checked_mul(u64::from(ask.frames))?.checked_add(partials)?;
    NanoUsd(price.dearest_in().get())
        .checked_mul(input)?
        .checked_add(NanoUsd(price.dearest_out().get()).checked_mul(output)?)?
        .checked_mul(u64::from(ask.n))
}

#[cfg(test)]
mod tests;
