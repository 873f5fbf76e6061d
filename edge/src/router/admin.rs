//! The operator's paths, below `/admin/v1/`, as what is done with them.

use std::cell::RefCell;
use std::rc::Rc;

use domain::ApiError;
use domain::access::Scope;
use domain::admin::{Filter, MAX_NUMBER};
use domain::picture::PictureKey;
use domain::purge::PurgeId;
use domain::query::Query;
use engine::authenticate::Profiles;
use engine::clients::{self, Act, Clients};
use engine::explain::Explain;
use engine::operate::{self, Operate};
use engine::reconcile::{MAX_EXPORT, Reconcile};
use engine::reply::{Headers, Reply, ReplyBody};
use engine::settings::Settings;
use engine::views::{View, Views};
use worker::web_sys::{ReadableStream, Request};

use super::{Head, LAST_EVENT_ID, json, of_kind, read};
use crate::config::Config;
use crate::objects::Watch;
use crate::ports::{self, Isolate};

/// A place below `/admin/v1/`.
pub enum Place {
    Clients,
    Client(String),
    Keys(String),
    Key(String, String),
    SigningKeys(String),
    SigningKey(String, String),
    Deployment,
    Settings,
    SettingsHistory,
    Overview,
    Metrics,
    Events,
    Images,
    Image(PictureKey),
    ExplainImage(PictureKey),
    Explain,
    Purge,
    Purges,
    ShowPurge(PurgeId),
    Undo(PurgeId),
    Reconcile,
}

/// What is done there.
enum Deed {
    Clients(Act),
    View(View),
    Settings(operate::Act),
    Watch,
    ExplainImage(PictureKey),
    Explain,
    Reconcile,
}

/// How an event is named that the feed goes on from.
const LAST_EVENT: &str = "Last-Event-ID";
const AFTER: &str = "after";

/// The clients on a page, where nobody says how many.
const LISTED: u32 = 100;

impl Place {
    pub fn of(path: &str) -> Option<Self> {
        let owned = |text: &str| text.to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        match parts.as_slice() {
            ["deployment"] => Some(Self::Deployment),
            ["clients"] => Some(Self::Clients),
            ["clients", id] => Some(Self::Client(owned(id))),
            ["clients", id, "keys"] => Some(Self::Keys(owned(id))),
            ["clients", id, "keys", key] => Some(Self::Key(owned(id), owned(key))),
            ["clients", id, "signing-keys"] => Some(Self::SigningKeys(owned(id))),
            ["clients", id, "signing-keys", kid] => Some(Self::SigningKey(owned(id), owned(kid))),
            ["settings"] => Some(Self::Settings),
            ["settings", "history"] => Some(Self::SettingsHistory),
            ["overview"] => Some(Self::Overview),
            ["metrics"] => Some(Self::Metrics),
            ["events"] => Some(Self::Events),
            ["images"] => Some(Self::Images),
            ["images", key] => PictureKey::parse(key).map(Self::Image),
            ["images", key, "explain"] => PictureKey::parse(key).map(Self::ExplainImage),
            ["explain"] => Some(Self::Explain),
            ["purge"] => Some(Self::Purge),
            ["purges"] => Some(Self::Purges),
            ["purges", id] => PurgeId::parse(id).map(Self::ShowPurge),
            ["purges", id, "undo"] => PurgeId::parse(id).map(Self::Undo),
            ["reconcile"] => Some(Self::Reconcile),
            _ => None,
        }
    }

