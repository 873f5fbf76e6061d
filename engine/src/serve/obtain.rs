//! Finding the pictures of a request, or having them made.

use std::num::NonZeroU32;
use std::rc::Rc;

use domain::ApiError;
use domain::access::principal::Proof;
use domain::access::signature::{DELIVERY_PARAMETERS, SIGNATURE_PARAMETERS};
use domain::access::{Dedup, Principal};
use domain::delivery::{CacheStatus, Detail, FwdReason, Outcome};
use domain::job::Want;
use domain::job::purged::purged;
use domain::money::NanoUsd;
use domain::picture::request::parse_take;
use domain::picture::{Asked, PictureKey, Pointer};
use domain::query::Query;
use futures::future::{Either, select};

use super::{Request, Service};
use crate::ask::{self, Answer, Ask, Bill, How, Loose, Order, Place};
use crate::memo::Memo;
use crate::ports::EdgePorts;
use crate::settings::{OBJECT_GRACE_MS, POINTER_TIMEOUT_MS};

/// What the caller wants of the pool, and whether anything may be made for it.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub want: Want,
    /// Why the cache does not answer, where it does not.
    fwd: FwdReason,
    /// Pictures that exist already will do.
    pub reads: bool,
    only_if_cached: bool,
}

/// Pictures that were found or made.
pub(super) enum Obtained<B> {
    Kept(Kept),
    /// Not kept anywhere: the bytes come along.
    Loose {
        pictures: Vec<(Loose, B)>,
        bill: Bill,
    },
}

pub(super) struct Kept {
    pub pointer: Rc<Pointer>,
    pub places: Vec<Place>,
    /// How long ago the pointer was read from where it is kept.
    pub age_ms: u64,
    pub status: CacheStatus,
    pub bill: Bill,
}

impl Wish {
    /// Which takes of a pool would be it; none where only new ones are.
    pub(super) fn places(&self, pointer: &Pointer) -> Vec<u32> {
        match self.want {
            Want::First(n) => pointer.first(n),
            Want::Take(take) => vec![take],
            Want::New { .. } | Want::Loose(_) => Vec::new(),
        }
    }

    /// `n` pictures, or the take that is named.
    pub(super) fn new(who: &Principal, n: NonZeroU32, take: Option<u32>, request: &Request) -> Result<Self, ApiError> {
        let take = take_header(who, request)?.or(take);
        let mut wish =
            Self { want: Want::First(n), fwd: FwdReason::UriMiss, reads: true, only_if_cached: request.head };
        if let Some(take) = take {
            if n != NonZeroU32::MIN {
                return Err(ApiError::invalid(
                    "n",
                    "invalid_value",
                    "A take is one picture: with 'X-Pincel-Take', 'n' must be 1.",
                ));
            }
            wish.want = Want::Take(take);
        }
        // A browser sends 'no-cache' on every hard reload. The signature of a URL covers no header, so what a header asks for
        // must not cost the client that signed it.
        if who.proof == Proof::SignedUrl {
            return Ok(wish);
        }
        // Nothing is made for a HEAD, so it is answered from what is there, whatever it asks of the making.
        if request.head {
            return Ok(wish);
        }
        let directives = request.cache_control.as_deref();
        let directives = domain::delivery::RequestDirectives::parse(directives);
        wish.only_if_cached |= directives.only_if_cached;
        if directives.no_store {
            wish = Self { want: Want::Loose(n), fwd: FwdReason::Request, reads: false, ..wish };
        } else if directives.no_cache {
            wish = Self { want: Want::New { n, prefer: true }, fwd: FwdReason::Request, reads: false, ..wish };
        } else if who.client.policy.dedup == Dedup::Off && take.is_none() && !wish.only_if_cached {
            wish = Self { want: Want::New { n, prefer: false }, fwd: FwdReason::Bypass, reads: false, ..wish };
        }
        Ok(wish)
    }
}

/// The take of a request by key, whose query may hold `also`.
pub(super) fn take_by_key(
    who: &Principal,
    query: &Query,
    request: &Request,
    also: &[&str],
) -> Result<Option<u32>, ApiError> {
    let known = |name: &str| {
        name == "take"
            || also.contains(&name)
            || SIGNATURE_PARAMETERS.contains(&name)
            || DELIVERY_PARAMETERS.contains(&name)
    };
    if let Some((name, _)) = query.pairs().iter().find(|(name, _)| !known(name)) {
        return Err(ApiError::invalid(name.clone(), "unknown_parameter", format!("Unknown parameter: '{name}'.")));
    }
    match query.get("take") {
        Some(take) => parse_take(take).map(Some),
        None => take_header(who, request),
    }
}

