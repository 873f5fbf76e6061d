//! Objects, blobs and caches that the catalog asks, and the catalog itself, which can start again at any time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::catalog::runner::{self, CatalogPorts, Turn};
use crate::ports::{Clock, ObjectError, StoreError};

/// The pool of one key.
#[derive(Default, Clone)]
pub struct Object {
    /// With when its job was claimed.
    pub live: BTreeMap<u32, (Take, u64)>,
    pub purged: Vec<(PurgeId, bool, Take)>,
}

pub struct World {
    pub db: Sqlite,
    pub catalog: Catalog<Sqlite>,
    pub now_ms: Cell<u64>,
    pub objects: RefCell<BTreeMap<PictureKey, Object>>,
    pub unreachable: RefCell<BTreeSet<PictureKey>>,
    pub blobs: RefCell<BTreeSet<Digest>>,
    pub undeletable: Cell<bool>,
    /// The tags of each call, and why the next ones fail.
    pub dropped: RefCell<Vec<Vec<String>>>,
    pub cdn_fails: Cell<bool>,
    pub alarm_ms: Cell<Option<u64>>,
    /// How many objects were asked, and how many at once at most.
    pub asked: Cell<u32>,
    pub at_once: Cell<(u32, u32)>,
    /// What else happens while the object of a key is asked.
    pub meanwhile: RefCell<Option<CatalogAsk>>,
    /// How long an object takes to answer.
    pub slow_ms: Cell<u64>,
}

impl World {
    pub fn new() -> Self {
        let db = Sqlite::new();
        Self {
            catalog: Catalog::new(db.clone()),
            db,
            now_ms: Cell::new(NOON_MS + HOUR_MS),
            objects: RefCell::default(),
            unreachable: RefCell::default(),
            blobs: RefCell::default(),
            undeletable: Cell::new(false),
            dropped: RefCell::default(),
            cdn_fails: Cell::new(false),
            alarm_ms: Cell::new(None),
            asked: Cell::new(0),
            at_once: Cell::default(),
            meanwhile: RefCell::default(),
            slow_ms: Cell::new(0),
        }
    }

    pub fn with(jobs: &[Job]) -> Self {
        let world = Self::new();
        for job in jobs {
            world.tell(job);
        }
        world
    }

    /// As after a crash: nothing is left but what is durable.
    pub fn restart(&mut self) {
        self.catalog = Catalog::new(self.db.clone());
    }

    pub fn ask(&self, ask: CatalogAsk) -> CatalogAnswer {
        self.catalog.ask(ask, self.now_ms.get()).unwrap()
    }

    /// What a job made is there, and the catalog hears of it.
    pub fn tell(&self, job: &Job) {
        self.make(job);
        self.register(&job.registration());
    }

    pub fn make(&self, job: &Job) {
        let mut objects = self.objects.borrow_mut();
        let object = objects.entry(job.key()).or_default();
        for take in job.made() {
            self.blobs.borrow_mut().insert(take.digest);
            match &job.purged {
                None => drop(object.live.insert(take.take, (take, job.claimed_ms))),
                Some(purge) => object.purged.push((purge.clone(), false, take)),
            }
        }
    }

    pub fn register(&self, registration: &Registration) {
        let answer = self.ask(CatalogAsk::Register { registration: Box::new(registration.clone()) });
        assert_eq!(answer, CatalogAnswer::Done);
    }

    pub fn images(&self, text: &str) -> ImagePage {
        match self.ask(CatalogAsk::Images { query: Box::new(query(text)) }) {
            CatalogAnswer::Images { page } => *page,
            other => panic!("{other:?}"),
        }
    }

    /// The prompts of a list.
    pub fn prompts(&self, text: &str) -> Vec<String> {
        self.images(text).images.into_iter().map(|image| image.prompt).collect()
    }

    pub fn summary(&self, key: PictureKey) -> Option<ImageSummary> {
        match self.ask(CatalogAsk::Summary { key }) {
            CatalogAnswer::Summary { summary } => summary.map(|summary| *summary),
            other => panic!("{other:?}"),
        }
    }

    /// The request of an operator, answered as the object does it.
    pub fn post(&self, ask: CatalogAsk) -> Result<Purge, String> {
        let (answer, _) = wait(runner::purge(&self.catalog, self, ask)).unwrap();
        match answer {
            CatalogAnswer::Purge { purge } => Ok(*purge),
            CatalogAnswer::Refused { error } => Err(format!("{} {}", error.status, error.code.unwrap())),
            other => panic!("{other:?}"),
        }
    }

    pub fn purge(&self, number: u8, request: PurgeRequest) -> Purge {
        self.post(asked(number, request)).unwrap()
    }

    pub fn undo(&self, number: u8) -> Result<Purge, String> {
        self.post(CatalogAsk::Undo { id: id(number), by: "admin".to_owned() })
    }

