//! The ports: what the use cases need of the world, each as a small trait.
//!
//! An isolate serves requests with [`EdgePorts`]; the object of a key makes pictures with [`ObjectPorts`]. Nothing here is
//! `Send`: Workers and their objects run on one thread.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use domain::ApiError;
use domain::access::AccountName;
use domain::access::rate::Left;
use domain::delivery::ByteRange;
use domain::job::{Job, JobId, Pool, Purged};
use domain::money::NanoUsd;
pub use domain::money::Outcome;
use domain::picture::{Digest, Format, Picture, PictureKey, Pointer, Take};
use domain::runtime::RuntimeSettings;

use crate::account::{AccountAnswer, AccountAsk};
use crate::ask::{Answer, Ask};
use crate::catalog::{CatalogAnswer, CatalogAsk, Registration};

/// A store did not do what it was asked. The text is the platform's, for the log; it holds no secret and no prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// What an isolate needs to serve a request.
pub trait EdgePorts: Clock + Random {
    /// The bytes of a picture on their way to a client.
    type Body;

    /// The pointer of a key: eventually consistent, and absences are cached, so it can say where a picture is and never
    /// that there is none.
    async fn pointer(&self, key: &PictureKey) -> Result<Option<Pointer>, StoreError>;

    /// The bytes in the cache of this data centre, if it has them. The last of them are put there only when all were checked; a
    /// cache that keeps what it got before that has fewer.
    async fn cached(&self, digest: &Digest, range: Option<ByteRange>) -> Option<Opened<Self::Body>>;

    /// The bytes in the store.
    async fn blob(&self, digest: &Digest, range: Option<ByteRange>) -> Result<Option<Opened<Self::Body>>, StoreError>;

    /// Asks the object of the key. The bodies are pictures that are not kept.
    async fn ask(&self, key: &PictureKey, ask: &Ask) -> Result<(Answer, Vec<Self::Body>), ObjectError>;

    /// Asks an account.
    async fn account(&self, name: &AccountName, ask: &AccountAsk) -> Result<AccountAnswer, ObjectError>;

    /// Asks the catalog.
    async fn catalog(&self, ask: &CatalogAsk) -> Result<CatalogAnswer, ObjectError>;
}

/// A blob that was opened, and what the store says of it.
#[derive(Debug)]
pub struct Opened<B> {
    /// Of the whole blob, also where a range was asked for.
    pub length: u64,
    /// The checksum that the store keeps, where it keeps one.
    pub sha256: Option<Digest>,
    pub body: B,
}

/// The object could not be asked, or broke off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ObjectError {
    pub message: String,
    /// The object has more requests than it can take: asking again makes that worse.
    pub overloaded: bool,
}

/// What the object of a key needs to make pictures.
pub trait ObjectPorts: Clock + Random + 'static {
    /// The bytes of a picture while it is being made.
    type Paper: Paper + 'static;
    type Reply: ProviderReply;

    /// Reads what is durable.
    fn load(&self) -> Result<Pool, StoreError>;

    /// The settings in force, as far as they are known here; the defaults where nobody could be asked. It does not wait unless what is known
    /// is old.
    async fn runtime(&self) -> Rc<RuntimeSettings>;

    /// Tells the catalog what became of a job. Doing it twice is doing it once.
    async fn register(&self, registration: &Registration) -> Result<(), StoreError>;

    /// Writes all of the changes or none.
    fn save(&self, changes: &[Change<'_>]) -> Result<(), StoreError>;

    /// Returns once everything that was saved survives a crash.
    async fn durable(&self) -> Result<(), StoreError>;

    /// Wakes the object at this time, also after a crash. An earlier alarm is replaced.
    async fn set_alarm(&self, at_ms: u64) -> Result<(), StoreError>;

    /// Runs `job` on, whether or not whoever started it is still there.
    fn spawn(&self, job: Pin<Box<dyn Future<Output = ()>>>);

    fn paper(&self) -> Self::Paper;

    async fn put_blob(&self, digest: &Digest, format: Format, paper: &Self::Paper) -> Result<(), StoreError>;

    async fn publish(&self, key: &PictureKey, pointer: &Pointer) -> Result<(), StoreError>;

    /// Calls the provider. Dropping the future ends the call.
    async fn call(&self, call: &Call<'_>) -> Result<Self::Reply, SendError>;

    /// Sets `amount` aside for the job. Doing it twice is doing it once.
    async fn reserve(&self, account: &AccountName, job: &JobId, amount: NanoUsd) -> Result<Reserved, StoreError>;

    /// Ends the reserve of a job; see [`Outcome`]. Doing it twice is doing it once.
    async fn close(&self, account: &AccountName, job: &JobId, outcome: Outcome) -> Result<(), StoreError>;
}

/// One change of the durable state of an object.
#[derive(Debug, Clone)]
pub enum Change<'a> {
    Meta {
        key: &'a PictureKey,
        meta: &'a domain::job::pool::Meta,
    },
    /// Under its `seq`.
    Job(&'a Job),
    /// The job with this `seq` is no longer kept.
    Forget(u64),
    Take(&'a Take),
    /// The take with this number is no longer in the pool.
    Gone(u32),
    /// Under its `seq`.
    Purged(&'a Purged),
    /// What was asked for under this key.
    Kept(&'a Picture),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// With what is left of the account's rate, where it has one.
    Granted { left: Option<Left> },
    /// The account does not allow it, and this says why.
    Refused(Box<ApiError>),
}

/// A call of the provider.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub job: &'a JobId,
    /// Below the provider's base address, without a leading slash.
    pub path: &'a str,
    pub body: &'a str,
    pub timeout_ms: u64,
}

/// The call did not come back with a reply. Whether it was billed is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SendError(pub String);

/// A reply whose body is read piece by piece.
pub trait ProviderReply {
    fn status(&self) -> u16;
    fn header(&self, name: &str) -> Option<String>;
    /// The next bytes of the body; `None` at its proper end.
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, SendError>;
}

/// Where the bytes of one picture are written while they arrive.
pub trait Paper {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;
    /// The digest of everything that was written.
    async fn digest(&mut self) -> Result<Digest, StoreError>;
}

pub trait Clock {
    fn now_ms(&self) -> u64;
    async fn sleep_ms(&self, ms: u64);
}

pub trait Random {
    fn fill(&self, bytes: &mut [u8]);

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}
