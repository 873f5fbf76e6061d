//! What is true: the rules of Pincel.
//!
//! In scope: when two requests are the same picture, who may ask for it, what it costs, what state a job may be
//! in, and which headers a reply carries. Out of scope: I/O, clocks and randomness. Time, ids and random bytes
//! come in as arguments, so that every rule here can be tested as a function.

pub mod access;
pub mod admin;
pub mod delivery;
pub mod error;
pub mod hex;
pub mod job;
pub mod moment;
pub mod money;
pub mod picture;
pub mod purge;
pub mod query;
pub mod reconcile;
pub mod runtime;
pub mod trace;
pub mod usage;

pub use error::ApiError;
