//! What an operator does with clients and their keys.
//!
//! In scope: the routes `/admin/v1/clients` and `/admin/v1/deployment`. Out of scope: who may, which is decided before. Secrets
//! are made here and shown in the one reply that makes them; what is kept opens nothing.

use std::cell::RefCell;

use domain::ApiError;
use domain::access::api_key::{self, PresentedKey};
use domain::access::client::{ApiKey, SigningKeyRecord};
use domain::access::policy::Defaults;
use domain::access::signature::kid;
use domain::access::{AccountName, Client, ClientId, Limits, Masters, SigningKey};
use domain::hex;
use serde_json::{Map, Value, json};

use crate::account::{AccountAnswer, AccountAsk, Spending, no_such_client};
use crate::authenticate::{PROFILE_MS, Profiles};
use crate::ports::EdgePorts;
use crate::reply::Reply;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    List { after: String, limit: u32 },
    Create,
    Show(ClientId),
    Change(ClientId),
    AddKey(ClientId),
    RevokeKey(ClientId, String),
    AddSigningKey(ClientId),
    RevokeSigningKey(ClientId, String),
    ShowDeployment,
    ChangeDeployment,
}

impl Act {
    /// Whether it says something in its body.
    pub fn has_body(&self) -> bool {
        matches!(self, Self::Create | Self::Change(_) | Self::ChangeDeployment)
    }
}

pub struct Clients<'a, P> {
    pub ports: &'a P,
    pub masters: &'a Masters,
    pub profiles: &'a RefCell<Profiles>,
    pub defaults: &'a Defaults,
}

