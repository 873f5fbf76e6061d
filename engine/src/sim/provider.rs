//! A provider that bills by job, and does with the reply what networks do.
//!
//! It works on its own: a caller that goes away in the middle may be billed or not, which is the ambiguity that the rest
//! has to live with.

mod script;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::rc::Rc;

use domain::job::JobId;
use domain::money::NanoUsd;
use domain::money::budget::EntryState;
use domain::picture::{Digest, PictureKey};
use futures::future::{Either, select};
use serde_json::Value;
use tokio::sync::oneshot;

use super::picture;
use super::world::World;
use crate::ports::{Call, ProviderReply, SendError};
pub(super) use script::Fate;
use script::{Piece, Script};

#[derive(Default)]
pub(super) struct Provider {
    calls: RefCell<Vec<Record>>,
    bills: RefCell<usize>,
    /// A rate limit that lasts: every call until then is refused.
    limited_until_ms: Cell<u64>,
}

/// One call, and what is true of it whatever anybody learned.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) job: JobId,
    pub(super) key: PictureKey,
    /// The places that the job covered when it called; none for a loose one.
    pub(super) takes: Vec<u32>,
    pub(super) called_ms: u64,
    pub(super) read_ms: Option<u64>,
    pub(super) lives: u32,
    pub(super) fate: Fate,
    pub(super) bill: Option<Bill>,
    /// What one picture takes.
    tokens_out: u64,
    /// The caller has the status in hand that says that nothing was billed.
    pub(super) refusal_seen: bool,
    /// The caller read the reply to its proper end.
    pub(super) read_whole: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Bill {
    pub(super) pictures: Vec<Digest>,
    pub(super) cost: NanoUsd,
}

/// Of gpt-image-2, in nano-dollars.
const TEXT_IN: u64 = 5_000;
const IMAGE_OUT: u64 = 30_000;
const TOKENS_IN: u64 = 10;
/// For one picture: the cheapest there is, and what comes near to the reserve.
const TOKENS_OUT: [u64; 4] = [150, 150, 1_000, 5_000];

impl Provider {
    pub(super) async fn call(
        &self,
        world: &Rc<World>,
        key: PictureKey,
        takes: Vec<u32>,
        call: &Call<'_>,
        called_ms: u64,
    ) -> Result<Reply, SendError> {
        let asked: Value = serde_json::from_str(call.body).unwrap();
        let prompt = asked["prompt"].as_str().unwrap_or_default().to_owned();
        let n = usize::try_from(asked["n"].as_u64().unwrap_or(0)).unwrap();
        world.journal.expect(prompt == world.subject(&key).prompt, || format!("{key} is bought as '{prompt}'"));
        world.journal.expect(takes.is_empty() || takes.len() == n, || format!("{n} bought for takes {takes:?}"));
        let now_ms = world.now_ms();
        let fate = if now_ms < self.limited_until_ms.get() { Fate::Limited } else { Fate::draw(world, n) };
        if fate == Fate::Limited && world.chance(50) {
            self.limited_until_ms.set(now_ms + 20_000);
        }
        world.journal.note(|| format!("provider: {} calls for {n}, fate {fate:?}", call.job.as_str()));
        let at = self.calls.borrow().len();
        self.calls.borrow_mut().push(Record {
            job: call.job.clone(),
            key,
            takes,
            called_ms,
            read_ms: None,
            lives: world.object(&key).lives.get(),
            fate,
            bill: None,
            tokens_out: *world.rng().pick(&TOKENS_OUT),
            refusal_seen: false,
            read_whole: false,
        });
        let (sender, receiver) = oneshot::channel();
        let world_too = Rc::clone(world);
        world.executor.spawn(world.process, async move { work(&world_too, at, &prompt, n, fate, sender).await });
        let script = receiver.await.map_err(|_| SendError("connection reset".to_owned()))?;
        let refused = fate.refuses();
        self.calls.borrow_mut()[at].refusal_seen |= refused;
        Ok(Reply { world: Rc::clone(world), at, status: script.status, headers: script.headers, pieces: script.pieces })
    }

