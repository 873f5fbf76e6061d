//! The Durable Objects: thin wrappers, each with its state in `SQLite`.

mod account;
mod documents;
mod generation;
mod store;
mod table;

pub use generation::ANSWER_HEADER;
pub use store::JobStore;
