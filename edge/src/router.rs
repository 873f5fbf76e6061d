//! Paths → handlers, and what every reply has.

use std::array;
use std::cell::RefCell;
use std::rc::Rc;

use domain::ApiError;
use domain::access::{Client, SigningKey};
use domain::picture::PictureKey;
use domain::query::Query;
use domain::trace::{RequestId, traceparent};
use engine::authenticate::{self, Gate, Presented, Profiles};
use engine::memo::Memo;
use engine::reply::{Headers, Reply, ReplyBody};
use engine::serve::{self, Recalled, Service, Target, Timing};
use engine::tokens::Tokens;
use futures::future::join;
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::web_sys::{ReadableStream, Request, Response};
use worker::{Context, Env, js_sys};

mod admin;
mod oauth;

use admin::Place;

use crate::config::{self, Config};
use crate::ports::{self, Isolate};
use crate::{count, glue, log, probe, respond};

thread_local! {
    static MEMO: Rc<RefCell<Memo>> = Rc::default();
    static PROFILES: Rc<RefCell<Profiles>> = Rc::default();
    static TOKENS: Rc<RefCell<Tokens>> = Rc::default();
}

/// What the service takes and answers, for programs.
const OPENAPI: &str = include_str!("../../docs/openapi.json");

/// The largest body in JSON, and the largest form.
const MAX_BODY: u32 = 1 << 20;
const MAX_FORM: u32 = 16 << 10;

// Where each of the headers that matter stands in [`Head`], as `glue.js` reads them.
const AUTHORIZATION: usize = 0;
const CACHE_CONTROL: usize = 1;
const IF_NONE_MATCH: usize = 2;
const IF_RANGE: usize = 3;
const RANGE: usize = 4;
const TAKE: usize = 5;
const TRACEPARENT: usize = 6;
const CONTENT_TYPE: usize = 7;
const LAST_EVENT_ID: usize = 8;

/// What pages of other origins may read of a reply.
const EXPOSED: &str = "age, cache-status, content-length, content-range, etag, ratelimit, ratelimit-policy, repr-digest, retry-after, \
                       server-timing, x-pincel-cost, x-pincel-key, x-pincel-receipt, x-pincel-saved, x-pincel-take, x-request-id, x-should-retry";

/// The request, as far as it is read before its body.
struct Head {
    method: String,
    origin: String,
    path: String,
    query: String,
    headers: Vec<Option<String>>,
}

impl Head {
    fn parse(lines: &str) -> Self {
        let mut lines = lines.split('\n');
        let method = lines.next().unwrap_or_default().to_owned();
        let url = lines.next().unwrap_or_default();
        let headers = lines.map(|value| (!value.is_empty()).then(|| value.to_owned())).collect();
        // The platform gives an absolute address in its normal form: scheme, host, and a path that begins with a slash.
        let host = url.find("://").map_or(0, |at| at + 3);
        let path_at = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
        let (origin, rest) = url.split_at_checked(path_at).unwrap_or((url, ""));
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Self { method, origin: origin.to_owned(), path: path.to_owned(), query: query.to_owned(), headers }
    }

    fn header(&self, at: usize) -> Option<&str> {
        self.headers.get(at).and_then(Option::as_deref)
    }

    fn presented<'a>(&'a self, issuer: &'a str, now_ms: u64) -> Presented<'a> {
        Presented {
            authorization: self.header(AUTHORIZATION),
            method: &self.method,
            path: &self.path,
            query: &self.query,
            issuer,
            now_ms,
        }
    }

    fn request(&self, id: &RequestId) -> serve::Request {
        let owned = |at| self.header(at).map(str::to_owned);
        serve::Request {
            head: self.method == "HEAD",
            id: id.clone(),
            cache_control: owned(CACHE_CONTROL),
            if_none_match: owned(IF_NONE_MATCH),
            if_range: owned(IF_RANGE),
            range: owned(RANGE),
            take: owned(TAKE),
            origin: self.origin.clone(),
        }
    }
}

/// The random parts of the names that a request gets, from one draw: each crosses the border to JavaScript.
struct Names {
    request: [u8; 16],
    trace: [u8; 16],
    span: [u8; 8],
}

