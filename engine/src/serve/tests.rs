//! Replies, as a table: what the world looks like, what is asked, and every header that comes of it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, pending};

use domain::access::policy::Defaults as PolicyDefaults;
use domain::access::{AccountName, Client, Proof, UnknownHold};
use domain::delivery::{ByteRange, Lifetimes};
use domain::job::{JobId, Want};
use domain::money::{NanoUsd, Usage};
use domain::picture::{Digest, Format, Take};
use futures::FutureExt as _;
use serde_json::{Value, json};

use super::*;
use crate::account::tests::Shelf;
use crate::account::{Account, AccountAnswer, AccountAsk};
use crate::ask::{Bill, How, Loose, Made, Place};
use crate::ports::{Clock, ObjectError, Opened, Random, StoreError};
use crate::reply::{Piece, ReplyBody, Source};

mod documents;
mod pictures;
mod purges;
mod quotes;
mod recalls;
mod signs;
mod told;

const NOW_MS: u64 = 1_790_000_000_000;
const TARGET: &str = "prompt=a+cat";

/// A world that answers at once, as it is told to.
struct Fake {
    kv: Kv,
    /// How many bytes of the picture, which has ten, the cache has.
    edge_cache: Option<u64>,
    store: Store,
    /// What the object answers, one after the other; then it hangs.
    object: RefCell<VecDeque<Said>>,
    asked: RefCell<Vec<Ask>>,
    reads: Cell<u32>,
    /// One store for every account: there is one client, and the deployment's documents have other kinds.
    accounts: Shelf,
}

enum Said {
    Told(Box<Answer>, Vec<Vec<u8>>),
    Broke { overloaded: bool },
}

enum Kv {
    Has(Pointer),
    Empty,
    Down,
    Slow,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Store {
    Whole,
    Unchecked,
    Lost,
    /// It has all bytes but those of take 0.
    LacksTheFirst,
    Damaged,
    Short,
    Stumbles,
    Down,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            kv: Kv::Has(pool(2)),
            edge_cache: None,
            store: Store::Whole,
            object: RefCell::default(),
            asked: RefCell::default(),
            reads: Cell::new(0),
            accounts: Shelf::default(),
        }
    }
}

impl Fake {
    fn answering(answers: impl IntoIterator<Item = Said>) -> Self {
        Self { kv: Kv::Empty, object: RefCell::new(answers.into_iter().collect()), ..Self::default() }
    }

    /// What the object was asked to make.
    fn wants(&self) -> Vec<Want> {
        let asked = self.asked.borrow();
        asked.iter().filter_map(|ask| if let Ask::Make(order) = ask { Some(order.want) } else { None }).collect()
    }
}

impl Clock for Fake {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    async fn sleep_ms(&self, _: u64) {}
}

impl Random for Fake {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl EdgePorts for Fake {
    type Body = Vec<u8>;

    async fn pointer(&self, _: &PictureKey) -> Result<Option<Pointer>, StoreError> {
        match &self.kv {
            Kv::Has(pointer) => Ok(Some(pointer.clone())),
            Kv::Empty => Ok(None),
            Kv::Down => Err(StoreError("down".to_owned())),
            Kv::Slow => pending().await,
        }
    }

    async fn cached(&self, digest: &Digest, range: Option<ByteRange>) -> Option<Opened<Vec<u8>>> {
        let length = self.edge_cache?;
        Some(Opened { length, sha256: None, body: part(digest, range) })
    }

    async fn blob(&self, digest: &Digest, range: Option<ByteRange>) -> Result<Option<Opened<Vec<u8>>>, StoreError> {
        self.reads.set(self.reads.get() + 1);
        let (length, sha256) = match self.store {
            Store::Lost => return Ok(None),
            Store::LacksTheFirst if digest.0[0] == 0 => return Ok(None),
            Store::Down => return Err(StoreError("down".to_owned())),
            Store::Stumbles if self.reads.get() == 1 => return Err(StoreError("down".to_owned())),
            Store::Whole | Store::Stumbles | Store::LacksTheFirst => (10, Some(*digest)),
            Store::Unchecked => (10, None),
            Store::Damaged => (10, Some(Digest([9; 32]))),
            Store::Short => (9, None),
        };
        Ok(Some(Opened { length, sha256, body: part(digest, range) }))
    }

    async fn ask(&self, _: &PictureKey, ask: &Ask) -> Result<(Answer, Vec<Vec<u8>>), ObjectError> {
        self.asked.borrow_mut().push(ask.clone());
        let answer = self.object.borrow_mut().pop_front();
        match answer {
            Some(Said::Told(answer, bodies)) => Ok((*answer, bodies)),
            Some(Said::Broke { overloaded }) => Err(ObjectError { message: "lost".to_owned(), overloaded }),
            None => pending().await,
        }
    }

    async fn catalog(&self, _: &crate::catalog::CatalogAsk) -> Result<crate::catalog::CatalogAnswer, ObjectError> {
        Err(ObjectError { message: "there is no catalog here".to_owned(), overloaded: false })
    }

