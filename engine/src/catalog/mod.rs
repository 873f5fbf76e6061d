//! The catalog: every picture, take, receipt and purge of a deployment, and its usage.
//!
//! In scope: what operators look for, count and take back. It is a table of contents: the object of a key is what is true of a
//! picture, the accounts of money. Everything is told to it at least once and is counted once. Out of scope: who may ask, and HTTP.

pub mod ask;
pub mod database;

pub use ask::{CatalogAnswer, CatalogAsk, Registration};
pub use database::{Database, Row, Value};
