//! Where one account lives: its documents outlast its lives, and everything else ends with each.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::access::{AccountName, Limits};
use domain::job::JobId;
use domain::money::budget::EntryState;
use tokio::sync::oneshot;

use super::audit;
use super::coverage::Event;
use super::executor::ProcessId;
use super::shelf::{Shelf, Write};
use super::world::World;
use crate::account::store::{AccountStore, Kind, Record};
use crate::account::{Account, AccountAnswer, AccountAsk, Alarm};
use crate::ports::StoreError;

pub(super) struct Books {
    pub(super) name: AccountName,
    pub(super) limits: Limits,
    pub(super) shelf: Shelf,
    life: RefCell<Option<Life>>,
    lives: Cell<u32>,
    pub(super) heard: Heard,
}

/// What became known of the account's decisions, and what is true of them whatever anybody learned.
#[derive(Default)]
pub(super) struct Heard {
    /// Jobs that were refused, and by which code.
    pub(super) refused: RefCell<BTreeMap<JobId, String>>,
    /// The days and months whose budget has turned something away.
    pub(super) exhausted: RefCell<BTreeSet<String>>,
    /// When something was counted against the rate.
    pub(super) counted_ms: RefCell<Vec<u64>>,
    /// The alarms that an operator has seen, by window and share.
    alarms: RefCell<BTreeSet<(String, u8)>>,
}

struct Life {
    process: ProcessId,
    account: Rc<Account<Desk>>,
}

/// What an account sees of its store.
pub(super) struct Desk {
    world: Rc<World>,
    books: Rc<Books>,
    life: u32,
}

pub(super) type Answered = Result<AccountAnswer, StoreError>;

impl Books {
    pub(super) fn new(name: AccountName, limits: Limits) -> Rc<Self> {
        let (shelf, heard) = (Shelf::default(), Heard::default());
        Rc::new(Self { name, limits, shelf, life: RefCell::default(), lives: Cell::new(0), heard })
    }

    fn wake(self: &Rc<Self>, world: &Rc<World>) -> (ProcessId, Rc<Account<Desk>>) {
        let mut life = self.life.borrow_mut();
        let life = life.get_or_insert_with(|| {
            self.lives.set(self.lives.get() + 1);
            world.journal.note(|| format!("account {}: life {}", self.name, self.lives.get()));
            let desk = Desk { world: Rc::clone(world), books: Rc::clone(self), life: self.lives.get() };
            Life { process: world.executor.process(), account: Rc::new(Account::new(desk, self.name.clone())) }
        });
        (life.process, Rc::clone(&life.account))
    }

    /// Before the schedule begins.
    pub(super) fn prepare(self: &Rc<Self>, world: &Rc<World>, ask: AccountAsk) {
        let (_, account) = self.wake(world);
        let opened = account.ask(ask, world.now_ms()).map(|answered| answered.answer);
        let refused = !matches!(opened, Ok(AccountAnswer::Client { .. } | AccountAnswer::Spending { .. }));
        world.journal.expect(!refused, || format!("account {} cannot be opened: {opened:?}", self.name));
        self.shelf.flush_all();
    }

    /// The answer leaves only when every write before it is durable: the output gate of the platform.
    pub(super) fn ask(self: &Rc<Self>, world: &Rc<World>, ask: AccountAsk, sender: oneshot::Sender<Answered>) {
        let (process, account) = self.wake(world);
        let (books, world_too) = (Rc::clone(self), Rc::clone(world));
        world.executor.spawn(process, async move {
            let world = world_too;
            let question = audit::Question::of(&world, &books, &ask);
            let answered = account.ask(ask, world.now_ms());
            if let Ok(answered) = &answered {
                question.answered(&world, &books, &answered.answer);
            }
            if world.chance(world.faults.account_crash_at_ask) {
                world.doom_account(&books, books.lives.get());
            }
            books.shelf.all_durable().await;
            let answered = answered.map(|answered| {
                for alarm in &answered.alarms {
                    books.told(&world, alarm);
                }
                answered.answer
            });
            drop(sender.send(answered));
        });
    }

    fn told(&self, world: &World, alarm: &Alarm) {
        let (name, start, percent) = (&self.name, &alarm.start, alarm.percent);
        let first = self.heard.alarms.borrow_mut().insert((start.clone(), percent));
        world.journal.expect(first, || format!("account {name}: {percent} % of {start} is told twice"));
        audit::alarm(world, self, alarm);
        world.journal.saw(match percent {
            50 => Event::HalfSpent,
            80 => Event::MostSpent,
            _ => Event::AllSpent,
        });
    }

    pub(super) fn told_before(&self) -> BTreeSet<(String, u8)> {
        self.heard.alarms.borrow().clone()
    }

    pub(super) fn is_awake(&self) -> bool {
        self.life.borrow().is_some()
    }

    pub(super) fn lives(&self) -> u32 {
        self.lives.get()
    }

    pub(super) fn crash(&self, world: &World) {
        let Some(life) = self.life.take() else { return };
        // The buffer may have got anywhere.
        let lost = world.rng().below(self.shelf.waiting() + 1);
        self.shelf.crash(lost);
        if lost > 0 {
            world.journal.saw(Event::AccountLostWrites);
        }
        if self.shelf.durable().entries.values().any(|entry| entry.state == EntryState::Open) {
            world.journal.saw(Event::AccountRestartedWithOpen);
        }
        world.journal.note(|| format!("account {}: crash, {lost} writes lost", self.name));
        world.executor.kill(life.process);
    }

    /// Drops what holds the world.
    pub(super) fn clear(&self) {
        self.life.take();
    }
}

impl AccountStore for Desk {
    fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
        self.read()?;
        Ok(self.books.shelf.get(kind, id))
    }

    fn list(&self, kind: Kind, after: &str, limit: u32) -> Result<Vec<(String, String)>, StoreError> {
        self.read()?;
        Ok(self.books.shelf.list(kind, after, limit))
    }

    fn save(&self, records: &[Record]) -> Result<(), StoreError> {
        let world = &self.world;
        if world.chance(world.faults.account_save_fails) {
            world.journal.saw(Event::AccountNotSaved);
            return Err(StoreError("account: not written".to_owned()));
        }
        let writes: Vec<Write> = records.iter().map(Write::read).collect();
        audit::writes(world, &self.books, &writes);
        let number = self.books.shelf.save(writes);
        audit::adds_up(world, &self.books);
        let slow = world.chance(world.faults.account_disk_slow);
        let ms = if slow { world.rng().between(100, 3_000) } else { world.rng().between(0, 15) };
        let (world_too, books, life) = (Rc::clone(world), Rc::clone(&self.books), self.life);
        world.executor.spawn(world.process, async move {
            world_too.executor.sleep(ms).await;
            if books.lives.get() == life {
                books.shelf.flush(number);
            }
        });
        Ok(())
    }
}

impl Desk {
    fn read(&self) -> Result<(), StoreError> {
        if self.world.chance(self.world.faults.account_read_fails) {
            self.world.journal.saw(Event::AccountNotRead);
            return Err(StoreError("account: not read".to_owned()));
        }
        Ok(())
    }
}
