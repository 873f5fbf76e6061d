//! Jobs: the making of pictures, from claim to settled money.
//!
//! In scope: which states a job may pass through, what a key's pool answers to a request, what a restart does to jobs
//! that a crash left behind, what a purge takes, and the receipts. Out of scope: who runs a job and how (`engine::generate`).

pub mod attempt;
pub mod pool;
pub mod purged;
pub mod receipt;
pub mod state;

pub use attempt::{Job, JobId, Joined, Money};
pub use pool::{Plan, Pool, Slot, Want};
pub use purged::Purged;
pub use receipt::Receipt;
pub use state::State;
