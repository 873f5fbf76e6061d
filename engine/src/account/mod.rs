//! An account: who a client is, what it may, and what it has spent. The deployment as a whole has one, too.
//!
//! In scope: everything that has to be exact however many ask at once. Every question is answered in one step, without an
//! await: read, decide, write. So nothing can come between, a crash leaves all of a step or none of it, and nothing is
//! remembered that could differ from the store. Out of scope: how a caller proves who it is, and which jobs there are.

pub mod ask;
mod reserve;
mod runtime;
pub mod spending;
pub mod store;
#[cfg(test)]
pub(crate) mod tests;

use domain::ApiError;
use domain::access::client::Client;
use domain::access::rate::Bucket;
use domain::access::{AccountName, Limits};
use domain::money::budget::{Sums, Windows};
use domain::money::{Day, Month};
use serde::{Deserialize, Serialize};

use crate::ports::StoreError;
pub use ask::{AccountAnswer, AccountAsk, Listed};
pub use spending::{Alarm, Spending};
use store::{AccountStore, Kind, Record, read};

pub struct Account<S> {
    store: S,
    name: AccountName,
}

/// What an account answers, and what happened on the way that an operator wants to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub answer: AccountAnswer,
    pub alarms: Vec<Alarm>,
}

/// What changes with every reserve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Load {
    /// Reserves that have not ended: so many generations are under way.
    open: u32,
    bucket: Bucket,
}

/// There is one document of each of these.
const ONE: &str = "";

/// The most clients that one answer lists.
const MAX_LISTED: u32 = 1_000;

impl<S: AccountStore> Account<S> {
    pub fn new(store: S, name: AccountName) -> Self {
        Self { store, name }
    }

    /// Answers. An error is the store's: nothing was written, and the same question can be asked again.
    pub fn ask(&self, ask: AccountAsk, now_ms: u64) -> Result<Answered, StoreError> {
        let answer = match ask {
            AccountAsk::Reserve { job, amount } => return self.reserve(&job, amount, now_ms),
            AccountAsk::Close { job, outcome } => return self.close(&job, outcome, now_ms),
            AccountAsk::Profile { key } => self.profile(key.as_ref(), now_ms)?,
            AccountAsk::Spending => self.spending(now_ms)?,
            AccountAsk::Open { client } => self.open(*client)?,
            AccountAsk::Change { body } => self.change(|client| client.change(&body))?,
            AccountAsk::AddKey { key } => self.change(|client| client.add_key(key))?,
            AccountAsk::RevokeKey { id } => self.change(|client| client.revoke_key(&id))?,
            AccountAsk::AddSigningKey { key } => self.change(|client| client.add_signing_key(key))?,
            AccountAsk::RevokeSigningKey { kid } => self.change(|client| client.revoke_signing_key(&kid))?,
            AccountAsk::Limits { body } => self.limit(&body, now_ms)?,
            AccountAsk::Runtime => self.runtime()?,
            AccountAsk::ChangeRuntime { body, version, by } => self.change_runtime(&body, version, by, now_ms)?,
            AccountAsk::RuntimeHistory { before, limit } => self.runtime_history(before, limit)?,
            AccountAsk::Enlist { id, name } => {
                self.store.save(&[Record::new(Kind::Listed, id, &name)?])?;
                AccountAnswer::Done
            }
            AccountAsk::Clients { after, limit } => self.clients(&after, limit.min(MAX_LISTED))?,
        };
        Ok(Answered { answer, alarms: Vec::new() })
    }

    fn client(&self) -> Result<Option<Client>, StoreError> {
        read(&self.store, Kind::Client, ONE)
    }

    /// Whose account it is, and what it counts against. The deployment is no client; `None` is a client that there is not.
    fn holder(&self) -> Result<Option<(Option<Client>, Limits)>, StoreError> {
        if self.name == AccountName::Deployment {
            return Ok(Some((None, self.deployment_limits()?)));
        }
        Ok(self.client()?.map(|client| {
            let limits = client.policy.limits;
            (Some(client), limits)
        }))
    }