/// The take that a header names. Only whoever holds a key may name one so: it can have a picture made.
fn take_header(who: &Principal, request: &Request) -> Result<Option<u32>, ApiError> {
    match (&request.take, who.proof) {
        (None, _) => Ok(None),
        (Some(take), Proof::Bearer) => parse_take(take).map(Some),
        (Some(_), Proof::SignedUrl) => Err(ApiError::invalid(
            "take",
            "invalid_value",
            "A signed URL names its take by 'take', under the signature, and not by a header.",
        )),
    }
}

impl<P: EdgePorts> Service<'_, P> {
    /// `pool` is what the object has just said, where it was asked.
    pub(super) async fn obtain(
        &self,
        who: &Principal,
        key: &PictureKey,
        asked: &Asked,
        wish: Wish,
        request: &Request,
        pool: Option<Rc<Pointer>>,
    ) -> Result<Obtained<P::Body>, ApiError> {
        match self.look_up(who, key, wish, pool).await? {
            Some(found) => Ok(Obtained::Kept(found)),
            None => self.make(who, key, asked, wish, request).await,
        }
    }

    /// What is there, as far as the caller wants of that and as thoroughly as it has to be known.
    pub(super) async fn look_up(
        &self,
        who: &Principal,
        key: &PictureKey,
        wish: Wish,
        pool: Option<Rc<Pointer>>,
    ) -> Result<Option<Kept>, ApiError> {
        let places = |pointer: &Pointer| wish.places(pointer);
        match pool {
            _ if !wish.reads => Ok(None),
            Some(pointer) => there(pointer, who, &places),
            None if wish.only_if_cached => self.existing(key, who, places).await,
            None => Ok(self.found(key, who, places).await),
        }
    }

    /// Has made what was looked up in vain.
    pub(super) async fn make(
        &self,
        who: &Principal,
        key: &PictureKey,
        asked: &Asked,
        wish: Wish,
        request: &Request,
    ) -> Result<Obtained<P::Body>, ApiError> {
        if wish.only_if_cached {
            let (status, why) =
                if request.head { (404, "HEAD makes none") } else { (504, "'only-if-cached' allows none to be made") };
            let message = format!("The picture does not exist yet, and {why}.");
            return Err(ApiError::new(status, "invalid_request_error", "picture_not_found", message));
        }
        who.may_buy()?;
        let ask = Ask::Make(Box::new(Order {
            want: wish.want,
            picture: asked.picture.clone(),
            end_user: asked.end_user.clone(),
            client: who.client.id.clone(),
            tags: who.client.policy.tags.clone(),
            request: request.id.clone(),
            hold: who.client.policy.unknown_hold,
            timeout_ms: self.settings.generation_timeout_ms,
        }));
        match self.ask(key, &ask, self.settings.generation_timeout_ms).await? {
            (Answer::Made(mut made), _) => {
                // Whoever holds a URL has no business with the limits of the client that signed it.
                made.bill.left = made.bill.left.filter(|_| who.proof == Proof::Bearer);
                let status = status(&made.places, wish.fwd);
                if let Some(ms) = made.bill.provider_ms {
                    self.timing.add("provider", ms);
                }
                let pointer = self.remember(key, made.pointer);
                Ok(Obtained::Kept(Kept { pointer, places: made.places, age_ms: 0, status, bill: made.bill }))
            }
            (Answer::Loose { pictures, bill }, bodies) if pictures.len() == bodies.len() => {
                Ok(Obtained::Loose { pictures: pictures.into_iter().zip(bodies).collect(), bill })
            }
            (Answer::Refused { mut error }, _) => {
                error.rate = error.rate.filter(|_| who.proof == Proof::Bearer);
                Err(error)
            }
            _ => Err(ApiError::unavailable(
                "object_unavailable",
                "The service could not read its own records. Try again.",
            )),
        }
    }

    /// Pictures that exist, also those that only the object knows of yet.
    pub(super) async fn existing(
        &self,
        key: &PictureKey,
        who: &Principal,
        places: impl Fn(&Pointer) -> Vec<u32>,
    ) -> Result<Option<Kept>, ApiError> {
        if let Some(found) = self.found(key, who, &places).await {
            return Ok(Some(found));
        }
        match self.ask(key, &Ask::Look, 0).await? {
            (Answer::Pool { pointer: Some(pointer) }, _) => there(self.remember(key, pointer), who, &places),
            (Answer::Refused { error }, _) => Err(error),
            _ => Ok(None),
        }
    }

    /// Bytes are missing, and whatever led to them may be older than a purge: what is there, as the object knows it.
    pub(super) async fn asked_anew(&self, key: &PictureKey) -> Result<Rc<Pointer>, ApiError> {
        self.memo.borrow_mut().forget(key);
        match self.ask(key, &Ask::Look, 0).await? {
            (Answer::Pool { pointer: Some(pointer) }, _) => Ok(self.remember(key, pointer)),
            (Answer::Refused { error }, _) => Err(error),
            _ => Ok(Rc::default()),
        }
    }

    /// Pictures that this isolate or the pointer store knows of. A store that fails or dawdles knows of none, which costs a
    /// question to the object and never a picture.
    async fn found(&self, key: &PictureKey, who: &Principal, places: impl Fn(&Pointer) -> Vec<u32>) -> Option<Kept> {
        if let Some(recalled) = recalled(&self.memo.borrow(), key, who, self.ports.now_ms(), &places) {
            return Some(recalled);
        }
        let read = std::pin::pin!(self.ports.pointer(key));
        let patience = std::pin::pin!(self.ports.sleep_ms(POINTER_TIMEOUT_MS));
        let looked = self.timing.of("pointer", self.ports, select(read, patience)).await;
        let Either::Left((Ok(Some(pointer)), _)) = looked else { return None };
        let pointer = self.remember(key, pointer);
        hit(pointer, who, 0, Detail::Kv, &places)
    }

    /// Asks the object, again where the way to it broke. `work_ms` is what the object may need on its own.
    pub(super) async fn ask(
        &self,
        key: &PictureKey,
        question: &Ask,
        work_ms: u64,
    ) -> Result<(Answer, Vec<P::Body>), ApiError> {
        let asking = ask::ask(self.ports, key, question);
        let patience = self.ports.sleep_ms(work_ms.saturating_add(OBJECT_GRACE_MS));
        let (asking, patience) = (std::pin::pin!(asking), std::pin::pin!(patience));
        match self.timing.of("object", self.ports, select(asking, patience)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(ApiError::new(
                504,
                "server_error",
                "generation_timeout",
                "The picture is not ready yet. Ask again later.",
            )),
        }
    }
}

