//! A client: what it asks for, and how.

use std::num::NonZeroU32;
use std::rc::Rc;

use domain::access::principal::Proof;
use domain::access::{ClientId, Principal, Scope};
use domain::query::Query;
use domain::trace::RequestId;
use serde_json::json;

use super::carrier::{Received, carry};
use super::coverage::Event;
use super::isolate::{EdgePort, Isolate};
use super::payers::{BLOG, Payers, SDK, SHOP, STRANGER};
use super::received;
use super::rng::Rng;
use super::world::World;
use crate::ports::Random as _;
use crate::serve::{Request, Service, Timing};
use crate::settings::{OBJECT_GRACE_MS, POINTER_TIMEOUT_MS};

/// On top of what the service allows itself: reading the picture, twice where the store stumbles.
const SLACK_MS: u64 = 5_000;

const RANGES: [&str; 3] = ["bytes=0-9", "bytes=-7", "bytes=9000-"];

#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) subject: usize,
    pub(super) route: Route,
    pub(super) who: Who,
    pub(super) payer: &'static str,
    pub(super) n: u32,
    pub(super) take: Option<u32>,
    pub(super) directive: Option<&'static str>,
    pub(super) head: bool,
    pub(super) range: Option<&'static str>,
    /// Sends the tag of the picture that it believes to have.
    pub(super) revalidates: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Image,
    Post,
    ByKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Bearer,
    Signed,
    DedupOff,
    /// A client of another namespace.
    Stranger,
}

impl Who {
    fn payer(self, rng: &Rng, payers: &Payers) -> &'static str {
        match self {
            Self::DedupOff => SDK,
            Self::Stranger => STRANGER,
            Self::Bearer | Self::Signed if payers.clients.contains_key(BLOG) && rng.one_in(2) => BLOG,
            Self::Bearer | Self::Signed => SHOP,
        }
    }
}

impl Wanted {
    pub(super) fn draw(rng: &Rng, payers: &Payers, subjects: usize) -> Self {
        let route = *rng.pick(&[Route::Image, Route::Image, Route::Image, Route::Post, Route::Post, Route::ByKey]);
        let who = match route {
            Route::ByKey => *rng.pick(&[Who::Bearer, Who::Signed, Who::Stranger]),
            Route::Image => *rng.pick(&[Who::Bearer, Who::Bearer, Who::Signed, Who::Signed, Who::DedupOff]),
            Route::Post => *rng.pick(&[Who::Bearer, Who::Bearer, Who::Bearer, Who::DedupOff]),
        };
        let n = if route == Route::Post { *rng.pick(&[1, 1, 2, 3, 4]) } else { 1 };
        let take = (n == 1 && rng.one_in(5)).then(|| u32::try_from(rng.below(4)).unwrap());
        let directives = [None, None, None, None, None, Some("no-cache"), Some("no-store"), Some("only-if-cached")];
        let plain = route == Route::Post;
        Self {
            subject: rng.below(subjects),
            route,
            who,
            payer: who.payer(rng, payers),
            n,
            take,
            directive: if route == Route::ByKey { None } else { *rng.pick(&directives) },
            head: !plain && rng.one_in(10),
            range: (!plain && rng.one_in(10)).then(|| *rng.pick(&RANGES)),
            revalidates: !plain && rng.one_in(8),
        }
    }

    /// The same, for whichever client may ask so.
    pub(super) fn of_another(&self, rng: &Rng, payers: &Payers) -> Self {
        Self { payer: self.who.payer(rng, payers), ..self.clone() }
    }

    pub(super) fn client(&self) -> ClientId {
        ClientId(self.payer.to_owned())
    }

    /// What makes takes beyond those that plain requests share.
    pub(super) fn is_fresh(&self) -> bool {
        if self.route == Route::ByKey || self.head || self.who == Who::Signed {
            return false;
        }
        match self.directive {
            Some("no-cache") => true,
            None => self.who == Who::DedupOff && self.take.is_none(),
            _ => false,
        }
    }

    pub(super) fn is_loose(&self) -> bool {
        self.route != Route::ByKey && !self.head && self.who != Who::Signed && self.directive == Some("no-store")
    }

    /// It only looks, and another client was given what it looks for before it asked.
    fn is_known(&self, world: &World) -> bool {
        let looks = self.route == Route::ByKey || self.head || self.directive == Some("only-if-cached");
        let anew = matches!(self.directive, Some("no-cache" | "no-store")) && self.who != Who::Signed && !self.head;
        let place = (world.subjects[self.subject].key, self.take.unwrap_or(0));
        let purged = world.purges.touched(&place.0);
        looks
            && !purged
            && !anew
            && self.n == 1
            && self.who != Who::Stranger
            && world.seen.borrow().contains_key(&place)
    }