    fn deployment_limits(&self) -> Result<Limits, StoreError> {
        Ok(read(&self.store, Kind::Limits, ONE)?.unwrap_or_default())
    }

    fn profile(
        &self,
        key: Option<&domain::access::api_key::KeyHash>,
        now_ms: u64,
    ) -> Result<AccountAnswer, StoreError> {
        let Some(mut client) = self.client()? else { return Ok(refused(no_such_client())) };
        if let Some(key) = key
            && client.used(key, now_ms)
        {
            self.store.save(&[Record::new(Kind::Client, ONE, &client)?])?;
        }
        Ok(AccountAnswer::Client { client: Box::new(client) })
    }

    fn open(&self, client: Client) -> Result<AccountAnswer, StoreError> {
        if self.client()?.is_some() {
            let message =
                format!("There is a client '{}' already. Change it, or choose another id.", client.id.as_str());
            return Ok(refused(ApiError::new(409, "invalid_request_error", "client_exists", message)));
        }
        self.store.save(&[Record::new(Kind::Client, ONE, &client)?])?;
        Ok(AccountAnswer::Client { client: Box::new(client) })
    }

    fn change(&self, how: impl FnOnce(&mut Client) -> Result<(), ApiError>) -> Result<AccountAnswer, StoreError> {
        let Some(mut client) = self.client()? else { return Ok(refused(no_such_client())) };
        if let Err(error) = how(&mut client) {
            return Ok(refused(error));
        }
        self.store.save(&[Record::new(Kind::Client, ONE, &client)?])?;
        Ok(AccountAnswer::Client { client: Box::new(client) })
    }

    fn limit(
        &self,
        body: &serde_json::Map<String, serde_json::Value>,
        now_ms: u64,
    ) -> Result<AccountAnswer, StoreError> {
        match self.deployment_limits()?.changed(body) {
            Ok(limits) => self.store.save(&[Record::new(Kind::Limits, ONE, &limits)?])?,
            Err(error) => return Ok(refused(error)),
        }
        self.spending(now_ms)
    }

    fn spending(&self, now_ms: u64) -> Result<AccountAnswer, StoreError> {
        let Some((client, limits)) = self.holder()? else { return Ok(refused(no_such_client())) };
        let windows = self.windows(&Day::at(now_ms), &Month::at(now_ms))?;
        let load = self.load()?;
        let alarms = read(&self.store, Kind::Alarms, ONE)?.unwrap_or_default();
        let mut spending = Box::new(Spending::new(&limits, &windows, now_ms, load.open, alarms));
        spending.generation = self.switch()?;
        Ok(AccountAnswer::Spending { client: client.map(Box::new), limits, spending })
    }

    fn clients(&self, after: &str, limit: u32) -> Result<AccountAnswer, StoreError> {
        let mut listed = self.store.list(Kind::Listed, after, limit.saturating_add(1))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = listed.len() > limit;
        listed.truncate(limit);
        let clients = listed
            .into_iter()
            .map(|(id, name)| Listed { id, name: serde_json::from_str(&name).unwrap_or_default() })
            .collect();
        Ok(AccountAnswer::Clients { clients, more })
    }

    fn load(&self) -> Result<Load, StoreError> {
        Ok(read(&self.store, Kind::Load, ONE)?.unwrap_or_default())
    }

    fn windows(&self, day: &Day, month: &Month) -> Result<Windows, StoreError> {
        let day: Option<Sums> = read(&self.store, Kind::Day, day.as_str())?;
        let month: Option<Sums> = read(&self.store, Kind::Month, month.as_str())?;
        Ok(Windows { day: day.unwrap_or_default(), month: month.unwrap_or_default() })
    }
}

fn refused(error: ApiError) -> AccountAnswer {
    AccountAnswer::Refused { error: Box::new(error) }
}

pub fn no_such_client() -> ApiError {
    ApiError::new(404, "invalid_request_error", "client_not_found", "There is no such client.")
}
