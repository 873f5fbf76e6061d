//! A client: who it is, what it may, and which keys are its own.
//!
//! In scope: the record that its account keeps, and every change of it. Out of scope: what it has spent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api_key::{KeyHash, PresentedKey};
use super::policy::{Defaults, Policy};
use super::{ClientId, Scope};
use crate::ApiError;

pub use super::policy::WhenSuspended;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    pub id: ClientId,
    pub name: String,
    pub state: State,
    /// The most that any credentials of this client allow.
    pub scopes: Vec<Scope>,
    pub policy: Policy,
    pub keys: Vec<ApiKey>,
    pub signing_keys: Vec<SigningKeyRecord>,
    pub created_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    Suspended,
}

/// An API key as it is kept: what it is called, and what it hashes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: String,
    /// How it begins, for whoever looks for it in a configuration.
    pub hint: String,
    pub hash: KeyHash,
    pub created_ms: u64,
    /// To the hour.
    pub last_used_ms: Option<u64>,
}

/// A signing key as it is kept: its secret is derived from its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeyRecord {
    pub kid: String,
    pub created_ms: u64,
}

/// Two, so that a key can be replaced while the old one still serves.
pub const MAX_API_KEYS: usize = 2;
pub const MAX_SIGNING_KEYS: usize = 5;

/// How exactly the last use of a key is kept: each record of it is a write.
const LAST_USE_MS: u64 = 3_600_000;

impl Client {
    /// Reads the body that makes a client.
    pub fn read(body: &Map<String, Value>, defaults: &Defaults, now_ms: u64) -> Result<Self, ApiError> {
        known(body, &["id", "name", "scopes", "policy"])?;
        let id = body.get("id").and_then(Value::as_str).and_then(ClientId::parse);
        let id = id.ok_or_else(|| wrong("id", "'id' must be 1 to 32 ASCII letters and digits."))?;
        let name = body.get("name").map_or(Ok(id.0.clone()), name)?;
        let scopes = body.get("scopes").map_or(Ok(vec![Scope::Generate, Scope::Read]), scopes)?;
        let policy = match body.get("policy") {
            Some(Value::Object(policy)) => Policy::read(policy, defaults)?,
            _ => return Err(wrong("policy", "'policy' must be an object, with both budgets at least.")),
        };
        let (keys, signing_keys) = (Vec::new(), Vec::new());
        Ok(Self { id, name, state: State::Active, scopes, policy, keys, signing_keys, created_ms: now_ms })
    }

    /// Changes what `body` gives and nothing else.
    pub fn change(&mut self, body: &Map<String, Value>) -> Result<(), ApiError> {
        known(body, &["name", "state", "scopes", "policy"])?;
        let mut next = self.clone();
        if let Some(given) = body.get("name") {
            next.name = name(given)?;
        }
        if let Some(given) = body.get("state") {
            next.state = serde_json::from_value(given.clone())
                .map_err(|_| wrong("state", "'state' must be 'active' or 'suspended'."))?;
        }
        if let Some(given) = body.get("scopes") {
            next.scopes = scopes(given)?;
        }
        if let Some(given) = body.get("policy") {
            let given = given.as_object().ok_or_else(|| wrong("policy", "'policy' must be an object."))?;
            next.policy = next.policy.changed(given)?;
        }
        *self = next;
        Ok(())
    }

    pub fn add_key(&mut self, key: ApiKey) -> Result<(), ApiError> {
        full(self.keys.len(), MAX_API_KEYS, "API")?;
        self.keys.push(key);
        Ok(())
    }

    pub fn add_signing_key(&mut self, key: SigningKeyRecord) -> Result<(), ApiError> {
        full(self.signing_keys.len(), MAX_SIGNING_KEYS, "signing")?;
        self.signing_keys.push(key);
        Ok(())
    }

    pub fn revoke_key(&mut self, id: &str) -> Result<(), ApiError> {
        revoke(&mut self.keys, |key| key.id == id)
    }

    pub fn revoke_signing_key(&mut self, kid: &str) -> Result<(), ApiError> {
        revoke(&mut self.signing_keys, |key| key.kid == kid)
    }