    fn principal(&self, payers: &Payers) -> Principal {
        let proof = if self.who == Who::Signed { Proof::SignedUrl } else { Proof::Bearer };
        Principal::new(Rc::clone(payers.client(self.payer)), proof, vec![Scope::Generate, Scope::Read]).unwrap()
    }
}

/// One request from beginning to end, as a task of the isolate.
pub(super) async fn request(world: Rc<World>, isolate: Rc<Isolate>, wanted: Wanted) {
    let port = EdgePort { world: Rc::clone(&world), city: isolate.city };
    let memo = isolate.memo();
    let service =
        Service { ports: &port, settings: &world.settings, memo: &memo, signer: None, timing: &Timing::default() };
    let id = RequestId::new(port.bytes());
    let began_ms = world.now_ms();
    world.journal.note(|| format!("{} asks in city {}: {wanted:?}", id.as_str(), isolate.city));
    tell(&world, &wanted);
    let exists = wanted.is_known(&world);
    let key = world.subjects[wanted.subject].key;
    let gone = world.purges.gone_everywhere(&world, &key);
    let received = send(&world, &service, &wanted, id.clone(), isolate.city).await;
    let took_ms = world.now_ms() - began_ms;
    world.journal.note(|| {
        let status = received.headers.get("cache-status").unwrap_or_default();
        format!("{} gets {} after {took_ms} ms {status}", id.as_str(), received.status)
    });
    let mut limit_ms = world.settings.generation_timeout_ms + OBJECT_GRACE_MS + POINTER_TIMEOUT_MS + SLACK_MS;
    if world.purges.touched(&key) || world.faults.blobs_hurt > 0 {
        // The object is asked what became of bytes that are missing, and may make them anew.
        limit_ms += OBJECT_GRACE_MS;
    }
    world.journal.expect(took_ms <= limit_ms, || format!("{} waited {took_ms} ms", id.as_str()));
    received::check(&world, &wanted, &id, &received);
    let still = world.purges.gone_everywhere(&world, &key);
    received::shows_nothing_purged(&world, &received, &gone.intersection(&still).copied().collect());
    let denied = String::from_utf8_lossy(received.body.as_deref().unwrap_or_default()).contains("picture_not_found");
    world.journal.expect(!(exists && denied) || world.purges.touched(&key), || {
        format!("{} is told that there is no picture", id.as_str())
    });
}

/// What plain requests can need at most, for the count at the end.
fn tell(world: &World, wanted: &Wanted) {
    let subject = &world.subjects[wanted.subject];
    if wanted.is_fresh() {
        subject.fresh.set(subject.fresh.get() + wanted.n);
    } else if wanted.take.is_some() {
        subject.named.set(subject.named.get() + 1);
    } else if !wanted.is_loose() {
        subject.first.set(subject.first.get().max(wanted.n));
    }
}

async fn send(world: &World, service: &Service<'_, EdgePort>, wanted: &Wanted, id: RequestId, city: usize) -> Received {
    let subject = &world.subjects[wanted.subject];
    let who = wanted.principal(&world.payers);
    let tag = wanted.revalidates.then(|| {
        let seen = world.seen.borrow();
        seen.get(&(subject.key, wanted.take.unwrap_or(0))).map(|digest| format!("\"{digest}\""))
    });
    // A signed URL names its take in the query; a header would be refused.
    let in_query =
        wanted.route != Route::Post && (wanted.who == Who::Signed || wanted.n == 1 && wanted.range.is_none());
    let take = wanted.take.map(|take| take.to_string());
    let request = Request {
        head: wanted.head,
        id,
        cache_control: wanted.directive.map(str::to_owned),
        if_none_match: tag.flatten(),
        if_range: None,
        range: wanted.range.map(str::to_owned),
        take: take.clone().filter(|_| !in_query),
        origin: "https://img.shop".to_owned(),
    };
    let mut pairs = Vec::new();
    if wanted.route == Route::Image {
        pairs.push(("prompt".to_owned(), subject.prompt.clone()));
    }
    pairs.extend(take.filter(|_| in_query).map(|take| ("take".to_owned(), take)));
    let query = Query::from(pairs);
    let reply = match wanted.route {
        Route::Image => service.image(&who, &query, &request).await,
        Route::ByKey => service.by_key(&who, &subject.key, &query, &request).await,
        Route::Post => {
            let n = NonZeroU32::new(wanted.n).unwrap();
            let body = json!({ "prompt": subject.prompt, "n": n }).to_string();
            service.generations(&who, body.as_bytes(), &request).await
        }
    };
    carry(world, city, reply)
}

/// Leaves without waiting for the answer, some time after it asked.
pub(super) async fn leave(world: Rc<World>, task: usize) {
    world.pause(0, 40_000).await;
    if world.executor.cancel(task) {
        world.journal.saw(Event::ClientLeft);
        world.journal.note(|| format!("the client of task {task} leaves"));
    }
}
