//! What an account needs of its store: documents by kind and name, and a write of several that is one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ports::StoreError;

/// What a document is. The names are what is kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The client whose account this is.
    Client,
    /// The limits of the deployment.
    Limits,
    /// What changes with every reserve: how many are open, and the rate.
    Load,
    /// What a UTC day has cost, by its name.
    Day,
    Month,
    /// A reserve, by its job.
    Entry,
    /// An entry that has ended, by the day of its end, so that the oldest are found.
    Ended,
    /// The last alarms.
    Alarms,
    /// In the deployment's account: the clients there are.
    Listed,
    /// In the deployment's account: what an operator changes without a deploy.
    Runtime,
    /// What that was, by its version.
    RuntimeVersion,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Client,
        Self::Limits,
        Self::Load,
        Self::Day,
        Self::Month,
        Self::Entry,
        Self::Ended,
        Self::Alarms,
        Self::Listed,
        Self::Runtime,
        Self::RuntimeVersion,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Limits => "limits",
            Self::Load => "load",
            Self::Day => "day",
            Self::Month => "month",
            Self::Entry => "entry",
            Self::Ended => "ended",
            Self::Alarms => "alarms",
            Self::Listed => "listed",
            Self::Runtime => "runtime",
            Self::RuntimeVersion => "runtime_version",
        }
    }
}

/// One document that is written, or taken away (`None`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub kind: Kind,
    pub id: String,
    pub document: Option<String>,
}

/// Nothing here waits: between reading and writing nothing else runs, so that an account never has to lock anything.
pub trait AccountStore {
    fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError>;

    /// The documents of a kind whose names come after `after`, in the order of their names.
    fn list(&self, kind: Kind, after: &str, limit: u32) -> Result<Vec<(String, String)>, StoreError>;

    /// Writes all of the records or none. No answer leaves the account before they survive a crash.
    fn save(&self, records: &[Record]) -> Result<(), StoreError>;
}

impl Record {
    pub(super) fn new(kind: Kind, id: impl Into<String>, document: &impl Serialize) -> Result<Self, StoreError> {
        let document = serde_json::to_string(document).map_err(|error| StoreError(error.to_string()))?;
        Ok(Self { kind, id: id.into(), document: Some(document) })
    }

    pub(super) fn gone(kind: Kind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), document: None }
    }
}

pub(super) fn read<T: DeserializeOwned>(
    store: &impl AccountStore,
    kind: Kind,
    id: &str,
) -> Result<Option<T>, StoreError> {
    let document = store.get(kind, id)?;
    document.map(|text| serde_json::from_str(&text).map_err(|error| StoreError(error.to_string()))).transpose()
}
