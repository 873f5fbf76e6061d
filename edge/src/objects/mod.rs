//! The Durable Objects: thin wrappers, each with its state in `SQLite`.

mod account;
mod catalog;
mod database;
mod documents;
mod generation;
mod store;
mod table;

pub use catalog::{WATCH, Watch};
pub use generation::ANSWER_HEADER;
pub use store::JobStore;