impl Names {
    fn draw() -> Self {
        let mut random = [0; 40];
        ports::fill(&mut random);
        let byte = |at: usize| random.get(at).copied().unwrap_or_default();
        Self {
            request: array::from_fn(byte),
            trace: array::from_fn(|at| byte(16 + at)),
            span: array::from_fn(|at| byte(32 + at)),
        }
    }
}

enum Route {
    Health,
    Ready,
    Image,
    ByKey(PictureKey),
    Generations,
    Quote,
    Sign,
    Token,
    Jwks,
    Metadata,
    OpenApi,
    Admin(Place),
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Ready),
            "/v1/image" => Some(Self::Image),
            "/v1/images/generations" => Some(Self::Generations),
            "/v1/images/quote" => Some(Self::Quote),
            "/v1/images/sign" => Some(Self::Sign),
            "/oauth/token" => Some(Self::Token),
            "/.well-known/jwks.json" => Some(Self::Jwks),
            "/.well-known/oauth-authorization-server" => Some(Self::Metadata),
            "/openapi.json" => Some(Self::OpenApi),
            _ => {
                if let Some(key) = path.strip_prefix("/v1/images/") {
                    return PictureKey::parse(key).map(Self::ByKey);
                }
                path.strip_prefix("/admin/v1/").and_then(Place::of).map(Self::Admin)
            }
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Generations | Self::Quote | Self::Sign | Self::Token => &["POST", "OPTIONS"],
            Self::Admin(place) => place.methods(),
            _ => &["GET", "HEAD", "OPTIONS"],
        }
    }

    /// The pattern of the path, for the log.
    fn pattern(&self) -> &'static str {
        match self {
            Self::Health => "/healthz",
            Self::Ready => "/readyz",
            Self::Image => "/v1/image",
            Self::ByKey(_) => "/v1/images/{key}",
            Self::Generations => "/v1/images/generations",
            Self::Quote => "/v1/images/quote",
            Self::Sign => "/v1/images/sign",
            Self::Token => "/oauth/token",
            Self::Jwks => "/.well-known/jwks.json",
            Self::Metadata => "/.well-known/oauth-authorization-server",
            Self::OpenApi => "/openapi.json",
            Self::Admin(place) => place.pattern(),
        }
    }

    /// Does it hand pictures over? Those requests are what is counted.
    fn is_of_pictures(&self) -> bool {
        matches!(self, Self::Image | Self::ByKey(_) | Self::Generations)
    }
}

/// Who a request turned out to come from.
#[derive(Default)]
struct Caller {
    client: Option<Rc<Client>>,
    /// An operator.
    by: Option<String>,
}

pub async fn route(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let head = Head::parse(&glue::lines(&request));
    let context: &JsValue = context.as_ref();
    let ports = Isolate { env, context: context.clone(), origin: head.origin.clone() };
    let started_ms = ports::now_ms();
    let names = Names::draw();
    let id = RequestId::new(names.request);
    let timing = Timing::default();
    let config = config::of(&ports.env);
    let route = Route::of(&head.path);
    let mut caller = Caller::default();
    let mut reply = match &route {
        None => Reply::refusal(&not_found()),
        Some(route) if !route.methods().contains(&head.method.as_str()) => wrong_method(route),
        Some(route) if head.method == "OPTIONS" => preflight(route),
        Some(Route::Health) => probe::health(),
        Some(Route::Ready) => probe::ready(config.clone().map(|_| ()), &ports).await,
        Some(Route::OpenApi) => published(OPENAPI.to_owned()),
        Some(route) => match &config {
            Ok(config) => answer(route, config, &ports, &head, &id, &timing, &request, &mut caller).await,
            Err(error) => {
                log::config(error);
                Reply::refusal(&not_configured())
            }
        },
    };
    let ms = ports::now_ms().saturating_sub(started_ms);
    let trace = traceparent(head.header(TRACEPARENT), names.trace, names.span);
    let of_pictures = route.as_ref().is_some_and(Route::is_of_pictures) && head.method != "OPTIONS";
    let told = reply.told.as_deref().filter(|_| of_pictures);
    let finished =
        told.map(|told| count::finished(id.clone(), caller.client.as_deref(), reply.status, told, started_ms, ms));
    if let Some(finished) = &finished {
        count::count(finished);
    }
    if !finished.as_ref().is_some_and(count::is_plain) {
        log::request(&log::Line {
            request: &id,
            traceparent: &trace,
            method: &head.method,
            route: route.as_ref().map_or("none", Route::pattern),
            status: reply.status,
            ms,
            finished: finished.as_ref(),
            by: caller.by.as_deref(),
        });
    }
    finish(&mut reply.headers, &id, timing.header(ms), trace);
    respond::respond(reply, &ports, config.as_ref().ok().map(|config| &config.settings), head.method == "HEAD")
}

