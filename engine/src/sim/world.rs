//! The world of one schedule: everything that is not the code under test.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use domain::picture::{Asked, Digest, PictureKey, request::Defaults};
use domain::query::Query;

use super::accounts::Accounts;
use super::blobs::{Blobs, EdgeCache};
use super::books::Books;
use super::catalog::Catalog;
use super::coverage::Event;
use super::executor::{Executor, ProcessId};
use super::faults::Faults;
use super::isolate::Isolate;
use super::journal::Journal;
use super::kv::Kv;
use super::object::Object;
use super::payers::Payers;
use super::provider::Provider;
use super::purges::Purges;
use super::rng::Rng;
use crate::settings::Settings;

pub(super) const MODEL: &str = "gpt-image-2";
pub(super) const NAMESPACE: &str = "shop";

pub(super) struct World {
    pub(super) executor: Rc<Executor>,
    /// Of the world itself: never killed.
    pub(super) process: ProcessId,
    pub(super) journal: Journal,
    pub(super) faults: Faults,
    /// Nothing fails: before a schedule begins, and at its end, when everything has to come to rest.
    pub(super) healed: Cell<bool>,
    pub(super) settings: Settings,
    pub(super) cities: usize,
    pub(super) subjects: Vec<Subject>,
    pub(super) kv: Kv,
    pub(super) blobs: Blobs,
    pub(super) caches: Vec<EdgeCache>,
    pub(super) payers: Payers,
    pub(super) accounts: Accounts,
    pub(super) provider: Provider,
    pub(super) catalog: Catalog,
    pub(super) purges: Purges,
    objects: RefCell<BTreeMap<PictureKey, Rc<Object>>>,
    pub(super) isolates: Vec<Rc<Isolate>>,
    doomed: RefCell<Vec<(Rc<Object>, u32)>>,
    doomed_accounts: RefCell<Vec<(Rc<Books>, u32)>>,
    crashes_left: Cell<u64>,
    /// The pictures that any client was given, by key and take.
    pub(super) seen: RefCell<BTreeMap<(PictureKey, u32), Digest>>,
}

/// A picture that clients ask for.
pub(super) struct Subject {
    pub(super) prompt: String,
    pub(super) key: PictureKey,
    /// The most that plain requests can need, and how many new takes were asked for on top.
    pub(super) first: Cell<u32>,
    pub(super) fresh: Cell<u32>,
    /// A take was asked for by its number, so there may be gaps.
    pub(super) named: Cell<u32>,
}

impl World {
    pub(super) fn new(seed: u64, loud: bool) -> Rc<Self> {
        let rng = Rng::new(seed);
        let start_ms = start(&rng);
        let executor = Executor::new(rng, start_ms);
        let rng = &executor.rng;
        let faults = Faults::draw(rng);
        let payers = Payers::draw(rng, faults.calm, start_ms);
        let cities = 1 + rng.below(3);
        let subjects: Vec<_> = (0..=rng.below(3)).map(|at| Subject::new(at, start_ms)).collect();
        let isolates = (0..cities + rng.below(3)).map(|at| Isolate::new(at % cities, executor.process())).collect();
        let timeout = if rng.one_in(3) && !faults.calm { rng.between(20, 100) * 1_000 } else { 180_000 };
        let process = executor.process();
        let crashes_left = Cell::new(faults.crashes_left);
        let journal = Journal::new(loud, start_ms);
        journal.note(|| format!("{cities} cities, {} keys, timeout {timeout} ms, {faults:?}", subjects.len()));
        let accounts = Accounts::new(&payers);
        for books in accounts.all() {
            journal.note(|| format!("account {}: {:?}", books.name, books.limits));
        }
        let world = Rc::new(Self {
            process,
            journal,
            faults,
            healed: Cell::new(true),
            settings: Settings {
                default_model: MODEL.to_owned(),
                generation_timeout_ms: timeout,
                lifetimes: domain::delivery::Lifetimes { browser_s: 300, edge_s: 86_400 },
                url_life_s: 3_600,
                zone: false,
                runtime: Rc::default(),
            },
            cities,
            subjects,
            kv: Kv::default(),
            blobs: Blobs::default(),
            caches: (0..cities).map(|_| EdgeCache::default()).collect(),
            payers,
            accounts,
            provider: Provider::default(),
            catalog: Catalog::default(),
            purges: Purges::default(),
            objects: RefCell::default(),
            isolates,
            doomed: RefCell::default(),
            doomed_accounts: RefCell::default(),
            crashes_left,
            seen: RefCell::default(),
            executor,
        });
        world.accounts.open(&world);
        world.healed.set(false);
        world
    }

