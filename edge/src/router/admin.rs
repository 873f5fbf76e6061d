//! The operator's paths for clients, as what is done with them.

use domain::ApiError;
use domain::access::Scope;
use domain::query::Query;
use engine::clients::{self, Act};

/// A place below `/admin/v1/`.
pub enum Place {
    Clients,
    Client(String),
    Keys(String),
    Key(String, String),
    SigningKeys(String),
    SigningKey(String, String),
    Deployment,
}

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
            _ => None,
        }
    }

    pub fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Clients => &["GET", "HEAD", "POST", "OPTIONS"],
            Self::Client(_) | Self::Deployment => &["GET", "HEAD", "PATCH", "OPTIONS"],
            Self::Keys(_) | Self::SigningKeys(_) => &["POST", "OPTIONS"],
            Self::Key(..) | Self::SigningKey(..) => &["DELETE", "OPTIONS"],
        }
    }

    /// What `method`, one of [`Self::methods`], does here.
    pub fn act(&self, method: &str, query: &str) -> Result<Act, ApiError> {
        Ok(match self {
            Self::Clients if method == "POST" => Act::Create,
            Self::Clients => list(&Query::parse(query)?)?,
            Self::Client(id) if method == "PATCH" => Act::Change(clients::id(id)?),
            Self::Client(id) => Act::Show(clients::id(id)?),
            Self::Keys(id) => Act::AddKey(clients::id(id)?),
            Self::Key(id, key) => Act::RevokeKey(clients::id(id)?, key.clone()),
            Self::SigningKeys(id) => Act::AddSigningKey(clients::id(id)?),
            Self::SigningKey(id, kid) => Act::RevokeSigningKey(clients::id(id)?, kid.clone()),
            Self::Deployment if method == "PATCH" => Act::ChangeDeployment,
            Self::Deployment => Act::ShowDeployment,
        })
    }
}

/// What the caller must be allowed to: asked before anything is said about the rest of the request.
pub fn scope(method: &str) -> Scope {
    if matches!(method, "GET" | "HEAD") { Scope::AdminRead } else { Scope::AdminWrite }
}

fn list(query: &Query) -> Result<Act, ApiError> {
    if let Some((name, _)) = query.pairs().iter().find(|(name, _)| !matches!(name.as_str(), "after" | "limit")) {
        return Err(ApiError::invalid(name.clone(), "unknown_parameter", format!("Unknown parameter: '{name}'.")));
    }
    let limit =
        query.get("limit").map_or(Some(LISTED), |limit| limit.parse().ok().filter(|limit| (1..=1_000).contains(limit)));
    let limit =
        limit.ok_or_else(|| ApiError::invalid("limit", "invalid_value", "'limit' is a number from 1 to 1000."))?;
    Ok(Act::List { after: query.get("after").unwrap_or_default().to_owned(), limit })
}
