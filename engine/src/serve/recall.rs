//! Answering from memory: what can be told of a hit without waiting for anything.
//!
//! A popular picture is asked for a thousand times a second. Its pointer is in the isolate's memo, so its reply can be told at once and
//! whole, but for the bytes, which the cache of this data centre has or has not. Whatever is not as simple as that takes the
//! longer way through [`super::Service`], which comes to the same reply.

use std::num::NonZeroU32;

use domain::access::{Principal, Scope};
use domain::picture::{Asked, Digest, PictureKey};
use domain::query::Query;

use super::deliver::prepare;
use super::obtain::{self, Wish, recalled};
use super::{Request, defaults, may_see, permitted, told};
use crate::memo::Memo;
use crate::reply::{Headers, Told};
use crate::settings::Settings;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// `GET /v1/image`
    Image,
    /// `GET /v1/images/{key}`
    ByKey(PictureKey),
}

/// A reply that needs nothing but its bytes, if it has any: their digest, and how many they must be.
#[derive(Debug, PartialEq, Eq)]
pub struct Recalled {
    pub status: u16,
    pub headers: Headers,
    pub bytes: Option<(Digest, u64)>,
    pub told: Told,
}

/// The reply, if this isolate can tell it by itself.
pub fn recall(
    memo: &Memo,
    settings: &Settings,
    target: Target,
    who: &Principal,
    query: &Query,
    request: &Request,
    now_ms: u64,
) -> Option<Recalled> {
    if request.range.is_some() {
        return None;
    }
    let (key, kept) = match target {
        // A short address is looked up like a key.
        Target::Image if query.get("key").is_some() => {
            may_see(who).ok()?;
            let key = PictureKey::parse(query.get("key")?)?;
            let take = obtain::take_by_key(who, query, request, &["key"]).ok()?;
            let wish = Wish::new(who, NonZeroU32::MIN, take, request).ok().filter(|wish| wish.reads)?;
            let kept = recalled(memo, &key, who, now_ms, &|pointer| wish.places(pointer))?;
            (key, kept)
        }
        Target::Image => {
            let asked = Asked::from_query(query, &defaults(settings, who, now_ms)).ok()?;
            permitted(settings, who, &asked.picture).ok()?;
            let key = PictureKey::of(&asked.picture);
            let wish = Wish::new(who, asked.n, asked.take, request).ok().filter(|wish| wish.reads)?;
            let kept = recalled(memo, &key, who, now_ms, &|pointer| wish.places(pointer))?;
            (key, kept)
        }
        Target::ByKey(key) => {
            let take = obtain::take_by_key(who, query, request, &[]).ok().filter(|_| who.may(Scope::Read))?;
            let kept = recalled(memo, &key, who, now_ms, &|pointer| vec![take.unwrap_or(pointer.preferred)])?;
            (key, kept)
        }
    };
    let prepared = prepare(settings, who, &key, &kept, request, query.get("download").is_some()).ok()?.ok()?;
    let bytes = prepared.bytes.map(|(take, _)| (take.digest, take.bytes));
    let told = told::kept(&key, &kept, bytes.map_or(0, |(_, bytes)| bytes));
    Some(Recalled { status: prepared.status, headers: prepared.headers, bytes, told })
}