    pub fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Clients => &["GET", "HEAD", "POST", "OPTIONS"],
            Self::Client(_) | Self::Deployment => &["GET", "HEAD", "PATCH", "OPTIONS"],
            Self::Keys(_) | Self::SigningKeys(_) | Self::Explain | Self::Purge | Self::Undo(_) | Self::Reconcile => {
                &["POST", "OPTIONS"]
            }
            Self::Key(..) | Self::SigningKey(..) => &["DELETE", "OPTIONS"],
            Self::Settings => &["GET", "HEAD", "PUT", "OPTIONS"],
            Self::Events
            | Self::SettingsHistory
            | Self::Overview
            | Self::Metrics
            | Self::Images
            | Self::Image(_)
            | Self::ExplainImage(_)
            | Self::Purges
            | Self::ShowPurge(_) => &["GET", "HEAD", "OPTIONS"],
        }
    }

    /// What the caller must be allowed to: asked before anything is said about the rest of the request.
    pub fn scope(&self, method: &str) -> Scope {
        // Two questions whose words do not fit into an address change nothing.
        let question = matches!(self, Self::Explain | Self::Reconcile);
        if question || matches!(method, "GET" | "HEAD") { Scope::AdminRead } else { Scope::AdminWrite }
    }

    /// The pattern of the path, for the log.
    pub fn pattern(&self) -> &'static str {
        match self {
            Self::Clients => "/admin/v1/clients",
            Self::Client(_) => "/admin/v1/clients/{id}",
            Self::Keys(_) => "/admin/v1/clients/{id}/keys",
            Self::Key(..) => "/admin/v1/clients/{id}/keys/{key_id}",
            Self::SigningKeys(_) => "/admin/v1/clients/{id}/signing-keys",
            Self::SigningKey(..) => "/admin/v1/clients/{id}/signing-keys/{kid}",
            Self::Deployment => "/admin/v1/deployment",
            Self::Settings => "/admin/v1/settings",
            Self::SettingsHistory => "/admin/v1/settings/history",
            Self::Overview => "/admin/v1/overview",
            Self::Metrics => "/admin/v1/metrics",
            Self::Events => "/admin/v1/events",
            Self::Images => "/admin/v1/images",
            Self::Image(_) => "/admin/v1/images/{key}",
            Self::ExplainImage(_) => "/admin/v1/images/{key}/explain",
            Self::Explain => "/admin/v1/explain",
            Self::Purge => "/admin/v1/purge",
            Self::Purges => "/admin/v1/purges",
            Self::ShowPurge(_) => "/admin/v1/purges/{id}",
            Self::Undo(_) => "/admin/v1/purges/{id}/undo",
            Self::Reconcile => "/admin/v1/reconcile",
        }
    }

    /// What `method`, one of [`Self::methods`], does here.
    fn deed(&self, method: &str, query: &Query) -> Result<Deed, ApiError> {
        let act = match self {
            Self::Clients if method == "POST" => Act::Create,
            Self::Clients => list(query)?,
            Self::Client(id) if method == "PATCH" => Act::Change(clients::id(id)?),
            Self::Client(id) => Act::Show(clients::id(id)?),
            Self::Keys(id) => Act::AddKey(clients::id(id)?),
            Self::Key(id, key) => Act::RevokeKey(clients::id(id)?, key.clone()),
            Self::SigningKeys(id) => Act::AddSigningKey(clients::id(id)?),
            Self::SigningKey(id, kid) => Act::RevokeSigningKey(clients::id(id)?, kid.clone()),
            Self::Deployment if method == "PATCH" => Act::ChangeDeployment,
            Self::Deployment => Act::ShowDeployment,
            Self::Settings if method == "PUT" => return Ok(Deed::Settings(operate::Act::Change)),
            Self::Settings => return Ok(Deed::Settings(operate::Act::Show)),
            Self::SettingsHistory => return Ok(Deed::Settings(operate::Act::history(query)?)),
            Self::Overview => return Ok(Deed::View(View::Overview)),
            Self::Metrics => return Ok(Deed::View(View::Metrics)),
            Self::Events => return Ok(Deed::Watch),
            Self::Images => return Ok(Deed::View(View::Images)),
            Self::Image(key) => return Ok(Deed::View(View::Image(*key))),
            Self::ExplainImage(key) => return Ok(Deed::ExplainImage(*key)),
            Self::Explain => return Ok(Deed::Explain),
            Self::Purge => return Ok(Deed::View(View::Purge)),
            Self::Purges => return Ok(Deed::View(View::Purges)),
            Self::ShowPurge(id) => return Ok(Deed::View(View::ShowPurge(id.clone()))),
            Self::Undo(id) => return Ok(Deed::View(View::Undo(id.clone()))),
            Self::Reconcile => return Ok(Deed::Reconcile),
        };
        Ok(Deed::Clients(act))
    }
}