/// Pictures that this isolate remembers.
pub(super) fn recalled(
    memo: &Memo,
    key: &PictureKey,
    who: &Principal,
    now_ms: u64,
    places: &impl Fn(&Pointer) -> Vec<u32>,
) -> Option<Kept> {
    let (pointer, age_ms) = memo.get(key, now_ms)?;
    hit(pointer, who, age_ms, Detail::Memo, places)
}

/// What of it there is in a pool as the object knows it.
pub(super) fn there(
    pointer: Rc<Pointer>,
    who: &Principal,
    places: &impl Fn(&Pointer) -> Vec<u32>,
) -> Result<Option<Kept>, ApiError> {
    let named_and_gone = places(&pointer).into_iter().any(|take| pointer.is_gone(take));
    if named_and_gone && pointer.namespace == who.client.policy.namespace {
        return Err(purged());
    }
    Ok(hit(pointer, who, 0, Detail::Object, places))
}

fn hit(
    pointer: Rc<Pointer>,
    who: &Principal,
    age_ms: u64,
    detail: Detail,
    places: &impl Fn(&Pointer) -> Vec<u32>,
) -> Option<Kept> {
    let takes = places(&pointer);
    // A key of another namespace is as unknown as one that was never made.
    if pointer.namespace != who.client.policy.namespace || pointer.all(&takes).is_none() {
        return None;
    }
    let places = takes.into_iter().map(|take| Place { take, how: How::Had }).collect();
    let status = CacheStatus { detail: Some(detail), ..CacheStatus::new(Outcome::Hit) };
    let bill = Bill { cost: Some(NanoUsd::ZERO), ..Bill::default() };
    Some(Kept { pointer, places, age_ms, status, bill })
}

/// What `Cache-Status` says of an answer of the object.
fn status(places: &[Place], fwd: FwdReason) -> CacheStatus {
    let had = places.iter().filter(|place| place.how == How::Had).count();
    if had == places.len() {
        return CacheStatus { detail: Some(Detail::Object), ..CacheStatus::new(Outcome::Hit) };
    }
    let made = places.iter().any(|place| place.how == How::Made);
    let fwd = if had > 0 { FwdReason::Partial } else { fwd };
    CacheStatus { stored: true, collapsed: !made, ..CacheStatus::new(Outcome::Fwd(fwd)) }
}