#[expect(
    clippy::too_many_arguments,
    reason = "everything that a request has, in the one place where it is put together"
)]
async fn answer(
    route: &Route,
    config: &Config,
    ports: &Isolate,
    head: &Head,
    id: &RequestId,
    timing: &Timing,
    request: &Request,
    caller: &mut Caller,
) -> Reply<ReadableStream> {
    let answered = async {
        let (memo, profiles, tokens) = (MEMO.with(Rc::clone), PROFILES.with(Rc::clone), TOKENS.with(Rc::clone));
        let issuer = config.issuer.as_deref().unwrap_or(&head.origin);
        let credentials = &config.credentials;
        let gate = Gate { ports, credentials, profiles: &profiles, tokens: &tokens };
        let presented = head.presented(issuer, ports::now_ms());
        match route {
            Route::Token => {
                let body = read(request, MAX_FORM).await;
                return Ok(oauth::token(&gate, issuer, head, body.ok().as_deref()).await);
            }
            Route::Jwks => {
                return Ok(published(engine::tokens::jwks(&tokens, ports, &credentials.masters).await?.to_string()));
            }
            Route::Metadata => return Ok(published(domain::access::oauth::metadata(issuer).to_string())),
            Route::Admin(place) => {
                let by = gate.admin(&presented, place.scope(&head.method)).await?;
                let desk = admin::Desk { ports, config, profiles: &profiles, by: &by };
                let answered = desk.answer(place, head, request).await;
                caller.by = Some(by);
                return answered;
            }
            _ => {}
        }
        // Both are remembered for a minute, and where neither is, they are asked for at once.
        let (who, _) = join(gate.principal(&presented), ports::runtime::known(&ports.env)).await;
        let who = who?;
        caller.client = Some(Rc::clone(&who.client));
        let settings = ports::runtime::with_known(&config.settings);
        let kid = who.client.newest_signing_key();
        let signer = kid.map(|kid| SigningKey::derived(credentials.masters.first(), kid));
        let service = Service { ports, settings: &settings, memo: &memo, signer: signer.as_ref(), timing };
        let asked = head.request(id);
        match route {
            Route::Image => Ok(service.image(&who, &Query::parse(&head.query)?, &asked).await),
            Route::ByKey(key) => Ok(service.by_key(&who, key, &Query::parse(&head.query)?, &asked).await),
            Route::Generations => Ok(service.generations(&who, &json(request, head).await?, &asked).await),
            Route::Quote => Ok(service.quote(&who, &json(request, head).await?).await),
            Route::Sign => Ok(service.sign(&who, &json(request, head).await?, &asked).await),
            _ => Err(not_found()),
        }
    };
    answered.await.unwrap_or_else(|error: ApiError| Reply::refusal(&error))
}

async fn json(request: &Request, head: &Head) -> Result<Vec<u8>, ApiError> {
    of_kind(head, &["application/json"])?;
    read(request, MAX_BODY).await
}

/// Refuses a body of another media type.
fn of_kind(head: &Head, kinds: &[&str]) -> Result<(), ApiError> {
    let kind = head.header(CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kinds.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Ok(());
    }
    let message = format!("Send the body with 'Content-Type: {}'.", kinds.join("' or '"));
    Err(ApiError::new(415, "invalid_request_error", "unsupported_media_type", message))
}

async fn read(request: &Request, most: u32) -> Result<Vec<u8>, ApiError> {
    let read = glue::body(request, most).await;
    let read = read.map_err(|_| ApiError::invalid("body", "invalid_json", "The body broke off. Send it again."))?;
    read.dyn_into::<js_sys::Uint8Array>().map(|bytes| bytes.to_vec()).map_err(|_| {
        let message = format!("The body is larger than {} KiB.", most >> 10);
        ApiError::new(413, "invalid_request_error", "request_too_large", message)
    })
}

