//! An isolate: a memory of pointers in one city, and what it sees of the world.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::access::AccountName;
use domain::delivery::ByteRange;
use domain::picture::{Digest, PictureKey, Pointer};

use super::blobs::Body;
use super::coverage::Event;
use super::executor::ProcessId;
use super::world::World;
use crate::account::{AccountAnswer, AccountAsk};
use crate::ask::{Answer, Ask};
use crate::memo::Memo;
use crate::ports::{Clock, EdgePorts, ObjectError, Opened, Random, StoreError};

pub(super) struct Isolate {
    pub(super) city: usize,
    pub(super) process: Cell<ProcessId>,
    memo: RefCell<Rc<RefCell<Memo>>>,
}

impl Isolate {
    pub(super) fn new(city: usize, process: ProcessId) -> Rc<Self> {
        Rc::new(Self { city, process: Cell::new(process), memo: RefCell::default() })
    }

    pub(super) fn memo(&self) -> Rc<RefCell<Memo>> {
        Rc::clone(&self.memo.borrow())
    }

    /// Its requests end in the middle, and it remembers nothing.
    pub(super) fn crash(&self, world: &World) {
        world.journal.note(|| format!("isolate {} crashes", self.process.get()));
        world.executor.kill(self.process.get());
        self.process.set(world.executor.process());
        self.memo.take();
    }
}

pub(super) struct EdgePort {
    pub(super) world: Rc<World>,
    pub(super) city: usize,
}

impl Clock for EdgePort {
    fn now_ms(&self) -> u64 {
        self.world.now_ms()
    }

    async fn sleep_ms(&self, ms: u64) {
        self.world.executor.sleep(ms).await;
    }
}

impl Random for EdgePort {
    fn fill(&self, bytes: &mut [u8]) {
        self.world.rng().fill(bytes);
    }
}

impl EdgePorts for EdgePort {
    type Body = Body;

    async fn pointer(&self, key: &PictureKey) -> Result<Option<Pointer>, StoreError> {
        self.world.kv.read(&self.world, self.city, key).await
    }

    async fn cached(&self, digest: &Digest, range: Option<ByteRange>) -> Option<Opened<Body>> {
        self.world.caches[self.city].get(&self.world, digest, range).await
    }

    async fn blob(&self, digest: &Digest, range: Option<ByteRange>) -> Result<Option<Opened<Body>>, StoreError> {
        self.world.blobs.get(&self.world, digest, range).await
    }

    async fn ask(&self, key: &PictureKey, ask: &Ask) -> Result<(Answer, Vec<Body>), ObjectError> {
        let world = &self.world;
        world.pause(1, 80).await;
        if world.chance(world.faults.overloaded) {
            world.journal.saw(Event::Overloaded);
            return Err(ObjectError { message: "too many requests".to_owned(), overloaded: true });
        }
        let breaks = world.chance(world.faults.way_to_object_breaks);
        if breaks && world.rng().one_in(2) {
            return Err(broken(world));
        }
        // The two sides share nothing but these bytes.
        let ask = serde_json::from_str(&serde_json::to_string(ask).unwrap()).unwrap();
        let answering = world.object(key).ask(world, ask);
        if breaks {
            world.pause(1, 2_000).await;
            return Err(broken(world));
        }
        let Ok((answer, loosely)) = answering.await else { return Err(broken(world)) };
        world.pause(1, 80).await;
        let answer = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
        let bodies = loosely.iter().flat_map(|loosely| loosely.iter()).map(|(_, sheet)| Body(sheet.0.clone()));
        Ok((answer, bodies.collect()))
    }

    async fn catalog(&self, _: &crate::catalog::CatalogAsk) -> Result<crate::catalog::CatalogAnswer, ObjectError> {
        Err(ObjectError { message: "there is no catalog here".to_owned(), overloaded: false })
    }

    async fn account(&self, name: &AccountName, ask: &AccountAsk) -> Result<AccountAnswer, ObjectError> {
        self.world.accounts.ask(&self.world, name, ask).await.map_err(|_| broken(&self.world))
    }
}

fn broken(world: &World) -> ObjectError {
    world.journal.saw(Event::WayToObjectBroke);
    ObjectError { message: "connection lost".to_owned(), overloaded: false }
}
