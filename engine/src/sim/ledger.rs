//! The accounts: every reserve is made once, ends once, and ends as the provider's bills say.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::access::ClientId;
use domain::job::JobId;
use domain::money::NanoUsd;

use super::coverage::Event;
use super::world::World;
use crate::ports::{Outcome, Reserved, StoreError};

#[derive(Default)]
pub(super) struct Ledger(RefCell<BTreeMap<JobId, Entry>>);

struct Entry {
    client: ClientId,
    /// `None` where the budget refused it, or where the reserve was ended before it was made.
    amount: Option<NanoUsd>,
    ended: Option<Outcome>,
}

impl Ledger {
    pub(super) async fn reserve(
        &self,
        world: &World,
        client: &ClientId,
        job: &JobId,
        amount: NanoUsd,
    ) -> Result<Reserved, StoreError> {
        self.travel(world).await?;
        let refused = world.chance(world.faults.budget_refuses);
        let reserved = {
            let mut entries = self.0.borrow_mut();
            let entry = entries.entry(job.clone()).or_insert_with(|| Entry {
                client: client.clone(),
                amount: (!refused).then_some(amount),
                ended: None,
            });
            world.journal.expect(amount > NanoUsd::ZERO, || format!("{} reserves nothing", job.as_str()));
            world.journal.expect(entry.client == *client, || format!("{} is reserved by two clients", job.as_str()));
            world.journal.expect(entry.amount.is_none_or(|before| before == amount), || {
                format!("{} is reserved with two amounts", job.as_str())
            });
            world.journal.expect(entry.ended.is_none(), || format!("{} is reserved after its end", job.as_str()));
            entry.amount.map_or(Reserved::Refused, |_| Reserved::Granted)
        };
        if reserved == Reserved::Refused {
            world.journal.saw(Event::BudgetRefused);
        }
        self.travel(world).await?;
        Ok(reserved)
    }

    pub(super) async fn close(
        &self,
        world: &World,
        client: &ClientId,
        job: &JobId,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        self.travel(world).await?;
        {
            let mut entries = self.0.borrow_mut();
            let entry = entries.entry(job.clone()).or_insert_with(|| Entry {
                client: client.clone(),
                amount: None,
                ended: None,
            });
            let name = job.as_str();
            world.journal.expect(entry.client == *client, || format!("{name} is closed by another client"));
            world.journal.expect(entry.amount.is_some() || outcome == Outcome::Release, || {
                format!("{name} was never reserved and ends with {outcome:?}")
            });
            world.journal.expect(entry.ended.is_none_or(|before| before == outcome), || {
                format!("{name} ended with {:?} and ends again with {outcome:?}", entry.ended)
            });
            entry.ended = Some(outcome);
            let bill = world.provider.bill_of(job);
            match outcome {
                Outcome::Settle(sum) => {
                    world
                        .journal
                        .expect(bill == Some(sum), || format!("{name} settles {sum}, and the bill is {bill:?}"));
                }
                Outcome::Release => {
                    world.journal.expect(bill.is_none(), || format!("{name} is released, and was billed {bill:?}"));
                }
                Outcome::Keep => {}
            }
            world.journal.note(|| format!("ledger: {name} ends with {outcome:?}"));
        }
        self.travel(world).await
    }

    /// Lost on the way there, or on the way back.
    async fn travel(&self, world: &World) -> Result<(), StoreError> {
        if world.chance(world.faults.ledger_slow) {
            world.pause(1_000, 30_000).await;
        } else {
            world.pause(1, 60).await;
        }
        if world.chance(world.faults.ledger_fails) {
            world.journal.saw(Event::LedgerFailed);
            return Err(StoreError("accounts: out of reach".to_owned()));
        }
        Ok(())
    }

    /// What is set aside for a job that has not ended.
    pub(super) fn held(&self, job: &JobId) -> Option<NanoUsd> {
        self.0.borrow().get(job).filter(|entry| entry.ended.is_none()).and_then(|entry| entry.amount)
    }

    pub(super) fn ended(&self, job: &JobId) -> Option<Outcome> {
        self.0.borrow().get(job).and_then(|entry| entry.ended)
    }

    /// Reserves that nobody ended.
    pub(super) fn open(&self) -> Vec<JobId> {
        let entries = self.0.borrow();
        entries
            .iter()
            .filter(|(_, entry)| entry.amount.is_some() && entry.ended.is_none())
            .map(|(job, _)| job.clone())
            .collect()
    }
}
