//! How a picture travels to a client: what the request allows, and which headers the reply carries.
//!
//! In scope: request cache directives, revalidation, one byte range, and the values of `Cache-Control`,
//! `Cache-Status` and `Repr-Digest`. Not in scope: finding the picture, deciding whether one may be
//! bought, and sending anything.

pub mod cache_status;
pub mod conditional;
pub mod lifetimes;
pub mod range;
pub mod repr_digest;
pub mod request_directives;

pub use cache_status::{CacheStatus, Detail, FwdReason, Outcome};
pub use lifetimes::{Lifetimes, NO_STORE, Sharing};
pub use range::{ByteRange, Resolved};
pub use request_directives::RequestDirectives;
