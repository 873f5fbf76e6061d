//! What the Generation object stands on.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use domain::access::AccountName;
use domain::job::{JobId, Pool};
use domain::money::NanoUsd;
use domain::picture::{Digest, Format, PictureKey, Pointer};
use domain::runtime::RuntimeSettings;
use engine::catalog::Registration;
use engine::ports::{Call, Change, ObjectPorts, Outcome, Reserved, SendError, StoreError};
use worker::{Env, State};

use super::openai::{self, Reply, Sheets};
use super::{accounts, blobs, clock, failed, pointers};
use crate::config::Config;
use crate::objects::JobStore;

pub struct Object {
    state: Rc<State>,
    env: Env,
    config: Rc<Config>,
    store: JobStore,
}

impl Object {
    pub fn new(state: Rc<State>, env: Env, config: Rc<Config>) -> Self {
        let store = JobStore::new(&state.storage());
        Self { state, env, config, store }
    }
}

clock::platform!(Object);

impl ObjectPorts for Object {
    type Paper = Sheets;
    type Reply = Reply;

    fn load(&self) -> Result<Pool, StoreError> {
        self.store.load()
    }

    async fn runtime(&self) -> Rc<RuntimeSettings> {
        super::runtime::known(&self.env).await
    }

    async fn register(&self, registration: &Registration) -> Result<(), StoreError> {
        super::catalog::register(&self.env, registration).await
    }

    fn save(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        self.store.save(changes).map_err(|error| failed("sqlite", error))
    }

    async fn durable(&self) -> Result<(), StoreError> {
        self.state.storage().sync().await.map_err(|error| failed("sqlite", error))
    }

    async fn set_alarm(&self, at_ms: u64) -> Result<(), StoreError> {
        clock::set_alarm(&self.state, at_ms).await
    }

    fn spawn(&self, job: Pin<Box<dyn Future<Output = ()>>>) {
        self.state.wait_until(job);
    }

    fn paper(&self) -> Sheets {
        Sheets::new()
    }

    async fn put_blob(&self, digest: &Digest, format: Format, paper: &Sheets) -> Result<(), StoreError> {
        blobs::put(&self.env, digest, format, paper.bytes, paper.stream()).await
    }

    async fn publish(&self, key: &PictureKey, pointer: &Pointer) -> Result<(), StoreError> {
        pointers::put(&self.env, key, pointer).await
    }

    async fn call(&self, call: &Call<'_>) -> Result<Reply, SendError> {
        openai::call(&self.config.provider, call).await
    }

    async fn reserve(&self, account: &AccountName, job: &JobId, amount: NanoUsd) -> Result<Reserved, StoreError> {
        accounts::reserve(&self.env, account, job, amount).await
    }

    async fn close(&self, account: &AccountName, job: &JobId, outcome: Outcome) -> Result<(), StoreError> {
        accounts::close(&self.env, account, job, outcome).await
    }
}
