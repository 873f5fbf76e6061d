//! Handing one picture over: conditions, ranges, and the headers of a reply that is the picture itself.

use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use domain::ApiError;
use domain::access::Principal;
use domain::access::principal::Proof;
use domain::delivery::conditional::{etag_of, not_modified, range_allowed};
use domain::delivery::range::{resolve, unsatisfiable_content_range};
use domain::delivery::repr_digest::repr_digest;
use domain::delivery::{ByteRange, CacheStatus, FwdReason, Lifetimes, NO_STORE, Outcome, Resolved, Sharing};
use domain::money::NanoUsd;
use domain::picture::{Format, PictureKey, Pointer, Take};

use super::obtain::{Kept, Obtained};
use super::{Request, Service, told};
use crate::ask::{Bill, How, Loose};
use crate::catalog::runner::{EVERY_TAG, tag};
use crate::ports::{EdgePorts, Opened};
use crate::reply::{Headers, Reply, ReplyBody, Source};
use crate::settings::Settings;

impl<P: EdgePorts> Service<'_, P> {
    pub(super) async fn deliver(
        &self,
        who: &Principal,
        key: &PictureKey,
        obtained: Obtained<P::Body>,
        request: &Request,
        download: bool,
    ) -> Result<Reply<P::Body>, Undelivered> {
        let kept = match obtained {
            Obtained::Kept(kept) => kept,
            Obtained::Loose { pictures, bill } => return Ok(loose(key, pictures, &bill, download)?),
        };
        let prepared = match prepare(self.settings, who, key, &kept, request, download)? {
            Ok(prepared) => prepared,
            Err(Unsatisfiable { length }) => return Ok(unsatisfiable(length)),
        };
        let Prepared { status, headers, bytes } = prepared;
        let body = match bytes {
            Some((take, part)) => {
                let how = kept.places.first().map_or(How::Had, |place| place.how);
                ReplyBody::Picture(self.open(take, how, part).await?)
            }
            None => ReplyBody::Empty,
        };
        let bytes = if let ReplyBody::Picture(source) = &body { source.length } else { 0 };
        Ok(Reply { status, headers, body, told: Some(Box::new(told::kept(key, &kept, bytes))) })
    }

    /// Hands over what is found. What led to no bytes may be older than a purge: then it goes on from what the object says, once. Where the
    /// object still has the take, its bytes are lost.
    pub(super) async fn handed_over(
        &self,
        key: &PictureKey,
        find: impl AsyncFn(Option<Rc<Pointer>>) -> Result<Obtained<P::Body>, ApiError>,
        hand: impl AsyncFn(Obtained<P::Body>) -> Result<Reply<P::Body>, Undelivered>,
    ) -> Result<Reply<P::Body>, ApiError> {
        match hand(find(None).await?).await {
            Err(Undelivered::Missing) => {
                let pool = self.asked_anew(key).await?;
                Ok(hand(find(Some(pool)).await?).await?)
            }
            handed => Ok(handed?),
        }
    }

    /// The bytes of a take: from the cache of this data centre, or from the store, whose word is checked before the first
    /// byte and whose bytes are checked while they pass.
    ///
    /// A picture enters the cache when it is asked for again: the request that had it made, and those that waited with it, have waited
    /// long enough, and a monolith that buys a thousand pictures in one city shows them in others.
    pub(super) async fn open(
        &self,
        take: &Take,
        how: How,
        part: Option<ByteRange>,
    ) -> Result<Source<P::Body>, Undelivered> {
        let length = part.map_or(take.bytes, ByteRange::len);
        // What was made a moment ago is in no cache.
        if how == How::Had
            && let Some(cached) = self.ports.cached(&take.digest, part).await
            && cached.length == take.bytes
        {
            return Ok(Source { body: cached.body, length, check: None, keep: None });
        }
        let mut opened = self.timing.of("blob", self.ports, self.ports.blob(&take.digest, part)).await;
        if opened.is_err() {
            // Once more: a store that stumbles is not a picture that is lost.
            opened = self.ports.blob(&take.digest, part).await;
        }
        match opened {
            Ok(Some(Opened { length: stored, sha256, body }))
                if stored == take.bytes && sha256.is_none_or(|digest| digest == take.digest) =>
            {
                let check = part.is_none().then_some(take.digest);
                let keep = check.filter(|_| how == How::Had).map(|_| take.format);
                Ok(Source { body, length, check, keep })
            }
            Ok(None) => Err(Undelivered::Missing),
            Ok(_) => Err(lost().into()),
            Err(_) => {
                let message = "The store of pictures is out of reach. Try again.";
                Err(ApiError::unavailable("store_unavailable", message).into())
            }
        }
    }
}

/// Why something that was found is not handed over.
pub(super) enum Undelivered {
    /// The store has no bytes of it.
    Missing,
    Refused(ApiError),
}