    pub fn show(&self, number: u8) -> Purge {
        match self.ask(CatalogAsk::ShowPurge { id: id(number) }) {
            CatalogAnswer::Purge { purge } => *purge,
            other => panic!("{other:?}"),
        }
    }

    pub fn turn(&self) -> Turn {
        wait(runner::turn(&self.catalog, self, None)).unwrap()
    }

    /// Lets time pass, and the alarms ring that are due.
    pub fn pass(&self, ms: u64) {
        let end = self.now_ms.get() + ms;
        for _ in 0..1_000 {
            match self.alarm_ms.get() {
                Some(at_ms) if at_ms <= end => {
                    self.now_ms.set(self.now_ms.get().max(at_ms));
                    self.alarm_ms.set(None);
                    self.turn();
                }
                _ => return self.now_ms.set(end),
            }
        }
        panic!("the alarm rings without end");
    }

    /// The takes of a key that its object has: as they are, or purged.
    pub fn live(&self, key: &PictureKey) -> Vec<u32> {
        self.objects.borrow()[key].live.keys().copied().collect()
    }

    async fn answer(&self, key: &PictureKey) -> Result<(), ObjectError> {
        self.asked.set(self.asked.get() + 1);
        let (now, most) = self.at_once.get();
        self.at_once.set((now + 1, most.max(now + 1)));
        if let Some(ask) = self.meanwhile.take() {
            self.ask(ask);
        }
        for _ in 0..50 {
            pause().await;
        }
        self.at_once.set((self.at_once.get().0 - 1, self.at_once.get().1));
        self.now_ms.set(self.now_ms.get() + self.slow_ms.get());
        if self.unreachable.borrow().contains(key) {
            return Err(ObjectError { message: "out of reach".to_owned(), overloaded: false });
        }
        Ok(())
    }
}

impl Clock for World {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    async fn sleep_ms(&self, ms: u64) {
        self.now_ms.set(self.now_ms.get() + ms);
    }
}

impl CatalogPorts for World {
    async fn take_back(
        &self,
        key: &PictureKey,
        purge: &PurgeId,
        takes: Option<&[u32]>,
        at_ms: u64,
        until_ms: u64,
    ) -> Result<Vec<Take>, ObjectError> {
        self.answer(key).await?;
        let hard = until_ms <= self.now_ms.get();
        let meant = |take: u32| takes.is_none_or(|takes| takes.contains(&take));
        let mut objects = self.objects.borrow_mut();
        let object = objects.entry(*key).or_default();
        let gone: Vec<u32> = object
            .live
            .iter()
            .filter(|(take, (_, claimed))| meant(**take) && *claimed <= at_ms)
            .map(|(take, _)| *take)
            .collect();
        for take in gone {
            let (take, _) = object.live.remove(&take).unwrap();
            object.purged.push((purge.clone(), hard, take));
        }
        for (by, was_hard, take) in &mut object.purged {
            if hard && !*was_hard && meant(take.take) {
                (*by, *was_hard) = (purge.clone(), true);
            }
        }
        let ours = object.purged.iter().filter(|(by, _, take)| by == purge && meant(take.take));
        Ok(ours.map(|(_, _, take)| take.clone()).collect())
    }

    async fn put_back(&self, key: &PictureKey, purge: &PurgeId) -> Result<(), ObjectError> {
        self.answer(key).await?;
        let mut objects = self.objects.borrow_mut();
        let object = objects.entry(*key).or_default();
        let (ours, others) = std::mem::take(&mut object.purged).into_iter().partition(|(by, _, _)| by == purge);
        object.purged = others;
        object.live.extend(Vec::into_iter(ours).map(|(_, _, take)| (take.take, (take, NOON_MS))));
        Ok(())
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<(), StoreError> {
        pause().await;
        if self.undeletable.get() {
            return Err(StoreError("out of reach".to_owned()));
        }
        self.blobs.borrow_mut().remove(digest);
        Ok(())
    }

    async fn drop_from_cdn(&self, tags: &[String]) -> Result<(), String> {
        pause().await;
        if self.cdn_fails.get() {
            return Err("too many".to_owned());
        }
        self.dropped.borrow_mut().push(tags.to_vec());
        Ok(())
    }

    async fn set_alarm(&self, at_ms: u64) -> Result<(), StoreError> {
        self.alarm_ms.set(Some(at_ms));
        Ok(())
    }
}

pub fn asked(number: u8, request: PurgeRequest) -> CatalogAsk {
    CatalogAsk::Purge { request: Box::new(request), id: id(number), by: "admin".to_owned(), reach: REACH }
}

/// Gives the others a chance to go on.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Nothing here waits for anything but its turn.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..100_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("it waits for ever");
}
