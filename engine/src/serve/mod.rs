//! The way of a request: find the picture, or have it made, and hand it over.
//!
//! In scope: everything between a request that is authenticated and a [`Reply`]. Out of scope: parsing HTTP and carrying
//! the reply out, which are the edge's.

mod deliver;
mod document;
mod obtain;
mod quote;
mod recall;
mod sign;
#[cfg(test)]
mod tests;
mod timing;
mod told;

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::rc::Rc;

use domain::ApiError;
use domain::access::{Principal, Scope, SigningKey};
use domain::picture::request::{Defaults, EndUser};
use domain::picture::{Asked, Picture, PictureKey, Pointer, ResponseFormat};
use domain::query::Query;
use domain::trace::RequestId;

use crate::ask::{Answer, Ask};
use crate::memo::Memo;
use crate::ports::EdgePorts;
use crate::reply::Reply;
use crate::settings::Settings;
use obtain::{Obtained, Wish};

pub use recall::{Recalled, Target, recall};
pub use timing::Timing;

/// What serves requests in one isolate.
pub struct Service<'a, P: EdgePorts> {
    pub ports: &'a P,
    pub settings: &'a Settings,
    pub memo: &'a RefCell<Memo>,
    /// Signs the URLs that are given out in place of bytes.
    pub signer: Option<&'a SigningKey>,
    pub timing: &'a Timing,
}

/// The headers of a request that decide about its reply.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub head: bool,
    pub id: RequestId,
    pub cache_control: Option<String>,
    pub if_none_match: Option<String>,
    pub if_range: Option<String>,
    pub range: Option<String>,
    pub take: Option<String>,
    /// Scheme and host under which the caller reached the service.
    pub origin: String,
}

