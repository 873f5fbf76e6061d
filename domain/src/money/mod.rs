//! What pictures cost, in whole nano-dollars.
//!
//! In scope: amounts, the price table, the exact cost of a reply and an upper bound before the call.
//! Not in scope: half-price batches, and the text model that writes SVG pictures, which is billed apart.
//! Nothing here is ever free by default: what is not known is an error, never zero.

pub mod day;
pub mod estimate;
pub mod nano_usd;
pub mod price;
pub mod token_rule;
pub mod usage;

pub use day::Day;
pub use estimate::{Ask, EstimateError, lower_bound, upper_bound};
pub use nano_usd::NanoUsd;
pub use price::{Price, PriceError, PriceTable};
pub use token_rule::{TokenRule, output_tokens};
pub use usage::{CostError, Usage};
