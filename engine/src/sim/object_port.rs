//! What an object sees of the world. Whatever leaves it waits until its writes are durable, and a crash may come with
//! every use.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use domain::access::AccountName;
use domain::job::{JobId, Pool};
use domain::money::NanoUsd;
use domain::picture::{Digest, Format, PictureKey, Pointer};

use super::coverage::Event;
use super::executor::ProcessId;
use super::object::Object;
use super::provider::Reply;
use super::world::World;
use super::{checks, picture};
use crate::account::{AccountAnswer, AccountAsk};
use crate::catalog::Registration;
use crate::ports::{Call, Change, Clock, ObjectPorts, Outcome, Paper, Random, Reserved, SendError, StoreError};

pub(super) struct ObjectPort {
    world: Rc<World>,
    object: Rc<Object>,
    process: ProcessId,
    life: u32,
}

/// A picture while it arrives.
#[derive(Debug, Default)]
pub(super) struct Sheet(pub(super) Vec<u8>);

impl ObjectPort {
    pub(super) fn new(world: Rc<World>, object: Rc<Object>, process: ProcessId, life: u32) -> Self {
        Self { world, object, process, life }
    }

    /// The platform holds back whatever leaves an object until its writes are durable.
    async fn gate(&self) {
        self.may_crash();
        self.object.disk.all_durable().await;
    }

    fn may_crash(&self) {
        if self.world.chance(self.world.faults.crash_at_port) {
            self.world.doom(&self.object, self.life);
        }
    }

    fn stumble(&self, event: Event) {
        self.world.journal.saw(event);
        self.object.stumbled_ms.set(self.world.now_ms());
    }
}

impl Clock for ObjectPort {
    fn now_ms(&self) -> u64 {
        self.world.now_ms()
    }

    async fn sleep_ms(&self, ms: u64) {
        self.world.executor.sleep(ms).await;
    }
}

impl Random for ObjectPort {
    fn fill(&self, bytes: &mut [u8]) {
        self.world.rng().fill(bytes);
    }
}

impl ObjectPorts for ObjectPort {
    type Paper = Sheet;
    type Reply = Reply;

    fn load(&self) -> Result<Pool, StoreError> {
        if self.world.chance(self.world.faults.load_fails) {
            self.stumble(Event::LoadFailed);
            return Err(StoreError("disk: not read".to_owned()));
        }
        Ok(self.object.disk.load().pool())
    }

    async fn runtime(&self) -> Rc<domain::runtime::RuntimeSettings> {
        Rc::default()
    }

    async fn register(&self, registration: &Registration) -> Result<(), StoreError> {
        self.gate().await;
        self.world.catalog.register(&self.world, registration).await
    }

    fn save(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        if self.world.chance(self.world.faults.save_fails) {
            self.stumble(Event::SaveFailed);
            return Err(StoreError("disk: not written".to_owned()));
        }
        let number = self.object.disk.save(changes);
        self.world.journal.note(|| {
            let said: Vec<String> = changes.iter().map(said).collect();
            format!("object {}: saves {}", self.world.name(&self.object.key), said.join(", "))
        });
        self.may_crash();
        let slow = self.world.chance(self.world.faults.disk_slow);
        let ms = if slow { self.world.rng().between(100, 3_000) } else { self.world.rng().between(0, 15) };
        let (world, object, life) = (Rc::clone(&self.world), Rc::clone(&self.object), self.life);
        self.world.executor.spawn(self.world.process, async move {
            world.executor.sleep(ms).await;
            if object.lives.get() == life
                && let Err(rule) = object.disk.flush(number)
            {
                world.journal.broken(rule);
            }
        });
        Ok(())
    }

    async fn durable(&self) -> Result<(), StoreError> {
        self.gate().await;
        if self.world.chance(self.world.faults.durable_fails) {
            self.stumble(Event::DurableFailed);
            return Err(StoreError("disk: not synced".to_owned()));
        }
        Ok(())
    }

    async fn set_alarm(&self, at_ms: u64) -> Result<(), StoreError> {
        // It takes its place among the writes when it is called, and not when it is awaited.
        let lost = self.world.chance(self.world.faults.alarm_not_set);
        if lost {
            self.world.journal.saw(Event::AlarmLost);
            self.object.alarm_lost.set(true);
        } else {
            self.object.set_alarm(&self.world, at_ms);
        }
        self.world.pause(0, 5).await;
        self.may_crash();
        if lost { Err(StoreError("alarm: not set".to_owned())) } else { Ok(()) }
    }

    fn spawn(&self, job: Pin<Box<dyn Future<Output = ()>>>) {
        self.world.executor.spawn(self.process, job);
    }

    fn paper(&self) -> Sheet {
        Sheet::default()
    }

    async fn put_blob(&self, digest: &Digest, _: Format, paper: &Sheet) -> Result<(), StoreError> {
        self.gate().await;
        let put = self.world.blobs.put(&self.world, *digest, &paper.0).await;
        if put.is_err() {
            self.stumble(Event::StoreRefusedPicture);
        }
        put
    }

    async fn publish(&self, key: &PictureKey, pointer: &Pointer) -> Result<(), StoreError> {
        self.gate().await;
        self.world.kv.write(&self.world, key, pointer).await
    }

    async fn call(&self, call: &Call<'_>) -> Result<Reply, SendError> {
        let now_ms = self.world.now_ms();
        let takes = match checks::may_call(&self.world, &self.object, call) {
            Ok(takes) => takes,
            Err(rule) => {
                self.world.journal.broken(rule);
                Vec::new()
            }
        };
        self.gate().await;
        self.world.provider.call(&self.world, self.object.key, takes, call, now_ms).await
    }

    async fn reserve(&self, account: &AccountName, job: &JobId, amount: NanoUsd) -> Result<Reserved, StoreError> {
        self.gate().await;
        let ask = AccountAsk::Reserve { job: job.clone(), amount };
        match self.world.accounts.ask(&self.world, account, &ask).await? {
            AccountAnswer::Granted { left } => Ok(Reserved::Granted { left }),
            AccountAnswer::Refused { error } => Ok(Reserved::Refused(error)),
            other => Err(StoreError(format!("{other:?}"))),
        }
    }

    async fn close(&self, account: &AccountName, job: &JobId, outcome: Outcome) -> Result<(), StoreError> {
        self.gate().await;
        let ask = AccountAsk::Close { job: job.clone(), outcome };
        match self.world.accounts.ask(&self.world, account, &ask).await? {
            AccountAnswer::Closed => Ok(()),
            other => Err(StoreError(format!("{other:?}"))),
        }
    }
}

impl Paper for Sheet {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    async fn digest(&mut self) -> Result<Digest, StoreError> {
        Ok(picture::digest(&self.0))
    }
}

fn said(change: &Change<'_>) -> String {
    match change {
        Change::Meta { meta, .. } => format!("meta (preferred {}, unpublished {})", meta.preferred, meta.unpublished),
        Change::Forget(seq) => format!("forget job {seq}"),
        Change::Job(job) => {
            format!("job {} {} {:?} takes {:?} money {:?}", job.seq, job.id.as_str(), job.state, job.takes, job.money)
        }
        Change::Take(take) => format!("take {}", take.take),
        Change::Gone(take) => format!("no take {take}"),
        Change::Purged(purged) => {
            let takes: Vec<u32> = purged.takes.iter().map(|take| take.take).collect();
            let (name, places, restored) = (purged.purge.as_str(), &purged.places, purged.restored);
            format!("{name} takes {takes:?} places {places:?} restored {restored}")
        }
        Change::Kept(_) => "what was asked for".to_owned(),
    }
}