    fn bill(&self, world: &World, at: usize, prompt: &str, count: usize) -> Vec<Vec<u8>> {
        *self.bills.borrow_mut() += 1;
        let number = *self.bills.borrow();
        let pictures: Vec<Vec<u8>> = (0..count).map(|place| picture::draw(prompt, number, place)).collect();
        let mut calls = self.calls.borrow_mut();
        let job = calls[at].job.clone();
        let twice = calls.iter().any(|call| call.job == job && call.bill.is_some());
        world.journal.expect(!twice, || format!("{} is billed twice", job.as_str()));
        let cost = cost(count, calls[at].tokens_out);
        let entries = world.accounts.entries(&job);
        world.journal.expect(entries.len() == 2, || format!("{} is billed and reserved in {entries:?}", job.as_str()));
        for (account, held, state) in entries {
            let open = matches!(state, EntryState::Open | EntryState::Kept);
            world.journal.expect(open, || format!("{} is billed after its reserve in {account} ended", job.as_str()));
            world.journal.expect(cost <= held, || format!("{} costs {cost}, and {held} is reserved", job.as_str()));
        }
        world.journal.note(|| format!("provider: {} is billed {cost} for {count}", job.as_str()));
        calls[at].bill = Some(Bill { pictures: pictures.iter().map(|bytes| picture::digest(bytes)).collect(), cost });
        pictures
    }

    pub(super) fn bill_of(&self, job: &JobId) -> Option<NanoUsd> {
        self.calls.borrow().iter().filter(|call| call.job == *job).find_map(|call| Some(call.bill.as_ref()?.cost))
    }

    pub(super) fn calls(&self) -> Vec<Record> {
        self.calls.borrow().clone()
    }
}

fn cost(count: usize, tokens_out: u64) -> NanoUsd {
    let count = u64::try_from(count).unwrap();
    NanoUsd(TOKENS_IN * TEXT_IN + count * tokens_out * IMAGE_OUT)
}

async fn work(world: &Rc<World>, at: usize, prompt: &str, n: usize, fate: Fate, mut sender: oneshot::Sender<Script>) {
    let Some(count) = fate.billed(n) else {
        world.pause(20, 3_000).await;
        return send(fate.script(world, &[], 0), fate, sender).await;
    };
    let slow = world.chance(world.faults.provider_slow);
    let ms = if slow { world.rng().between(20_000, 120_000) } else { world.rng().between(100, 20_000) };
    // Whether it hears that the caller left, and in time, is anybody's guess.
    if world.rng().one_in(2) {
        let working = std::pin::pin!(world.executor.sleep(ms));
        if let Either::Right(_) = select(working, std::pin::pin!(sender.closed())).await {
            return;
        }
    } else {
        world.executor.sleep(ms).await;
    }
    let pictures = world.provider.bill(world, at, prompt, count);
    let tokens_out = world.provider.calls.borrow()[at].tokens_out;
    send(fate.script(world, &pictures, tokens_out), fate, sender).await;
}

async fn send(script: Option<Script>, fate: Fate, mut sender: oneshot::Sender<Script>) {
    match script {
        Some(script) => drop(sender.send(script)),
        None if matches!(fate, Fate::Hangs | Fate::HangsUnbilled) => sender.closed().await,
        None => {}
    }
}

/// A reply that arrives in pieces.
pub(super) struct Reply {
    world: Rc<World>,
    at: usize,
    status: u16,
    headers: Vec<(&'static str, String)>,
    pieces: VecDeque<Piece>,
}

impl ProviderReply for Reply {
    fn status(&self) -> u16 {
        self.status
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(seen, _)| *seen == name).map(|(_, value)| value.clone())
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, SendError> {
        self.world.pause(0, 400).await;
        match self.pieces.pop_front() {
            Some(Piece::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Piece::Cut) => Err(SendError("connection reset".to_owned())),
            Some(Piece::Stalls) => pending().await,
            None => {
                let mut calls = self.world.provider.calls.borrow_mut();
                calls[self.at].read_whole = true;
                calls[self.at].read_ms = Some(self.world.now_ms());
                Ok(None)
            }
        }
    }
}
