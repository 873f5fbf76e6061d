//! Starts Pincel as its users start it, and speaks to it as its clients do.
//!
//! # Layout
//!
//! - [`Edge`] is a Worker in workerd with all that belongs to it: its stand-in for OpenAI, its state, its log.
//! - [`Client`] asks it for pictures, makes other clients through the admin API (`admin`), and asks the stand-in what was bought.
//!   [`Reply`] is what comes back.
//! - [`Cdn`] is a stand-in for the API by which a zone drops what its caches have.
//! - [`sign`] writes signed URLs. It shares no code with the Worker, which makes it a witness for the rules in the docs.
//! - [`Contract`] is `docs/openapi.json`, and holds replies to it.
//! - [`process`] looks at running programs and ends them; [`tools`] finds the programs that a test needs.
//!
//! The tests are in `tests/it`. Out of scope: what can be shown without a Worker, which the crates themselves test.

mod admin;
mod bare;
mod cdn;
mod client;
mod edge;
mod openapi;
mod operator;
pub mod process;
mod program;
mod reply;
mod scratch;
pub mod sign;
pub mod tools;

pub use bare::{Bare, PLAIN, Worker};
pub use cdn::Cdn;
pub use client::{Client, Keys, picture, with};
pub use edge::Edge;
pub use openapi::{Contract, DOCUMENT};
pub use reply::{Reply, fetch};
pub use scratch::Scratch;