impl<P: EdgePorts> Service<'_, P> {
    /// `GET /v1/image`: the picture itself.
    pub async fn image(&self, who: &Principal, query: &Query, request: &Request) -> Reply<P::Body> {
        if let Some(key) = query.get("key") {
            return match PictureKey::parse(key) {
                Some(key) => {
                    let made = self.by_short_address(who, &key, query, request).await;
                    made.unwrap_or_else(|error| refusal(&key, &error)).about(&key, None)
                }
                None => Reply::refusal(&not_found()),
            };
        }
        let asked = match Asked::from_query(query, &self.defaults(who)) {
            Ok(asked) => asked,
            Err(error) => return Reply::refusal(&error),
        };
        let key = PictureKey::of(&asked.picture);
        let made = async {
            permitted(self.settings, who, &asked.picture)?;
            let wish = Wish::new(who, asked.n, asked.take, request)?;
            let find = async |pool| self.obtain(who, &key, &asked, wish, request, pool).await;
            let download = query.get("download").is_some();
            let hand = async |obtained| self.deliver(who, &key, obtained, request, download).await;
            self.handed_over(&key, find, hand).await
        };
        made.await.unwrap_or_else(|error| refusal(&key, &error)).about(&key, Some(&asked.picture.model))
    }

    /// A request that was kept by its key when its URL was signed.
    async fn by_short_address(
        &self,
        who: &Principal,
        key: &PictureKey,
        query: &Query,
        request: &Request,
    ) -> Result<Reply<P::Body>, ApiError> {
        may_see(who)?;
        let download = query.get("download").is_some();
        let take = obtain::take_by_key(who, query, request, &["key"])?;
        let wish = Wish::new(who, NonZeroU32::MIN, take, request)?;
        let find = async |pool| match self.look_up(who, key, wish, pool).await? {
            Some(found) => Ok(Obtained::Kept(found)),
            None => self.make_kept(who, key, wish, request).await,
        };
        let hand = async |obtained| self.deliver(who, key, obtained, request, download).await;
        self.handed_over(key, find, hand).await
    }

    /// Has made what was kept under the key, and was looked up in vain.
    async fn make_kept(
        &self,
        who: &Principal,
        key: &PictureKey,
        wish: Wish,
        request: &Request,
    ) -> Result<Obtained<P::Body>, ApiError> {
        let (Answer::Kept { picture: Some(picture) }, _) = self.ask(key, &Ask::Kept, 0).await? else {
            return Err(not_found());
        };
        if picture.namespace != who.client.policy.namespace {
            return Err(not_found());
        }
        let asked = Asked {
            picture: *picture,
            n: NonZeroU32::MIN,
            take: None,
            response_format: ResponseFormat::B64Json,
            end_user: EndUser::default(),
        };
        permitted(self.settings, who, &asked.picture)?;
        self.make(who, key, &asked, wish, request).await
    }

    /// `GET /v1/images/{key}`: a picture that exists. Never makes one.
    pub async fn by_key(&self, who: &Principal, key: &PictureKey, query: &Query, request: &Request) -> Reply<P::Body> {
        let found = self.try_by_key(who, key, query, request).await;
        found.unwrap_or_else(|error| Reply::refusal(&error)).about(key, None)
    }

    async fn try_by_key(
        &self,
        who: &Principal,
        key: &PictureKey,
        query: &Query,
        request: &Request,
    ) -> Result<Reply<P::Body>, ApiError> {
        who.must(Scope::Read)?;
        let take = obtain::take_by_key(who, query, request, &[])?;
        let places = |pointer: &Pointer| vec![take.unwrap_or(pointer.preferred)];
        let find = async |pool: Option<Rc<Pointer>>| {
            let found = match pool {
                Some(pointer) => obtain::there(pointer, who, &places)?,
                None => self.existing(key, who, places).await?,
            };
            found.map(Obtained::Kept).ok_or_else(not_found)
        };
        let download = query.get("download").is_some();
        let hand = async |obtained| self.deliver(who, key, obtained, request, download).await;
        self.handed_over(key, find, hand).await
    }

    /// `POST /v1/images/generations`: OpenAI's request and reply.
    pub async fn generations(&self, who: &Principal, body: &[u8], request: &Request) -> Reply<P::Body> {
        let asked = match Asked::from_json(body, &self.defaults(who)) {
            Ok(asked) => asked,
            Err(error) => return Reply::refusal(&error),
        };
        let key = PictureKey::of(&asked.picture);
        let made = async {
            permitted(self.settings, who, &asked.picture)?;
            let wish = Wish::new(who, asked.n, asked.take, request)?;
            if asked.response_format == ResponseFormat::Url {
                self.can_give_urls(&wish)?;
            }
            let find = async |pool| self.obtain(who, &key, &asked, wish, request, pool).await;
            let hand = async |obtained| self.document(&key, &asked, obtained, request).await;
            self.handed_over(&key, find, hand).await
        };
        made.await.unwrap_or_else(|error| refusal(&key, &error)).about(&key, Some(&asked.picture.model))
    }

    fn defaults<'d>(&'d self, who: &'d Principal) -> Defaults<'d> {
        defaults(self.settings, who, self.ports.now_ms())
    }

    fn remember(&self, key: &PictureKey, pointer: Pointer) -> Rc<Pointer> {
        let pointer = Rc::new(pointer);
        self.memo.borrow_mut().put(*key, Rc::clone(&pointer), self.ports.now_ms());
        pointer
    }
}

fn defaults<'d>(settings: &'d Settings, who: &'d Principal, now_ms: u64) -> Defaults<'d> {
    Defaults { namespace: &who.client.policy.namespace, model: &settings.default_model, now_s: now_ms / 1_000 }
}

/// May the caller be handed pictures at all?
fn may_see(who: &Principal) -> Result<(), ApiError> {
    if who.may(Scope::Generate) { Ok(()) } else { who.must(Scope::Read) }
}

/// May the caller ask for this picture?
fn permitted(settings: &Settings, who: &Principal, picture: &Picture) -> Result<(), ApiError> {
    may_see(who)?;
    settings.runtime.permits(&picture.model)?;
    who.client.policy.permits(picture)
}

fn not_found() -> ApiError {
    let message = "There is no such picture, or no such take of it.";
    ApiError::new(404, "invalid_request_error", "picture_not_found", message)
}

/// A refusal of a request whose picture is known: its key is what the operator looks for.
fn refusal<B>(key: &PictureKey, error: &ApiError) -> Reply<B> {
    let mut reply = Reply::refusal(error);
    reply.headers.set("x-pincel-key", key.to_string());
    reply
}
