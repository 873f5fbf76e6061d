//! One job: an attempt to make one or more takes of a picture in one call of the provider.

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::access::rate::Left;
use crate::access::{ClientId, UnknownHold};
use crate::hex;
use crate::job::State;
use crate::money::{NanoUsd, Usage};
use crate::trace::RequestId;

/// Made by the service. Money is reserved, settled and released under it, so that doing either twice is doing it once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    pub fn new(random: [u8; 16]) -> Self {
        Self(format!("job_{}", hex::encode(&random)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    /// Its place among the jobs of its key, in the order in which they were claimed.
    pub seq: u64,
    pub state: State,
    /// The places of the pool that this job fills; none for a job whose pictures are not kept.
    pub takes: Vec<u32>,
    /// Make the first of `takes` the preferred one.
    pub prefer: bool,
    pub client: ClientId,
    pub model: String,
    pub leader: RequestId,
    pub joined: Joined,
    pub reserve: NanoUsd,
    pub money: Money,
    pub usage: Option<Usage>,
    pub cost: Option<NanoUsd>,
    pub attempts: u32,
    pub upstream_request_id: Option<String>,
    pub hold: UnknownHold,
    pub claimed_ms: u64,
    pub dispatched_ms: Option<u64>,
    pub ended_ms: Option<u64>,
    pub deadline_ms: u64,
    /// What whoever waits is told of a job that failed or whose outcome is unknown.
    pub failure: Option<ApiError>,
    /// It failed because its own client may not pay for it, which says nothing about another client.
    #[serde(default)]
    pub refused: bool,
    /// Of the client that had it made, as they were then.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The catalog has heard how it ended.
    #[serde(default)]
    pub listed: bool,
    /// What the client's rate had left when the money was set aside. Told once, and not kept.
    #[serde(skip)]
    pub left: Option<Left>,
}

/// Requests that waited for this job and paid nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    pub count: u64,
    /// The last hundred.
    pub last: Vec<RequestId>,
}

impl Joined {
    const KEPT: usize = 100;

    pub fn add(&mut self, request: RequestId) {
        self.count = self.count.saturating_add(1);
        if self.last.len() >= Self::KEPT {
            self.last.remove(0);
        }
        self.last.push(request);
    }
}

/// Where the money of a job stands. Only `Pending` is work that is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Money {
    /// Reserved or about to be.
    Reserved,
    /// The job has ended and the account has yet to hear of it.
    Pending,
    Done,
}

/// A change of state that the table in [`State::may_become`] does not allow: a fault of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job cannot go from {from:?} to {to:?}")]
pub struct IllegalTransition {
    pub from: State,
    pub to: State,
}

impl Job {
    pub fn dispatch(&mut self, now_ms: u64) -> Result<(), IllegalTransition> {
        self.enter(State::Dispatched)?;
        self.dispatched_ms = Some(now_ms);
        self.attempts = self.attempts.saturating_add(1);
        Ok(())
    }

    /// The provider certainly did not bill; the job waits for another attempt.
    pub fn wait_for_another_attempt(&mut self) -> Result<(), IllegalTransition> {
        self.enter(State::Claimed)
    }

    /// `cost` is `None` where the provider did not say what it billed: the reserve is then kept, since an unknown sum
    /// is not zero.
    pub fn store(&mut self, now_ms: u64, usage: Option<Usage>, cost: Option<NanoUsd>) -> Result<(), IllegalTransition> {
        self.enter(State::Stored)?;
        self.usage = usage;
        self.cost = cost;
        self.end(now_ms);
        Ok(())
    }

    pub fn settle(&mut self) -> Result<(), IllegalTransition> {
        self.enter(State::Settled)?;
        self.money = Money::Done;
        Ok(())
    }

    pub fn fail(&mut self, now_ms: u64, why: ApiError) -> Result<(), IllegalTransition> {
        self.enter(State::Failed)?;
        self.failure = Some(why);
        self.end(now_ms);
        Ok(())
    }

    /// The money was not set aside.
    pub fn refuse(&mut self, now_ms: u64, why: ApiError) -> Result<(), IllegalTransition> {
        self.refused = true;
        self.fail(now_ms, why)
    }

    pub fn lose(&mut self, now_ms: u64, why: ApiError) -> Result<(), IllegalTransition> {
        self.enter(State::Unknown)?;
        self.failure = Some(why);
        self.end(now_ms);
        Ok(())
    }

    /// Has it ended, and the account has yet to hear of it?
    pub fn has_chores(&self) -> bool {
        self.money == Money::Pending
    }

    /// Was the provider called for it, has it ended with its money done, and has the catalog yet to hear of it?
    pub fn is_unlisted(&self) -> bool {
        let over = !self.state.is_active() && self.money == Money::Done;
        over && self.dispatched_ms.is_some() && !self.listed
    }

    /// What a restart makes of a job that nobody runs any more. True if something changed.
    pub fn recover(&mut self, now_ms: u64) -> bool {
        match self.state {
            State::Claimed => self.fail(now_ms, interrupted_before_dispatch()).is_ok(),
            State::Dispatched => self.lose(now_ms, self.interrupted_after_dispatch()).is_ok(),
            State::Stored | State::Settled | State::Failed | State::Unknown => false,
        }
    }

    /// Until when nobody may buy what this job may have bought already. `None` where there is no hold.
    pub fn held_until(&self, now_ms: u64) -> Option<Held> {
        if self.state != State::Unknown {
            return None;
        }
        match self.hold.until_ms(self.ended_ms.unwrap_or(now_ms)) {
            None => Some(Held::Operator),
            Some(until) if now_ms < until => Some(Held::Until(until)),
            Some(_) => None,
        }
    }

    fn end(&mut self, now_ms: u64) {
        self.ended_ms = Some(now_ms);
        self.money = Money::Pending;
    }

    fn enter(&mut self, to: State) -> Result<(), IllegalTransition> {
        if !self.state.may_become(to) {
            return Err(IllegalTransition { from: self.state, to });
        }
        self.state = to;
        Ok(())
    }

    fn interrupted_after_dispatch(&self) -> ApiError {
        ApiError::new(
            503,
            "service_unavailable_error",
            "outcome_unknown",
            format!(
                "The service was interrupted while the provider made this picture, and it is not known whether it was billed. \
                 Nothing is bought again for now. Receipt: {}.",
                self.id.as_str()
            ),
        )
    }
}

/// The end of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Until(u64),
    Operator,
}

fn interrupted_before_dispatch() -> ApiError {
    ApiError::unavailable(
        "interrupted",
        "The service was interrupted before the provider was called. Nothing was billed; try again.",
    )
}
