//! Who may: credentials, scopes, and the client behind them with its policy.

pub mod api_key;
pub mod client;
pub mod issuer;
pub mod jwk;
pub mod jwt;
pub mod oauth;
pub mod policy;
pub mod principal;
pub mod rate;
pub mod secret;
pub mod signature;

pub use client::Client;
pub use policy::{Dedup, Limits, Policy, UnknownHold};
pub use principal::{AccountName, ClientId, Principal, Proof, Scope};
pub use secret::{Master, Masters};
pub use signature::SigningKey;
