//! What the receipts say, call by call: the shares of the takes of one call are one amount again.

use std::collections::{BTreeMap, BTreeSet};

use crate::job::{JobId, Receipt, State};
use crate::money::{NanoUsd, undated};

/// Receipts, added in any order, each as often as one likes.
#[derive(Debug, Clone, Default)]
pub struct Ledger(BTreeMap<JobId, Call>);

/// One call of the provider.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub id: JobId,
    pub upstream: Option<String>,
    pub model: String,
    pub reserve: NanoUsd,
    pub claimed_ms: u64,
    pub ended_ms: Option<u64>,
    state: State,
    /// `None` where the provider did not say.
    cost: Option<NanoUsd>,
    takes: BTreeSet<Option<u32>>,
}

/// What is known of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Billed(NanoUsd),
    NotBilled,
    /// Nobody knows whether, or how much.
    Unknown,
    /// It is not over.
    UnderWay,
}

impl Ledger {
    pub fn add(&mut self, receipt: &Receipt) {
        let call = self.0.entry(receipt.id.clone()).or_insert_with(|| Call {
            id: receipt.id.clone(),
            upstream: receipt.upstream_request_id.clone(),
            model: receipt.model.clone(),
            reserve: NanoUsd::ZERO,
            claimed_ms: receipt.claimed_ms,
            ended_ms: receipt.ended_ms,
            state: receipt.state,
            cost: Some(NanoUsd::ZERO),
            takes: BTreeSet::new(),
        });
        if call.takes.insert(receipt.take) {
            call.reserve = NanoUsd::saturating_sum([call.reserve, receipt.reserve_nano_usd]);
            call.cost = call.cost.zip(receipt.cost_nano_usd).map(|(sum, share)| NanoUsd::saturating_sum([sum, share]));
        }
    }

    /// In the order in which they were claimed.
    pub(super) fn calls(&self) -> Vec<&Call> {
        let mut calls: Vec<&Call> = self.0.values().collect();
        calls.sort_by_key(|call| (call.claimed_ms, &call.id));
        calls
    }
}

impl Call {
    pub(super) fn known(&self) -> Known {
        match (self.state, self.cost) {
            (State::Stored | State::Settled, Some(cost)) => Known::Billed(cost),
            (State::Stored | State::Settled, None) | (State::Unknown, _) => Known::Unknown,
            (State::Failed, _) => Known::NotBilled,
            (State::Claimed | State::Dispatched, _) => Known::UnderWay,
        }
    }

    /// When it was billed, if it was: the provider bills what it has made.
    pub(super) fn at_ms(&self) -> u64 {
        self.ended_ms.unwrap_or(self.claimed_ms)
    }

    pub(super) fn images(&self) -> u64 {
        u64::try_from(self.takes.len()).unwrap_or(u64::MAX)
    }

    /// Its pictures were not kept, and how many they were is not known.
    pub(super) fn is_loose(&self) -> bool {
        self.takes.contains(&None)
    }

    pub(super) fn is_by(&self, model: &str) -> bool {
        undated(&self.model) == undated(model)
    }
}
