//! Receipts: one for every take that was attempted, so that each bill of the provider can be laid beside its reason.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::access::ClientId;
use crate::job::{Job, JobId, Joined, Money, State};
use crate::money::{NanoUsd, Usage};
use crate::picture::Digest;
use crate::trace::RequestId;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub id: JobId,
    /// `None` for a picture that was asked for with `no-store` and not kept.
    pub take: Option<u32>,
    pub state: State,
    pub money: Money,
    pub client: ClientId,
    pub model: String,
    pub leader_request_id: RequestId,
    pub joined: Joined,
    pub upstream_request_id: Option<String>,
    /// Of the whole call, which may have made several takes.
    pub usage: Option<Usage>,
    /// This take's share of the call.
    pub cost_nano_usd: Option<NanoUsd>,
    /// This take's share of what was set aside before the call.
    pub reserve_nano_usd: NanoUsd,
    pub attempts: u32,
    pub claimed_ms: u64,
    pub dispatched_ms: Option<u64>,
    pub ended_ms: Option<u64>,
    pub digest: Option<Digest>,
    pub failure: Option<ApiError>,
}

impl Receipt {
    /// The receipts of one job, given what was made under a number. The shares of its takes sum exactly to what the call cost.
    pub(super) fn of(job: &Job, made: impl Fn(u32) -> Option<Digest>) -> Vec<Self> {
        let parts = u32::try_from(job.takes.len()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let costs: Option<Vec<_>> = job.cost.map(|cost| cost.split(parts));
        let reserves = job.reserve.split(parts);
        let places: Vec<Option<u32>> =
            if job.takes.is_empty() { vec![None] } else { job.takes.iter().copied().map(Some).collect() };
        let shares = places.into_iter().zip(reserves).enumerate();
        shares
            .map(|(at, (take, reserve))| Self {
                id: job.id.clone(),
                take,
                state: job.state,
                money: job.money,
                client: job.client.clone(),
                model: job.model.clone(),
                leader_request_id: job.leader.clone(),
                joined: job.joined.clone(),
                upstream_request_id: job.upstream_request_id.clone(),
                usage: job.usage.clone(),
                cost_nano_usd: costs.as_ref().and_then(|costs| costs.get(at).copied()),
                reserve_nano_usd: reserve,
                attempts: job.attempts,
                claimed_ms: job.claimed_ms,
                dispatched_ms: job.dispatched_ms,
                ended_ms: job.ended_ms,
                digest: take.filter(|_| matches!(job.state, State::Stored | State::Settled)).and_then(&made),
                failure: job.failure.clone(),
            })
            .collect()
    }
}
