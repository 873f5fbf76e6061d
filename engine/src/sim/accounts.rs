//! The way to the accounts: long, lossy, and not in order. What was asked may arrive after its asker is gone, and behind what
//! was asked later.

use std::collections::BTreeMap;
use std::rc::Rc;

use domain::access::AccountName;
use domain::access::client::Client;
use domain::job::{Job, JobId};
use domain::money::NanoUsd;
use domain::money::budget::EntryState;
use tokio::sync::oneshot;

use super::books::Books;
use super::coverage::Event;
use super::payers::{self, Payers};
use super::world::World;
use crate::account::{AccountAnswer, AccountAsk};
use crate::ports::StoreError;

pub(super) struct Accounts(BTreeMap<AccountName, Rc<Books>>);

impl Accounts {
    pub(super) fn new(payers: &Payers) -> Self {
        let of = |client: &Rc<Client>| (AccountName::Client(client.id.clone()), client.policy.limits);
        let all = payers.clients.values().map(of).chain([(AccountName::Deployment, payers.deployment)]);
        Self(all.map(|(name, limits)| (name.clone(), Books::new(name, limits))).collect())
    }

    pub(super) fn open(&self, world: &Rc<World>) {
        for client in world.payers.clients.values() {
            let books = self.of(&AccountName::Client(client.id.clone()));
            books.prepare(world, AccountAsk::Open { client: Box::new((**client).clone()) });
        }
        let body = payers::object(&world.payers.deployment);
        self.of(&AccountName::Deployment).prepare(world, AccountAsk::Limits { body });
    }

    pub(super) fn of(&self, name: &AccountName) -> &Rc<Books> {
        &self.0[name]
    }

    /// The two in which a job is counted.
    pub(super) fn both(&self, job: &Job) -> [&Rc<Books>; 2] {
        [self.of(&AccountName::Client(job.client.clone())), self.of(&AccountName::Deployment)]
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Rc<Books>> {
        self.0.values()
    }

    pub(super) async fn ask(
        &self,
        world: &Rc<World>,
        name: &AccountName,
        ask: &AccountAsk,
    ) -> Result<AccountAnswer, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let way = Way::draw(world);
        // The two sides share nothing but these bytes.
        let asked = serde_json::from_str(&serde_json::to_string(ask).unwrap()).unwrap();
        let (books, world_too) = (Rc::clone(self.of(name)), Rc::clone(world));
        world.executor.spawn(world.process, async move {
            travel(&world_too).await;
            if way == Way::Overtaken {
                world_too.pause(500, 40_000).await;
            }
            if way != Way::LostThere {
                books.ask(&world_too, asked, sender);
            }
        });
        let answered = match way {
            Way::Overtaken => {
                travel(world).await;
                None
            }
            _ => receiver.await.ok(),
        };
        travel(world).await;
        match answered {
            Some(answered) if way != Way::LostBack => {
                answered.map(|answer| serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap())
            }
            _ => {
                world.journal.saw(Event::AccountOutOfReach);
                Err(StoreError("accounts: out of reach".to_owned()))
            }
        }
    }

    /// What is durably set aside for a job that has not ended, in both of its accounts.
    pub(super) fn held(&self, job: &Job) -> bool {
        self.both(job).into_iter().all(|books| {
            let durable = books.shelf.durable();
            let entry = durable.entry(&job.id);
            entry.is_some_and(|entry| entry.state == EntryState::Open && entry.amount == job.reserve)
        })
    }

    /// What each account has of a job. Without its times, so that a broken rule reads the same in every schedule.
    pub(super) fn entries(&self, job: &JobId) -> Vec<(&AccountName, NanoUsd, EntryState)> {
        let of = |books: &Rc<Books>| books.shelf.present().entry(job).map(|entry| (entry.amount, entry.state));
        self.all().filter_map(|books| of(books).map(|(amount, state)| (&books.name, amount, state))).collect()
    }
}

/// What becomes of a question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Good,
    LostThere,
    LostBack,
    /// It is given up, and arrives later.
    Overtaken,
}

impl Way {
    fn draw(world: &World) -> Self {
        if world.chance(world.faults.account_fails) {
            *world.rng().pick(&[Self::LostThere, Self::LostBack, Self::Overtaken])
        } else {
            Self::Good
        }
    }
}

async fn travel(world: &World) {
    if world.chance(world.faults.account_slow) {
        world.pause(1_000, 30_000).await;
    } else {
        world.pause(1, 60).await;
    }
}