    pub(super) fn rng(&self) -> &Rng {
        &self.executor.rng
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.executor.now_ms()
    }

    pub(super) fn chance(&self, permille: u64) -> bool {
        permille > 0 && !self.healed.get() && self.rng().permille(permille)
    }

    pub(super) async fn pause(&self, low_ms: u64, high_ms: u64) {
        self.executor.sleep(self.rng().between(low_ms, high_ms)).await;
    }

    pub(super) fn subject(&self, key: &PictureKey) -> &Subject {
        self.subjects.iter().find(|subject| subject.key == *key).unwrap()
    }

    pub(super) fn name(&self, key: &PictureKey) -> &str {
        &self.subject(key).prompt
    }

    pub(super) fn object(&self, key: &PictureKey) -> Rc<Object> {
        Rc::clone(self.objects.borrow_mut().entry(*key).or_insert_with(|| Object::new(*key)))
    }

    pub(super) fn objects(&self) -> Vec<Rc<Object>> {
        self.objects.borrow().values().cloned().collect()
    }

    /// This life of the object ends with the present step.
    pub(super) fn doom(&self, object: &Rc<Object>, life: u32) {
        if self.crashes_left.get() > 0 {
            self.crashes_left.set(self.crashes_left.get() - 1);
            self.doomed.borrow_mut().push((Rc::clone(object), life));
        }
    }

    /// The same for an account.
    pub(super) fn doom_account(&self, books: &Rc<Books>, life: u32) {
        self.doomed_accounts.borrow_mut().push((Rc::clone(books), life));
    }

    /// What chance does between two steps.
    pub(super) fn between_steps(&self) {
        self.journal.now_ms.set(self.now_ms());
        if self.chance(self.faults.crash_at_step) {
            let awake: Vec<_> = self.objects().into_iter().filter(|object| object.is_awake()).collect();
            if !awake.is_empty() {
                let object = self.rng().pick(&awake);
                self.doom(object, object.lives.get());
            }
        }
        for (object, life) in self.doomed.take() {
            if object.lives.get() == life {
                object.crash(self);
            }
        }
        if self.chance(self.faults.account_crash_at_step) {
            let awake: Vec<_> = self.accounts.all().filter(|books| books.is_awake()).collect();
            if !awake.is_empty() {
                self.rng().pick(&awake).crash(self);
            }
        }
        for (books, life) in self.doomed_accounts.take() {
            if books.lives() == life {
                books.crash(self);
            }
        }
        if self.chance(self.faults.isolate_crash_at_step) {
            self.journal.saw(Event::IsolateCrashed);
            self.rng().pick(&self.isolates).crash(self);
        }
    }

    /// The world and its tasks hold each other.
    pub(super) fn clear(&self) {
        self.executor.clear();
        for object in self.objects() {
            object.clear();
        }
        self.accounts.all().for_each(|books| books.clear());
    }
}

/// An afternoon, or minutes before a day or a month ends, so that budgets begin anew while money is set aside. All in the time
/// in which the model is served.
fn start(rng: &Rng) -> u64 {
    /// 2026-09-21 14:13:20.
    const AFTERNOON: u64 = 1_790_000_000_000;
    /// 2026-09-21, 2026-09-30, 2026-12-31, 2027-02-28 and 2028-02-29, each at its end.
    const ENDS: [u64; 5] =
        [1_790_035_200_000, 1_790_812_800_000, 1_798_761_600_000, 1_803_859_200_000, 1_835_481_600_000];
    if rng.one_in(2) { AFTERNOON } else { rng.pick(&ENDS) - rng.between(0, 240_000) }
}

impl Subject {
    fn new(at: usize, start_ms: u64) -> Self {
        let prompt = format!("picture {at}");
        let query = Query::from(vec![("prompt".to_owned(), prompt.clone())]);
        let defaults = Defaults { namespace: NAMESPACE, model: MODEL, now_s: start_ms / 1_000 };
        let key = PictureKey::of(&Asked::from_query(&query, &defaults).unwrap().picture);
        Self { prompt, key, first: Cell::new(0), fresh: Cell::new(0), named: Cell::new(0) }
    }
}
