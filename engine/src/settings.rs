//! What a deployment decides.

use std::rc::Rc;

use domain::delivery::Lifetimes;
use domain::runtime::RuntimeSettings;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The model of a request that names none.
    pub default_model: String,
    /// How long one call of the provider may take.
    pub generation_timeout_ms: u64,
    pub lifetimes: Lifetimes,
    /// How long a URL lives that is given out in place of the bytes.
    pub url_life_s: u64,
    /// There is a zone in front whose caches are told of purges.
    pub zone: bool,
    /// What an operator changes without a deploy, as this isolate last heard of it.
    pub runtime: Rc<RuntimeSettings>,
}

/// How long an isolate believes what it heard of the runtime settings.
pub const RUNTIME_MS: u64 = 60_000;

/// How long a pointer is served from an isolate's memory. A purge reaches every isolate within it.
pub const MEMO_MS: u64 = 10_000;

/// After this a pointer that has not come is looked for at the object: a slow store must not keep a browser waiting.
pub const POINTER_TIMEOUT_MS: u64 = 1_000;

/// What a request allows on top of the provider's time before it stops waiting for the object.
pub const OBJECT_GRACE_MS: u64 = 15_000;

/// Attempts for one job where the provider certainly did not bill, and the longest they may wait in all.
pub const MAX_ATTEMPTS: u32 = 4;
pub const MAX_BACKOFF_MS: u64 = 30_000;