    async fn account(&self, name: &AccountName, ask: &AccountAsk) -> Result<AccountAnswer, ObjectError> {
        let account = Account::new(&self.accounts, name.clone());
        Ok(account.ask(ask.clone(), NOW_MS).unwrap().answer)
    }
}

/// The bytes of take `n` are ten times its number.
fn part(digest: &Digest, range: Option<ByteRange>) -> Vec<u8> {
    let length = range.map_or(10, ByteRange::len);
    vec![digest.0[0]; usize::try_from(length).unwrap()]
}

fn take(number: u32) -> Take {
    Take {
        take: number,
        digest: Digest([u8::try_from(number).unwrap(); 32]),
        format: Format::Png,
        bytes: 10,
        width: 1024,
        height: 1536,
        created_ms: NOW_MS - 60_000,
        cost: Some(NanoUsd(4_000_000)),
        quality: "low".to_owned(),
        background: "opaque".to_owned(),
    }
}

fn pool(takes: u32) -> Pointer {
    Pointer {
        namespace: "shop".to_owned(),
        model: "gpt-image-2".to_owned(),
        takes: (0..takes).map(take).collect(),
        ..Pointer::default()
    }
}

fn made(places: &[(u32, How)]) -> Said {
    let places = places.iter().map(|(take, how)| Place { take: *take, how: *how }).collect();
    Said::Told(Box::new(Answer::Made(Made { pointer: pool(4), places, bill: bill() })), Vec::new())
}

fn bill() -> Bill {
    let usage = Usage { input_tokens: 11, output_tokens: 200, total_tokens: 211, ..usage_without_details() };
    Bill {
        job: Some(JobId::new([1; 16])),
        usage: Some(usage),
        provider_ms: Some(3),
        cost: Some(NanoUsd(6_055_000)),
        left: None,
    }
}

fn usage_without_details() -> Usage {
    serde_json::from_value(json!({ "input_tokens": 0, "output_tokens": 0 })).unwrap()
}

fn loose(count: usize) -> Said {
    let picture = Loose {
        digest: Digest([5; 32]),
        format: Format::Webp,
        bytes: 10,
        width: 64,
        height: 64,
        quality: "high".to_owned(),
        background: "transparent".to_owned(),
    };
    Said::Told(Box::new(Answer::Loose { pictures: vec![picture; count], bill: bill() }), vec![vec![5; 10]; count])
}

fn found(pointer: Option<Pointer>) -> Said {
    Said::Told(Box::new(Answer::Pool { pointer }), Vec::new())
}

/// A client that may everything, changed as `policy` says.
fn client(policy: &Value) -> Rc<Client> {
    let defaults = PolicyDefaults { namespace: "shop".to_owned(), unknown_hold: UnknownHold::Ms(600_000) };
    let mut all = json!({ "budget_per_day_usd": null, "budget_per_month_usd": null });
    all.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
    let body = json!({ "id": "shop", "policy": all });
    Rc::new(Client::read(body.as_object().unwrap(), &defaults, 0).unwrap())
}

fn who(proof: Proof) -> Principal {
    with_policy(proof, &json!({}))
}

fn with_policy(proof: Proof, policy: &Value) -> Principal {
    Principal { client: client(policy), proof, scopes: vec![Scope::Generate, Scope::Read] }
}

fn settings() -> Settings {
    Settings {
        default_model: "gpt-image-2".to_owned(),
        generation_timeout_ms: 180_000,
        lifetimes: Lifetimes { browser_s: 300, edge_s: 86_400 },
        url_life_s: 3_600,
        zone: false,
        runtime: Rc::default(),
    }
}

/// Lets a service work in this world, once.
fn serve(fake: &Fake, work: impl AsyncFnOnce(&Service<'_, Fake>) -> Reply<Vec<u8>>) -> Reply<Vec<u8>> {
    let (settings, memo) = (settings(), RefCell::default());
    let signer = SigningKey::new("k1", "s".repeat(43));
    let service =
        Service { ports: fake, settings: &settings, memo: &memo, signer: Some(&signer), timing: &Timing::default() };
    now(work(&service))
}

/// Nothing in this world takes time.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

fn image(fake: &Fake, who: &Principal, query: &str, request: &Request) -> Reply<Vec<u8>> {
    serve(fake, async |service| service.image(who, &Query::parse(query).unwrap(), request).await)
}

/// The status and every header but the key, a line each.
fn lines(reply: &Reply<Vec<u8>>) -> Vec<String> {
    let headers = reply.headers.iter().filter(|(name, _)| *name != "x-pincel-key");
    std::iter::once(reply.status.to_string()).chain(headers.map(|(name, value)| format!("{name}: {value}"))).collect()
}

/// The code of a refusal, after what every refusal has in common was checked.
#[track_caller]
fn code(reply: &Reply<Vec<u8>>) -> String {
    assert_eq!(reply.headers.get("cache-control"), Some("no-store"));
    let ReplyBody::Text(text) = &reply.body else { panic!("{reply:?}") };
    let body: Value = serde_json::from_str(text).unwrap();
    body["error"]["code"].as_str().unwrap().to_owned()
}
