//! `GET /admin/v1/events`: the live feed.

use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::ApiError;
use crate::access::ClientId;
use crate::job::{JobId, State};
use crate::money::{NanoUsd, decimal};
use crate::picture::PictureKey;
use crate::purge::{PurgeId, PurgeState};
use crate::query::Query;
use crate::usage::{Finished, Outcome};

/// What an event is about, as filters and the `event:` field of the stream name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Request,
    Generation,
    Purge,
    Budget,
    Settings,
}

impl EventKind {
    pub const ALL: [Self; 5] = [Self::Request, Self::Generation, Self::Purge, Self::Budget, Self::Settings];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Generation => "generation",
            Self::Purge => "purge",
            Self::Budget => "budget",
            Self::Settings => "settings",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A request was answered. Told some seconds after, and of a busy service only the last ones.
    Request(Finished),
    /// A job changed its state.
    Generation(GenerationEvent),
    Purge(PurgeEvent),
    /// A share of a budget was reached.
    Budget(BudgetEvent),
    Settings(SettingsEvent),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationEvent {
    pub at_ms: u64,
    pub job: JobId,
    pub key: PictureKey,
    pub state: State,
    pub client: ClientId,
    pub model: String,
    #[serde(rename = "cost_usd", with = "decimal::option")]
    pub cost: Option<NanoUsd>,
    /// The code of the error, where it failed.
    pub reason: Option<String>,
    pub provider_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeEvent {
    pub at_ms: u64,
    pub id: PurgeId,
    pub state: PurgeState,
    pub pictures: u64,
    pub done: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetEvent {
    pub at_ms: u64,
    /// `deployment`, or `client/<id>`.
    pub account: String,
    pub window: crate::money::Span,
    pub start: String,
    pub percent: u8,
    #[serde(rename = "spent_usd", with = "decimal")]
    pub spent: NanoUsd,
    #[serde(rename = "reserved_usd", with = "decimal")]
    pub reserved: NanoUsd,
    #[serde(rename = "limit_usd", with = "decimal")]
    pub limit: NanoUsd,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsEvent {
    pub at_ms: u64,
    pub version: u64,
    pub by: String,
}

impl Event {
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Request(_) => EventKind::Request,
            Self::Generation(_) => EventKind::Generation,
            Self::Purge(_) => EventKind::Purge,
            Self::Budget(_) => EventKind::Budget,
            Self::Settings(_) => EventKind::Settings,
        }
    }

    pub fn at_ms(&self) -> u64 {
        match self {
            Self::Request(finished) => finished.at_ms,
            Self::Generation(event) => event.at_ms,
            Self::Purge(event) => event.at_ms,
            Self::Budget(event) => event.at_ms,
            Self::Settings(event) => event.at_ms,
        }
    }

    /// Whose it is, where it is one client's.
    pub fn client(&self) -> Option<&str> {
        match self {
            Self::Request(finished) => finished.client.as_ref().map(ClientId::as_str),
            Self::Generation(event) => Some(event.client.as_str()),
            Self::Budget(event) => event.account.strip_prefix("client/"),
            Self::Purge(_) | Self::Settings(_) => None,
        }
    }

    /// Something went wrong, or somebody was refused.
    fn is_error(&self) -> bool {
        match self {
            Self::Request(finished) => matches!(finished.outcome, Outcome::Refused | Outcome::Failed),
            Self::Generation(event) => matches!(event.state, State::Failed | State::Unknown),
            Self::Purge(_) | Self::Budget(_) | Self::Settings(_) => false,
        }
    }

    pub fn key(&self) -> Option<&PictureKey> {
        match self {
            Self::Request(finished) => finished.key.as_ref(),
            Self::Generation(event) => Some(&event.key),
            Self::Purge(_) | Self::Budget(_) | Self::Settings(_) => None,
        }
    }
}

/// What of the feed is wanted. Everything that is given has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// None is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<EventKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PictureKey>,
    /// Requests that were refused or failed, and generations that failed or whose outcome is unknown.
    #[serde(default)]
    pub only_errors: bool,
}

impl Filter {
    pub fn parse(query: &Query) -> Result<Self, ApiError> {
        let given = Parameters::new(query, &["kinds", "client", "key", "errors"])?;
        let kinds = given.read(
            "kinds",
            "one or more of 'request', 'generation', 'purge', 'budget' and 'settings', with commas between them",
            |text| text.split(',').map(EventKind::parse).collect(),
        )?;
        Ok(Self {
            kinds: kinds.unwrap_or_default(),
            client: given.text("client")?,
            key: given.read("key", "a picture's key: 64 lower-case hexadecimal digits", PictureKey::parse)?,
            only_errors: given.read("errors", "'true' or 'false'", |text| text.parse().ok())?.unwrap_or_default(),
        })
    }

    pub fn matches(&self, event: &Event) -> bool {
        let kind = self.kinds.is_empty() || self.kinds.contains(&event.kind());
        let client = self.client.as_ref().is_none_or(|client| event.client() == Some(client));
        let key = self.key.as_ref().is_none_or(|key| event.key() == Some(key));
        kind && client && key && (!self.only_errors || event.is_error())
    }
}

#[cfg(test)]
mod tests;