fn list(query: &Query) -> Result<Act, ApiError> {
    query.only(&["after", "limit"])?;
    let limit = query.limit(LISTED, 1_000)?;
    Ok(Act::List { after: query.get("after").unwrap_or_default().to_owned(), limit })
}

/// Where an operator who was let in is served.
pub struct Desk<'a> {
    pub ports: &'a Isolate,
    pub config: &'a Config,
    pub profiles: &'a RefCell<Profiles>,
    pub by: &'a str,
}

impl Desk<'_> {
    pub async fn answer(
        &self,
        place: &Place,
        head: &Head,
        request: &Request,
    ) -> Result<Reply<ReadableStream>, ApiError> {
        let Self { ports, config, profiles, by } = self;
        let query = Query::parse(&head.query)?;
        match place.deed(&head.method, &query)? {
            Deed::Clients(act) => {
                let body = if act.has_body() { json(request, head).await? } else { Vec::new() };
                let masters = &config.credentials.masters;
                Ok(Clients { ports: *ports, masters, profiles, defaults: &config.defaults }.run(act, &body).await)
            }
            Deed::View(view) => {
                let body = if matches!(view, View::Purge) { json(request, head).await? } else { Vec::new() };
                Ok(Views { ports: *ports, reach: config.reach(), by }.run(view, &query, &body).await)
            }
            Deed::Settings(act) => {
                let body = if act.has_body() { json(request, head).await? } else { Vec::new() };
                let (reply, known) = Operate { ports: *ports, by }.run(act, &body).await;
                if let Some(known) = known {
                    ports::runtime::believe(known);
                }
                Ok(reply)
            }
            Deed::Watch => self.watch(&query, head).await,
            Deed::ExplainImage(key) => {
                query.only(&[])?;
                let settings = self.settings().await;
                Ok(self.explain(&settings).by_key(&key).await)
            }
            Deed::Explain => {
                query.only(&[])?;
                let body = json(request, head).await?;
                let settings = self.settings().await;
                Ok(self.explain(&settings).post(&body).await)
            }
            Deed::Reconcile => {
                of_kind(head, &["application/json", "application/x-ndjson", "text/csv"])?;
                let body = read(request, MAX_EXPORT).await?;
                let settings = self.settings().await;
                Ok(Reconcile { ports: *ports, settings: &settings }.run(&query, &body).await)
            }
        }
    }

    async fn settings(&self) -> Rc<Settings> {
        ports::runtime::known(&self.ports.env).await;
        ports::runtime::with_known(&self.config.settings)
    }

    fn explain<'d>(&'d self, settings: &'d Settings) -> Explain<'d, Isolate> {
        Explain { ports: self.ports, settings, defaults: &self.config.defaults }
    }

    /// The live feed, from where the caller was, or from now on.
    async fn watch(&self, query: &Query, head: &Head) -> Result<Reply<ReadableStream>, ApiError> {
        // Browsers name the last event by the header when they come back; whoever begins may name one in the query.
        let pairs = query.pairs().iter().filter(|(name, _)| name != AFTER).cloned();
        let filter = Filter::parse(&Query::from(pairs.collect::<Vec<_>>()))?;
        let named = head.header(LAST_EVENT_ID).map(|id| (LAST_EVENT, id)).or(query.get(AFTER).map(|id| (AFTER, id)));
        let number = |(name, id): (&'static str, &str)| {
            let id = id.parse().ok().filter(|id| *id <= MAX_NUMBER);
            let message = format!("'{name}' is the number of an event: its 'id'.");
            id.ok_or_else(|| ApiError::invalid(name, "invalid_value", message))
        };
        let after = named.map(number).transpose()?;
        let mut headers = Headers::default();
        headers.set("content-type", "text/event-stream");
        headers.set("cache-control", "no-store");
        if head.method == "HEAD" {
            return Ok(Reply { status: 200, headers, body: ReplyBody::Empty, told: None });
        }
        let body = ports::watch(self.ports, &Watch { after, filter }).await.map_err(|error| {
            crate::log::port("catalog", &error.to_string());
            ApiError::unavailable("catalog_unavailable", "The service cannot reach its catalog. Try again.")
        })?;
        Ok(Reply { status: 200, headers, body: ReplyBody::Stream(body), told: None })
    }
}