impl From<ApiError> for Undelivered {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<Undelivered> for ApiError {
    fn from(why: Undelivered) -> Self {
        match why {
            Undelivered::Missing => lost(),
            Undelivered::Refused(error) => error,
        }
    }
}

/// A reply but for its bytes, which can be told without waiting for anything.
pub(super) struct Prepared<'k> {
    pub status: u16,
    pub headers: Headers,
    /// What is left to be opened; `None` for a reply that has no bytes.
    pub bytes: Option<(&'k Take, Option<ByteRange>)>,
}

/// The range that was asked for is not in the picture.
pub(super) struct Unsatisfiable {
    length: u64,
}

pub(super) fn prepare<'k>(
    settings: &Settings,
    who: &Principal,
    key: &PictureKey,
    kept: &'k Kept,
    request: &Request,
    download: bool,
) -> Result<Result<Prepared<'k>, Unsatisfiable>, ApiError> {
    let place = kept.places.first().copied();
    let found = place.and_then(|place| Some((place, kept.pointer.get(place.take)?)));
    let (place, take) = found.ok_or_else(lost)?;
    let etag = etag_of(&take.digest.to_string());
    let mut headers = picture_headers(settings, key, kept, take, place.how);
    let sharing = if who.proof == Proof::SignedUrl { Sharing::Public } else { Sharing::Private };
    headers.set("cache-control", settings.lifetimes.cache_control(sharing));
    if not_modified(request.if_none_match.as_deref(), &etag) {
        headers.set("etag", etag);
        return Ok(Ok(Prepared { status: 304, headers, bytes: None }));
    }
    let asked = request.range.as_deref().filter(|_| range_allowed(request.if_range.as_deref(), &etag));
    headers.set("etag", etag);
    let part = match resolve(asked, take.bytes) {
        Resolved::Whole => None,
        Resolved::Part(range) => Some(range),
        Resolved::Unsatisfiable => return Ok(Err(Unsatisfiable { length: take.bytes })),
    };
    describe(&mut headers, take.format, &format!("{key}-{}", take.take), download);
    headers.set("accept-ranges", "bytes");
    if let Some(range) = part {
        headers.set("content-range", range.content_range(take.bytes));
    }
    let status = if part.is_some() { 206 } else { 200 };
    if request.head {
        headers.set("content-length", part.map_or(take.bytes, ByteRange::len).to_string());
        return Ok(Ok(Prepared { status, headers, bytes: None }));
    }
    Ok(Ok(Prepared { status, headers, bytes: Some((take, part)) }))
}

fn unsatisfiable<B>(length: u64) -> Reply<B> {
    let message = format!("The picture has {length} bytes.");
    let error = ApiError::new(416, "invalid_request_error", "range_not_satisfiable", message);
    let mut reply = Reply::refusal(&error);
    reply.headers.set("content-range", unsatisfiable_content_range(length));
    reply
}

fn picture_headers(settings: &Settings, key: &PictureKey, kept: &Kept, take: &Take, how: How) -> Headers {
    let mut headers = kept_headers(key, kept, settings.lifetimes);
    if settings.zone {
        // By which the caches of the zone find what was purged.
        headers.set("cache-tag", format!("{EVERY_TAG},{}", tag(key)));
    }
    headers.set("x-pincel-take", take.take.to_string());
    if how != How::Made
        && let Some(cost) = take.cost
    {
        headers.set("x-pincel-saved", cost.to_decimal());
    }
    headers.set("repr-digest", repr_digest(&take.digest.0));
    headers.set("last-modified", http_date(take.created_ms / 1_000));
    headers
}

/// Headers of every reply that hands over kept pictures.
pub(super) fn kept_headers(key: &PictureKey, kept: &Kept, lifetimes: Lifetimes) -> Headers {
    let mut headers = Headers::default();
    let age_s = kept.age_ms / 1_000;
    let status = match kept.status.outcome {
        Outcome::Hit => CacheStatus { ttl: Some(lifetimes.ttl_left(age_s)), ..kept.status },
        Outcome::Fwd(_) => kept.status,
    };
    headers.set("cache-status", status.to_string());
    headers.set("age", age_s.to_string());
    bill_headers(&mut headers, key, &kept.bill);
    headers
}

pub(super) fn bill_headers(headers: &mut Headers, key: &PictureKey, bill: &Bill) {
    headers.set("x-pincel-key", key.to_string());
    if let Some(cost) = bill.cost {
        headers.set("x-pincel-cost", NanoUsd::to_decimal(cost));
    }
    if let Some(job) = &bill.job {
        headers.set("x-pincel-receipt", job.as_str().to_owned());
    }
    if let Some(left) = bill.left {
        headers.rate(left);
    }
}

fn loose<B>(
    key: &PictureKey,
    mut pictures: Vec<(Loose, B)>,
    bill: &Bill,
    download: bool,
) -> Result<Reply<B>, ApiError> {
    let (picture, body) = pictures.pop().ok_or_else(lost)?;
    let mut headers = Headers::default();
    headers.set("cache-status", CacheStatus::new(Outcome::Fwd(FwdReason::Request)).to_string());
    bill_headers(&mut headers, key, bill);
    headers.set("repr-digest", repr_digest(&picture.digest.0));
    headers.set("cache-control", NO_STORE);
    describe(&mut headers, picture.format, &key.to_string(), download);
    Ok(Reply {
        status: 200,
        headers,
        body: ReplyBody::Picture(Source { body, length: picture.bytes, check: None, keep: None }),
        told: Some(Box::new(told::loose(key, bill, picture.bytes))),
    })
}

fn describe(headers: &mut Headers, format: Format, name: &str, download: bool) {
    headers.set("content-type", format.mime());
    if download {
        headers.set("content-disposition", format!("attachment; filename=\"{name}.{}\"", format.extension()));
    }
    if format == Format::Svg {
        // An svg can hold scripts, and this one was written by a model.
        headers.set("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    }
}

/// Lost bytes are never made again by themselves: that would be a second bill for one picture.
pub(super) fn lost() -> ApiError {
    ApiError::new(
        502,
        "server_error",
        "picture_lost",
        "The bytes of this picture are missing or damaged in the store. An operator can restore them; \
         'Cache-Control: no-cache' with an API key makes another take.",
    )
}

/// `IMF-fixdate` (RFC 9110 §5.6.7), which has four digits for the year.
fn http_date(unix_s: u64) -> String {
    const LAST: u64 = 253_402_300_799;
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix_s.min(LAST)))
}
