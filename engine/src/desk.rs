//! A world for the use cases of an operator: accounts that are real, and an object and a catalog that answer as they are told.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;

use domain::access::policy::Defaults;
use domain::access::{AccountName, Client, ClientId, UnknownHold};
use domain::delivery::{ByteRange, Lifetimes};
use domain::picture::{Digest, PictureKey, Pointer};
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::account::tests::Shelf;
use crate::account::{Account, AccountAnswer, AccountAsk};
use crate::ask::{Answer, Ask};
use crate::catalog::{CatalogAnswer, CatalogAsk};
use crate::ports::{Clock, EdgePorts, ObjectError, Opened, Random, StoreError};
use crate::reply::{Reply, ReplyBody};
use crate::settings::Settings;

/// 2026-11-24T00:00:00Z.
pub(crate) const NOW_MS: u64 = 1_795_478_400_000;

/// What is not told is out of reach.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) deployment: Shelf,
    /// Of the one client there is.
    pub(crate) shop: Shelf,
    pub(crate) accounts_down: Cell<bool>,
    pub(crate) object: RefCell<VecDeque<Answer>>,
    pub(crate) catalog: RefCell<VecDeque<CatalogAnswer>>,
    /// Of the object and the catalog.
    pub(crate) asked: RefCell<Vec<Asked>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    Object(PictureKey, Ask),
    Catalog(CatalogAsk),
}

impl Desk {
    pub(crate) fn answering(
        object: impl IntoIterator<Item = Answer>,
        catalog: impl IntoIterator<Item = CatalogAnswer>,
    ) -> Self {
        let (object, catalog) = (object.into_iter().collect(), catalog.into_iter().collect());
        Self { object: RefCell::new(object), catalog: RefCell::new(catalog), ..Self::default() }
    }

    /// With the client `shop`, whose policy has these members.
    pub(crate) fn with_shop(self, policy: &Value) -> Self {
        let mut all = json!({ "budget_per_day_usd": null, "budget_per_month_usd": null, "namespace": "shop" });
        all.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        let body = json!({ "id": "shop", "policy": all });
        let client = Client::read(body.as_object().unwrap(), &defaults(), 0).unwrap();
        let name = AccountName::Client(ClientId("shop".to_owned()));
        Account::new(&self.shop, name).ask(AccountAsk::Open { client: Box::new(client) }, NOW_MS).unwrap();
        self
    }
}

pub(crate) fn defaults() -> Defaults {
    Defaults { namespace: "default".to_owned(), unknown_hold: UnknownHold::Ms(600_000) }
}

pub(crate) fn settings() -> Settings {
    Settings {
        default_model: "gpt-image-2".to_owned(),
        generation_timeout_ms: 180_000,
        lifetimes: Lifetimes { browser_s: 300, edge_s: 86_400 },
        url_life_s: 3_600,
        zone: false,
        runtime: std::rc::Rc::default(),
    }
}

/// Nothing in this world takes time.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

/// The status and the document of a reply that no cache keeps.
#[track_caller]
pub(crate) fn document(reply: &Reply<Vec<u8>>) -> (u16, Value) {
    assert_eq!(reply.headers.get("cache-control"), Some("no-store"));
    let ReplyBody::Text(text) = &reply.body else { panic!("{reply:?}") };
    (reply.status, serde_json::from_str(text).unwrap())
}

/// The status of a refusal, and its code and parameter.
#[track_caller]
pub(crate) fn refusal(reply: &Reply<Vec<u8>>) -> (u16, String, Option<String>) {
    let (status, document) = document(reply);
    let error = &document["error"];
    (status, error["code"].as_str().unwrap().to_owned(), error["param"].as_str().map(str::to_owned))
}

fn out_of_reach() -> ObjectError {
    ObjectError { message: "out of reach".to_owned(), overloaded: false }
}

impl Clock for Desk {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    async fn sleep_ms(&self, _: u64) {}
}

impl Random for Desk {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl EdgePorts for Desk {
    type Body = Vec<u8>;

    async fn pointer(&self, _: &PictureKey) -> Result<Option<Pointer>, StoreError> {
        panic!("an operator's use case read a pointer")
    }

    async fn cached(&self, _: &Digest, _: Option<ByteRange>) -> Option<Opened<Vec<u8>>> {
        panic!("an operator's use case looked into a cache")
    }

    async fn blob(&self, _: &Digest, _: Option<ByteRange>) -> Result<Option<Opened<Vec<u8>>>, StoreError> {
        panic!("an operator's use case read a picture")
    }

    async fn ask(&self, key: &PictureKey, ask: &Ask) -> Result<(Answer, Vec<Vec<u8>>), ObjectError> {
        self.asked.borrow_mut().push(Asked::Object(*key, ask.clone()));
        self.object.borrow_mut().pop_front().map(|answer| (answer, Vec::new())).ok_or_else(out_of_reach)
    }

    async fn account(&self, name: &AccountName, ask: &AccountAsk) -> Result<AccountAnswer, ObjectError> {
        if self.accounts_down.get() {
            return Err(out_of_reach());
        }
        let empty = Shelf::default();
        let documents = match name {
            AccountName::Deployment => &self.deployment,
            AccountName::Client(id) if id.as_str() == "shop" => &self.shop,
            AccountName::Client(_) => &empty,
        };
        Ok(Account::new(documents, name.clone()).ask(ask.clone(), NOW_MS).unwrap().answer)
    }

    async fn catalog(&self, ask: &CatalogAsk) -> Result<CatalogAnswer, ObjectError> {
        self.asked.borrow_mut().push(Asked::Catalog(ask.clone()));
        self.catalog.borrow_mut().pop_front().ok_or_else(out_of_reach)
    }
}