/// What every reply has.
fn finish(headers: &mut Headers, id: &RequestId, timing: String, trace: String) {
    headers.set("x-request-id", id.as_str().to_owned());
    headers.set("traceparent", trace);
    headers.set("server-timing", timing);
    // Pictures are for other sites to show, and nothing here depends on a cookie.
    headers.set("access-control-allow-origin", "*");
    headers.set("access-control-expose-headers", EXPOSED);
    headers.set("cross-origin-resource-policy", "cross-origin");
    headers.set("x-content-type-options", "nosniff");
}

/// A document that anybody may read and keep: for an hour, which is short beside the month for which a key is published ahead.
fn published(document: String) -> Reply<ReadableStream> {
    let mut reply = Reply::json(200, document);
    reply.headers.replace("cache-control", "public, max-age=3600");
    reply
}

/// The reply to a `GET` of a picture that this isolate can tell by itself, as `entry.mjs` takes it: a line with the status and the number
/// under which it is counted once its bytes are found, a line with the address in the cache and the length of the bytes (empty where there are none), and the lines of the head. It saves a hit the
/// machinery of a request that waits.
pub fn remembered(lines: &str) -> Option<String> {
    let head = Head::parse(lines);
    let target = match Route::of(&head.path) {
        Some(Route::Image) => Target::Image,
        Some(Route::ByKey(key)) => Target::ByKey(key),
        _ => return None,
    };
    let config = config::known().filter(|_| head.method == "GET")?;
    let now_ms = ports::now_ms();
    let query = Query::parse(&head.query).ok()?;
    let (memo, profiles, tokens) = (MEMO.with(Rc::clone), PROFILES.with(Rc::clone), TOKENS.with(Rc::clone));
    let presented = head.presented(config.issuer.as_deref().unwrap_or(&head.origin), now_ms);
    let who = authenticate::recall(&config.credentials, &profiles.borrow(), &tokens.borrow(), &presented, &query)?;
    let names = Names::draw();
    let id = RequestId::new(names.request);
    let settings = ports::runtime::recalled(&config.settings, now_ms)?;
    let recalled = serve::recall(&memo.borrow(), &settings, target, &who, &query, &head.request(&id), now_ms)?;
    let Recalled { status, mut headers, bytes, told } = recalled;
    let trace = traceparent(head.header(TRACEPARENT), names.trace, names.span);
    finish(&mut headers, &id, Timing::default().header(0), trace);
    // No address is longer than a URL, and none has a space.
    let bytes = bytes.map(|(digest, length)| format!("{} {length}", ports::address(&head.origin, &digest)));
    let number = count::remember(id, Rc::clone(&who.client), status, told);
    Some(format!("{status} {number}\n{}\n{}", bytes.unwrap_or_default(), respond::lines(&headers)))
}

fn allow(route: &Route) -> String {
    route.methods().join(", ")
}

fn preflight(route: &Route) -> Reply<ReadableStream> {
    let mut reply = Reply { status: 204, headers: Headers::default(), body: ReplyBody::Empty, told: None };
    reply.headers.set("allow", allow(route));
    reply.headers.set("access-control-allow-methods", allow(route));
    reply.headers.set(
        "access-control-allow-headers",
        "authorization, cache-control, content-type, if-none-match, last-event-id, range, traceparent, x-pincel-take",
    );
    reply.headers.set("access-control-max-age", "86400");
    reply
}

fn wrong_method(route: &Route) -> Reply<ReadableStream> {
    let message = format!("This route takes {}.", allow(route));
    let mut reply = Reply::refusal(&ApiError::new(405, "invalid_request_error", "method_not_allowed", message));
    reply.headers.set("allow", allow(route));
    reply
}

fn not_found() -> ApiError {
    ApiError::new(404, "invalid_request_error", "unknown_url", "There is no such route here.")
}

fn not_configured() -> ApiError {
    ApiError::new(
        503,
        "server_error",
        "not_configured",
        "This deployment is not configured. The operator finds what is missing at /readyz and in the log.",
    )
}

#[cfg(test)]
mod tests;
