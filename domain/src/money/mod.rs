//! What pictures cost, in whole nano-dollars.
//!
//! In scope: amounts, the price table, the exact cost of a reply, an upper bound before the call, and budgets.
//! Not in scope: half-price batches, and the text model that writes SVG pictures, which is billed apart.
//! Nothing here is ever free by default: what is not known is an error, never zero.

pub mod budget;
pub mod day;
pub mod decimal;
pub mod estimate;
pub mod month;
pub mod nano_usd;
pub mod price;
pub mod token_rule;
pub mod usage;

pub use budget::{Budget, Closed, Entry, EntryState, Outcome, OverBudget, Span, Sums, WARN_PERCENT, Windows};
pub use day::{Day, day_end_ms};
pub use estimate::{Ask, EstimateError, lower_bound, upper_bound};
pub use month::{Month, month_end_ms};
pub use nano_usd::NanoUsd;
pub use price::{Price, PriceError, PriceTable, undated};
pub use token_rule::{TokenRule, output_tokens};
pub use usage::{CostError, Usage};