impl<P: EdgePorts> Clients<'_, P> {
    pub async fn run(&self, act: Act, body: &[u8]) -> Reply<P::Body> {
        match self.answer(act, body).await {
            Ok((status, document)) => Reply::json(status, document.to_string()),
            Err(error) => Reply::refusal(&error),
        }
    }

    async fn answer(&self, act: Act, body: &[u8]) -> Result<(u16, Value), ApiError> {
        match act {
            Act::List { after, limit } => self.list(after, limit).await,
            Act::Create => self.create(&object(body)?).await,
            Act::Show(id) => self.show(&AccountName::Client(id)).await,
            Act::Change(id) => {
                let body = object(body)?;
                self.change(&id, AccountAsk::Change { body: body.clone() }).await?;
                if let Some(name) = body.get("name").and_then(Value::as_str) {
                    self.enlist(&id, name).await?;
                }
                self.show(&AccountName::Client(id)).await
            }
            Act::AddKey(id) => self.add_key(&id).await,
            Act::AddSigningKey(id) => self.add_signing_key(&id).await,
            Act::RevokeKey(id, key) => {
                self.change(&id, AccountAsk::RevokeKey { id: key.clone() }).await?;
                Ok(revoked(&key))
            }
            Act::RevokeSigningKey(id, kid) => {
                self.change(&id, AccountAsk::RevokeSigningKey { kid: kid.clone() }).await?;
                Ok(revoked(&kid))
            }
            Act::ShowDeployment => self.show(&AccountName::Deployment).await,
            Act::ChangeDeployment => {
                let ask = AccountAsk::Limits { body: object(body)? };
                spending(self.account(&AccountName::Deployment, ask).await?)
            }
        }
    }

    async fn list(&self, after: String, limit: u32) -> Result<(u16, Value), ApiError> {
        match self.account(&AccountName::Deployment, AccountAsk::Clients { after, limit }).await? {
            AccountAnswer::Clients { clients, more } => {
                let next = clients.last().filter(|_| more).map(|client| client.id.clone());
                Ok((200, json!({ "clients": clients, "next": next })))
            }
            _ => Err(unreadable()),
        }
    }

    async fn create(&self, body: &Map<String, Value>) -> Result<(u16, Value), ApiError> {
        let client = Client::read(body, self.defaults, self.ports.now_ms())?;
        let (id, name) = (client.id.clone(), client.name.clone());
        let account = AccountName::Client(id.clone());
        match self.account(&account, AccountAsk::Open { client: Box::new(client) }).await {
            Ok(_) => self.enlist(&id, &name).await?,
            // Made before, and maybe cut off before it was listed: whoever tries again mends that.
            Err(error) if error.status == 409 => {
                if let AccountAnswer::Client { client } =
                    self.account(&account, AccountAsk::Profile { key: None }).await?
                {
                    self.enlist(&id, &client.name).await?;
                }
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.show(&AccountName::Client(id)).await.map(|(_, document)| (201, document))
    }

    async fn enlist(&self, id: &ClientId, name: &str) -> Result<(), ApiError> {
        let ask = AccountAsk::Enlist { id: id.0.clone(), name: name.to_owned() };
        self.account(&AccountName::Deployment, ask).await.map(|_| ())
    }

    async fn show(&self, name: &AccountName) -> Result<(u16, Value), ApiError> {
        spending(self.account(name, AccountAsk::Spending).await?)
    }

    async fn add_key(&self, id: &ClientId) -> Result<(u16, Value), ApiError> {
        let now_ms = self.ports.now_ms();
        let text = api_key::mint(self.masters, id, self.ports.bytes());
        let hash = PresentedKey::read(self.masters, &text).ok_or_else(unreadable)?;
        let name = format!("key_{}", hex::encode(&self.ports.bytes::<4>()));
        let hint: String = text.chars().take("pcl_".len() + id.0.len() + 5).collect();
        let key = ApiKey::new(&hash, name.clone(), hint, now_ms);
        self.change(id, AccountAsk::AddKey { key }).await?;
        Ok((201, json!({ "id": name, "key": text, "created_ms": now_ms })))
    }

    async fn add_signing_key(&self, id: &ClientId) -> Result<(u16, Value), ApiError> {
        let now_ms = self.ports.now_ms();
        let kid = kid(id, self.ports.bytes());
        let key = SigningKeyRecord { kid: kid.clone(), created_ms: now_ms };
        self.change(id, AccountAsk::AddSigningKey { key }).await?;
        let secret = SigningKey::derived(self.masters.first(), &kid);
        Ok((201, json!({ "kid": kid, "secret": secret.secret(), "created_ms": now_ms })))
    }

    /// Changes a client. This isolate believes it at once; the others within [`PROFILE_MS`].
    async fn change(&self, id: &ClientId, ask: AccountAsk) -> Result<(), ApiError> {
        match self.account(&AccountName::Client(id.clone()), ask).await? {
            AccountAnswer::Client { client } => {
                self.profiles.borrow_mut().put(*client, self.ports.now_ms());
                Ok(())
            }
            _ => Err(unreadable()),
        }
    }

    async fn account(&self, name: &AccountName, ask: AccountAsk) -> Result<AccountAnswer, ApiError> {
        match self.ports.account(name, &ask).await {
            Ok(AccountAnswer::Refused { error }) => Err(*error),
            Ok(answer) => Ok(answer),
            Err(_) => Err(ApiError::unavailable(
                "account_unavailable",
                "The service cannot reach the account. Look whether it was changed, and try again.",
            )),
        }
    }
}

/// A client's document or the deployment's, with what was spent.
fn spending(answer: AccountAnswer) -> Result<(u16, Value), ApiError> {
    let AccountAnswer::Spending { client, limits, spending } = answer else { return Err(unreadable()) };
    Ok((200, document(client.as_deref(), &limits, &spending)))
}

fn document(client: Option<&Client>, limits: &Limits, spending: &Spending) -> Value {
    let mut document = client.map_or_else(|| json!({ "policy": limits }), Client::document);
    if let Some(members) = document.as_object_mut() {
        members.insert("spending".to_owned(), spending.document());
    }
    document
}

fn revoked(name: &str) -> (u16, Value) {
    (200, json!({ "revoked": name, "effective_within_seconds": PROFILE_MS / 1_000 }))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_slice(body)
        .map_err(|_| ApiError::invalid("body", "invalid_json", "The body must be a JSON object."))
}

fn unreadable() -> ApiError {
    ApiError::unavailable("account_unavailable", "The service could not read an account. Try again.")
}

/// The client that a path names. What cannot be an id is no client's.
pub fn id(text: &str) -> Result<ClientId, ApiError> {
    ClientId::parse(text).ok_or_else(no_such_client)
}
