//! The ports of the engine on Cloudflare, one file for each binding. No decision is taken here.

mod accounts;
mod blobs;
mod cache;
mod clock;
mod isolate;
mod jose;
mod object;
mod openai;
mod pointers;

pub use accounts::NAME_HEADER;
pub use cache::{address, keep};
pub use clock::{fill, now_ms};
pub use isolate::Isolate;
pub use object::Object;

use engine::ports::StoreError;

/// The names of the bindings in `wrangler.toml`.
pub const POINTERS: &str = "POINTERS";
pub const BLOBS: &str = "BLOBS";
pub const GENERATION: &str = "GENERATION";
pub const ACCOUNT: &str = "ACCOUNT";

/// A platform error in the form of the ports. It names the port in the log, once, where it happened.
fn failed(port: &str, error: impl std::fmt::Display) -> StoreError {
    let message = error.to_string();
    crate::log::port(port, &message);
    StoreError(message)
}
