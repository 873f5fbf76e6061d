//! Exports as text, and ledgers as jobs.

use crate::access::{ClientId, UnknownHold};
use crate::job::{Job, JobId, Joined, Money, Pool, Receipt, State};
use crate::money::NanoUsd;
use crate::trace::RequestId;

mod amounts;
mod calls;
mod days;
mod reading;

/// 2026-11-24T00:00:00Z.
const DAY: u64 = 1_795_478_400_000;
const DAY_MS: u64 = 86_400_000;
const A: &str = "gpt-image-2.6-flare";
const B: &str = "gpt-image-2";

/// One call that takes a second and ends at `at_ms`.
#[derive(Debug, Clone)]
struct Made {
    number: u8,
    state: State,
    at_ms: u64,
    model: &'static str,
    id: Option<String>,
    cost: Option<u64>,
    takes: u32,
}

fn made(number: u8, at_ms: u64, cost: u64) -> Made {
    let id = Some(format!("req_{number}"));
    Made { number, state: State::Settled, at_ms, model: A, id, cost: Some(cost), takes: 1 }
}

/// A call that was given up: nobody knows its id.
fn lost(number: u8, at_ms: u64) -> Made {
    Made { state: State::Unknown, id: None, cost: None, ..made(number, at_ms, 0) }
}

impl Made {
    fn receipts(&self) -> Vec<Receipt> {
        let job = Job {
            id: JobId::new([self.number; 16]),
            seq: 0,
            state: self.state,
            takes: (0..self.takes).collect(),
            prefer: false,
            client: ClientId("shop".to_owned()),
            model: self.model.to_owned(),
            leader: RequestId::default(),
            joined: Joined::default(),
            reserve: NanoUsd(1_000_000),
            money: Money::Done,
            usage: None,
            cost: self.cost.map(NanoUsd),
            attempts: 1,
            upstream_request_id: self.id.clone(),
            hold: UnknownHold::Operator,
            claimed_ms: self.at_ms - 1_000,
            dispatched_ms: None,
            ended_ms: (!self.state.is_active()).then_some(self.at_ms),
            deadline_ms: 0,
            failure: None,
            refused: false,
            left: None,
            tags: Vec::new(),
            listed: true,
        };
        Pool { jobs: vec![job], ..Pool::default() }.receipts()
    }
}

fn ledger(calls: &[Made]) -> super::Ledger {
    let mut ledger = super::Ledger::default();
    for receipt in calls.iter().flat_map(Made::receipts) {
        ledger.add(&receipt);
    }
    ledger
}
