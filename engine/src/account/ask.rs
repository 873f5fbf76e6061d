//! What is asked of an account, and what it answers: the protocol between isolates, Generation objects and accounts.

use domain::ApiError;
use domain::access::api_key::KeyHash;
use domain::access::client::{ApiKey, SigningKeyRecord};
use domain::access::rate::Left;
use domain::access::{Client, Limits};
use domain::admin::settings::{SettingsDocument, SettingsPage};
use domain::job::JobId;
use domain::money::NanoUsd;
use domain::money::budget::Outcome;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::spending::Spending;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum AccountAsk {
    /// Who is this client, and what may it? Notes the use of the key that was shown.
    Profile {
        key: Option<KeyHash>,
    },
    /// Sets money aside for a job. Doing it twice is doing it once.
    Reserve {
        job: JobId,
        amount: NanoUsd,
    },
    /// Ends a reserve. Doing it twice is doing it once.
    Close {
        job: JobId,
        outcome: Outcome,
    },
    Spending,
    /// Opens the account of a new client.
    Open {
        client: Box<Client>,
    },
    /// Changes the members that are given.
    Change {
        body: Map<String, Value>,
    },
    AddKey {
        key: ApiKey,
    },
    RevokeKey {
        id: String,
    },
    AddSigningKey {
        key: SigningKeyRecord,
    },
    RevokeSigningKey {
        kid: String,
    },
    /// Of the deployment: its limits, changed where members are given.
    Limits {
        body: Map<String, Value>,
    },
    /// Of the deployment: the settings that an operator changes without a deploy.
    Runtime,
    /// Of the deployment: changes the settings where members are given. `version` is the one that whoever changes them has read.
    ChangeRuntime {
        body: Map<String, Value>,
        version: Option<u64>,
        by: String,
    },
    /// Of the deployment: what the settings were, the newest first, before this version.
    RuntimeHistory {
        before: Option<u64>,
        limit: u32,
    },
    /// Of the deployment: this client exists.
    Enlist {
        id: String,
        name: String,
    },
    /// Of the deployment: the clients whose ids come after this one.
    Clients {
        after: String,
        limit: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum AccountAnswer {
    Client {
        client: Box<Client>,
    },
    /// The money is set aside. `left` is the rate's, where there is one.
    Granted {
        left: Option<Left>,
    },
    Closed,
    Spending {
        /// `None` for the deployment.
        client: Option<Box<Client>>,
        limits: Limits,
        spending: Box<Spending>,
    },
    Clients {
        clients: Vec<Listed>,
        more: bool,
    },
    Runtime {
        document: Box<SettingsDocument>,
    },
    RuntimeHistory {
        page: Box<SettingsPage>,
    },
    Done,
    Refused {
        error: Box<ApiError>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub id: String,
    pub name: String,
}
