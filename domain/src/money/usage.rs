//! What a finished call cost: OpenAI's `usage`, counted in money.
//!
//! In scope: token counts of the image models and their exact price. Not in scope: `svg_usage`, which a
//! text model bills apart, and batches. Where the counts contradict each other the larger one counts, at
//! the dearest price that it may have: a cost may come out too high, never too low.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::nano_usd::NanoUsd;
use super::price::Price;

/// Tokens of one call. Unknown fields are ignored, absent counts of tokens are not invented: without
/// `input_tokens` and `output_tokens` there is no usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Wire")]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub total_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens_details: Option<InputDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens_details: Option<TokenDetails>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDetails {
    #[serde(default)]
    pub text_tokens: u64,
    #[serde(default)]
    pub image_tokens: u64,
    /// How many of the tokens above were read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens_details: Option<TokenDetails>,
}

/// A split by kind. An absent count is zero here, and what it lacks to the total is counted as the
/// dearest kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenDetails {
    #[serde(default)]
    pub text_tokens: u64,
    #[serde(default)]
    pub image_tokens: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CostError {
    #[error("the token counts are too large to be priced")]
    Overflow,
}

impl Usage {
    /// The exact cost of the call.
    pub fn cost(&self, price: &Price) -> Result<NanoUsd, CostError> {
        let counted = self.counted().ok_or(CostError::Overflow)?;
        let spent = self.input_cost(price).zip(self.output_cost(price));
        let (input, output) = spent.ok_or(CostError::Overflow)?;
        let unexplained = self.total_tokens.saturating_sub(counted);
        let dearest = price.dearest_in().max(price.dearest_out()).get();
        tokens_at(unexplained, dearest)
            .and_then(|rest| rest.checked_add(input)?.checked_add(output))
            .ok_or(CostError::Overflow)
    }

    fn counted(&self) -> Option<u64> {
        let input = self.input_tokens_details.unwrap_or_default();
        let output = self.output_tokens_details.unwrap_or_default();
        let input = input.text_tokens.checked_add(input.image_tokens)?;
        let output = output.text_tokens.checked_add(output.image_tokens)?;
        let input = input.max(self.input_tokens);
        input.checked_add(output.max(self.output_tokens))
    }

    fn input_cost(&self, price: &Price) -> Option<NanoUsd> {
        let details = self.input_tokens_details.unwrap_or_default();
        let (text, image) = (details.text_tokens, details.image_tokens);
        let unsplit = self.input_tokens.saturating_sub(text.checked_add(image)?);
        let cached = details.cached(price);
        tokens_at(text.checked_sub(cached.text_tokens)?, price.text_in.get())?
            .checked_add(tokens_at(cached.text_tokens, price.cached_text_in.get())?)?
            .checked_add(tokens_at(image.checked_sub(cached.image_tokens)?, price.image_in.get())?)?
            .checked_add(tokens_at(cached.image_tokens, price.cached_image_in.get())?)?
            .checked_add(tokens_at(unsplit, price.dearest_in().get())?)
    }

    fn output_cost(&self, price: &Price) -> Option<NanoUsd> {
        let Some(details) = self.output_tokens_details else {
            // The Images endpoints leave the split out, and what they send is pictures.
            return tokens_at(self.output_tokens, price.image_out.get());
        };
        let (text, image) = (details.text_tokens, details.image_tokens);
        let unsplit = self.output_tokens.saturating_sub(text.checked_add(image)?);
        tokens_at(text, price.text_out_or_image().get())?
            .checked_add(tokens_at(image, price.image_out.get())?)?
            .checked_add(tokens_at(unsplit, price.dearest_out().get())?)
    }
}

impl InputDetails {
    /// Which tokens get the cached price. Where the split by kind is absent, or is more than
    /// `cached_tokens`, the kind with the smaller discount goes first.
    fn cached(&self, price: &Price) -> TokenDetails {
        let claimed = self.cached_tokens_details.unwrap_or(TokenDetails {
            text_tokens: self.cached_tokens.unwrap_or(0),
            image_tokens: self.cached_tokens.unwrap_or(0),
        });
        let text = claimed.text_tokens.min(self.text_tokens);
        let image = claimed.image_tokens.min(self.image_tokens);
        let all = self.cached_tokens.unwrap_or(text.saturating_add(image));
        let discount = |full: u64, cached: u64| full.saturating_sub(cached);
        let of_text = discount(price.text_in.get(), price.cached_text_in.get());
        let of_image = discount(price.image_in.get(), price.cached_image_in.get());
        let (text_tokens, image_tokens) = if of_text <= of_image {
            let text = text.min(all);
            (text, image.min(all.saturating_sub(text)))
        } else {
            let image = image.min(all);
            (text.min(all.saturating_sub(image)), image)
        };
        TokenDetails { text_tokens, image_tokens }
    }
}

fn tokens_at(tokens: u64, nano_per_token: u64) -> Option<NanoUsd> {
    NanoUsd(nano_per_token).checked_mul(tokens)
}

/// The provider's object. Only the two sums are needed to price a call, so the third may be missing.
#[derive(Deserialize)]
struct Wire {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<TokenDetails>,
}

impl From<Wire> for Usage {
    fn from(wire: Wire) -> Self {
        let sum = wire.input_tokens.saturating_add(wire.output_tokens);
        Self {
            input_tokens: wire.input_tokens,
            output_tokens: wire.output_tokens,
            total_tokens: wire.total_tokens.unwrap_or(sum),
            input_tokens_details: wire.input_tokens_details,
            output_tokens_details: wire.output_tokens_details,
        }
    }
}

#[cfg(test)]
mod tests;
