//! Who may: API keys, URL signatures, scopes, and the policy of the client behind them.

pub mod api_key;
pub mod principal;
pub mod signature;

pub use api_key::ApiKey;
pub use principal::{ClientId, Dedup, Policy, Principal, Scope, UnknownHold};
pub use signature::SigningKey;