    /// The key with this hash. All of them are compared, each in constant time.
    pub fn key(&self, hash: &KeyHash) -> Option<&ApiKey> {
        self.keys.iter().fold(None, |found, key| if key.hash.equals(hash) { Some(key) } else { found })
    }

    pub fn signs_with(&self, kid: &str) -> bool {
        self.signing_keys.iter().any(|key| key.kid == kid)
    }

    /// The key that signs what this service signs for the client.
    pub fn newest_signing_key(&self) -> Option<&str> {
        self.signing_keys.last().map(|key| key.kid.as_str())
    }

    /// Notes that a key was used. True if that is worth writing down.
    pub fn used(&mut self, hash: &KeyHash, now_ms: u64) -> bool {
        let Some(key) = self.keys.iter_mut().find(|key| key.hash.equals(hash)) else { return false };
        let due = key.is_use_due(now_ms);
        if due {
            key.last_used_ms = Some(now_ms);
        }
        due
    }

    /// As the operator sees it: without the hashes.
    pub fn document(&self) -> Value {
        let keys: Vec<Value> = self
            .keys
            .iter()
            .map(|key| {
                let ApiKey { id, hint, hash: _, created_ms, last_used_ms } = key;
                json!({ "id": id, "hint": hint, "created_ms": created_ms, "last_used_ms": last_used_ms })
            })
            .collect();
        json!({
            "id": self.id, "name": self.name, "state": self.state, "scopes": self.scopes, "policy": self.policy,
            "keys": keys, "signing_keys": self.signing_keys, "created_ms": self.created_ms,
        })
    }
}

impl ApiKey {
    pub fn new(key: &PresentedKey, id: String, hint: String, now_ms: u64) -> Self {
        Self { id, hint, hash: key.hash, created_ms: now_ms, last_used_ms: None }
    }

    /// Is its last use older than it may be said to be?
    pub fn is_use_due(&self, now_ms: u64) -> bool {
        self.last_used_ms.is_none_or(|used_ms| now_ms.saturating_sub(used_ms) >= LAST_USE_MS)
    }
}

fn known(body: &Map<String, Value>, members: &[&str]) -> Result<(), ApiError> {
    match body.keys().find(|name| !members.contains(&name.as_str())) {
        Some(name) => {
            Err(ApiError::invalid(name.clone(), "unknown_parameter", format!("Unknown parameter: '{name}'.")))
        }
        None => Ok(()),
    }
}

fn name(given: &Value) -> Result<String, ApiError> {
    let sound = |name: &&str| (1..=100).contains(&name.len()) && !name.chars().any(char::is_control);
    given
        .as_str()
        .filter(sound)
        .map(str::to_owned)
        .ok_or_else(|| wrong("name", "'name' must be a text of 1 to 100 bytes without control characters."))
}

fn scopes(given: &Value) -> Result<Vec<Scope>, ApiError> {
    let read =
        || -> Option<Vec<Scope>> { given.as_array()?.iter().map(|scope| Scope::parse(scope.as_str()?)).collect() };
    let mut scopes = read().ok_or_else(|| {
        let names = Scope::ALL.map(Scope::as_str).join("', '");
        wrong("scopes", format!("'scopes' must be a list of '{names}'."))
    })?;
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

fn full(count: usize, most: usize, kind: &str) -> Result<(), ApiError> {
    if count < most {
        return Ok(());
    }
    let message = format!("A client has up to {most} live {kind} keys. Revoke one of them first.");
    Err(ApiError::new(409, "invalid_request_error", "too_many_keys", message))
}

fn revoke<K>(keys: &mut Vec<K>, is_it: impl Fn(&K) -> bool) -> Result<(), ApiError> {
    let before = keys.len();
    keys.retain(|key| !is_it(key));
    if keys.len() < before {
        return Ok(());
    }
    Err(ApiError::new(404, "invalid_request_error", "key_not_found", "This client has no such key."))
}

fn wrong(member: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::invalid(member, "invalid_value", message)
}

#[cfg(test)]
mod tests;
