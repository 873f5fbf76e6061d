//! Why a request is a miss: `POST /admin/v1/explain` and `GET /admin/v1/images/{key}/explain`.
//!
//! In scope: the canonical request, what is known of its key, and which existing pictures are nearest to it. Out of scope: who may,
//! which is decided before. An explanation buys nothing, and tells of no namespace but the request's own.

use domain::ApiError;
use domain::access::policy::Defaults as PolicyDefaults;
use domain::access::{AccountName, Client, ClientId, Dedup, UnknownHold, signature};
use domain::admin::explain::{Explanation, Field, Near, Verdict};
use domain::job::{Receipt, State};
use domain::moment;
use domain::picture::explain::{Explained, differences, of_picture};
use domain::picture::request::{Defaults, parse_take};
use domain::picture::{Asked, Picture, PictureKey, Pointer};
use domain::query::Query;
use futures::future::join;
use serde_json::{Map, Value};

use crate::account::{AccountAnswer, AccountAsk};
use crate::ask::{self, Answer, Ask};
use crate::catalog::{CatalogAnswer, CatalogAsk};
use crate::ports::EdgePorts;
use crate::reply::Reply;
use crate::settings::Settings;

pub struct Explain<'a, P> {
    pub ports: &'a P,
    pub settings: &'a Settings,
    /// Whose namespace counts where no client is named.
    pub defaults: &'a PolicyDefaults,
}

/// The nearest pictures that are shown.
const SHOWN: usize = 5;

/// What is explained.
struct Question {
    picture: Picture,
    fields: Vec<Field>,
    wanted: Wanted,
    client: Option<Box<Client>>,
}

/// Which takes the request is for.
enum Wanted {
    First(std::num::NonZeroU32),
    Take(u32),
}

/// What the body names.
enum Named {
    Request(Map<String, Value>),
    Address(Query),
    /// A picture by its key, and maybe a take of it.
    Key(PictureKey, Option<u32>),
}

impl<P: EdgePorts> Explain<'_, P> {
    /// `{"request": {…}}` or `{"url": "…"}`, and `"client"` where the deployment's own namespace is not meant.
    pub async fn post(&self, body: &[u8]) -> Reply<P::Body> {
        let explained = async {
            let question = self.question(body).await?;
            self.explain(question).await
        };
        reply(explained.await)
    }

    pub async fn by_key(&self, key: &PictureKey) -> Reply<P::Body> {
        let explained = async {
            let question = self.kept(key, None, None).await?;
            self.explain(question).await
        };
        reply(explained.await)
    }

    async fn question(&self, body: &[u8]) -> Result<Question, ApiError> {
        let (named, client) = read(body)?;
        let client = match client {
            Some(id) => Some(self.client(&id).await?),
            None => None,
        };
        let namespace = client.as_ref().map_or(self.defaults.namespace.as_str(), |client| &client.policy.namespace);
        let model = self.settings.runtime.default_model(&self.settings.default_model);
        let defaults = Defaults { namespace, model, now_s: self.ports.now_ms() / 1_000 };
        let Explained { asked, fields } = match named {
            Named::Request(fields) => Explained::json(&fields, &defaults)?,
            Named::Address(query) => Explained::query(&query, &defaults)?,
            Named::Key(key, take) => return self.kept(&key, take, client).await,
        };
        let wanted = asked.take.map_or(Wanted::First(asked.n), Wanted::Take);
        Ok(Question { picture: asked.picture, fields, wanted, client })
    }

    /// What was asked for under a key, as its object has kept it.
    async fn kept(
        &self,
        key: &PictureKey,
        take: Option<u32>,
        client: Option<Box<Client>>,
    ) -> Result<Question, ApiError> {
        let Answer::Kept { picture: Some(picture) } = self.ask(key, &Ask::Kept).await? else { return Err(not_kept()) };
        let wanted = take.map_or(Wanted::First(std::num::NonZeroU32::MIN), Wanted::Take);
        Ok(Question { fields: of_picture(&picture), picture: *picture, wanted, client })
    }

    async fn explain(&self, question: Question) -> Result<Explanation, ApiError> {
        let Question { picture, fields, wanted, client } = question;
        let key = PictureKey::of(&picture);
        let (answer, nearest) = join(self.ask(&key, &Ask::Receipts), self.nearest(&key, &picture)).await;
        let Answer::Receipts { pointer, receipts, .. } = answer? else { return Err(unreadable()) };
        let places = match wanted {
            Wanted::First(n) => pointer.first(n),
            Wanted::Take(take) => vec![take],
        };
        let hold = self.hold(&pointer, &receipts, &places).await;
        let (verdict, mut why) = verdict(&pointer, &receipts, &places, hold, self.ports.now_ms());
        for note in self.notes(&picture, client.as_deref(), &wanted) {
            why.push(' ');
            why.push_str(&note);
        }
        Ok(Explanation { key, verdict, why, fields, nearest })
    }

    /// What else decides about such a request, and is no field of it.
    fn notes(&self, picture: &Picture, client: Option<&Client>, wanted: &Wanted) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(client) = client {
            if client.policy.dedup == Dedup::Off && matches!(wanted, Wanted::First(_)) {
                notes.push(
                    "The policy of the client has 'dedup' off: each of its requests has a new take made.".to_owned(),
                );
            }
            notes.extend(client.policy.permits(picture).err().map(|error| error.message));
        }
        notes.extend(self.settings.runtime.permits(&picture.model).err().map(|error| error.message));
        notes
    }

    /// For how long the outcome of the last attempt is waited for, by the policy of its client as it is now.
    async fn hold(&self, pointer: &Pointer, receipts: &[Receipt], places: &[u32]) -> Option<UnknownHold> {
        let last = last_attempt(pointer, receipts, places).filter(|receipt| receipt.state == State::Unknown)?;
        self.client(&last.client).await.ok().map(|client| client.policy.unknown_hold)
    }

    /// A catalog that is out of reach knows of none.
    async fn nearest(&self, key: &PictureKey, picture: &Picture) -> Vec<Near> {
        let asked = CatalogAsk::Near { picture: Box::new(picture.clone()) };
        let Ok(CatalogAnswer::Near { pictures }) = self.ports.catalog(&asked).await else { return Vec::new() };
        let others =
            pictures.into_iter().filter(|(other, exists)| other != key && exists.namespace == picture.namespace);
        let mut nearest: Vec<Near> = others
            .map(|(key, exists)| Near {
                key,
                prompt: exists.prompt.as_str().to_owned(),
                differences: differences(picture, &exists),
            })
            .collect();
        nearest.sort_by_cached_key(|near| (near.differences.len(), near.key.to_string()));
        nearest.truncate(SHOWN);
        nearest
    }

    async fn client(&self, id: &ClientId) -> Result<Box<Client>, ApiError> {
        match self.ports.account(&AccountName::Client(id.clone()), &AccountAsk::Profile { key: None }).await {
            Ok(AccountAnswer::Client { client }) => Ok(client),
            Ok(AccountAnswer::Refused { error }) => Err(*error),
            _ => Err(ApiError::unavailable("account_unavailable", "The service cannot reach an account. Try again.")),
        }
    }

    async fn ask(&self, key: &PictureKey, question: &Ask) -> Result<Answer, ApiError> {
        match ask::ask(self.ports, key, question).await? {
            (Answer::Refused { error }, _) => Err(error),
            (answer, _) => Ok(answer),
        }
    }
}

/// What a request for these places meets, and what can be done about it.
fn verdict(
    pointer: &Pointer,
    receipts: &[Receipt],
    places: &[u32],
    hold: Option<UnknownHold>,
    now_ms: u64,
) -> (Verdict, String) {
    if missing(pointer, places).is_none() {
        let why = "It is there, and is served without a call of the provider. A request that misses it asks for something else: \
                   compare its fields with these.";
        return (Verdict::Cached, why.to_owned());
    }
    let Some(last) = last_attempt(pointer, receipts, places) else {
        if let Some(gone) = receipts.iter().rev().find(|receipt| is_gone(pointer, receipt)) {
            return purged(gone);
        }
        let why = "It was never made. The next request has it made; the nearest pictures show in which fields this one differs from \
                   those that exist.";
        return (Verdict::NeverMade, why.to_owned());
    };
    let job = last.id.as_str();
    match last.state {
        State::Claimed | State::Dispatched | State::Stored => {
            let since = moment::text(last.claimed_ms);
            let why =
                format!("{job} makes it now, since {since}. Whoever asks for it waits for that and pays nothing.");
            (Verdict::InFlight, why)
        }
        State::Settled => purged(last),
        State::Failed => {
            let said = last.failure.as_ref().map_or("it was not said why.", |error| error.message.as_str());
            let why = format!("The last attempt, {job}, failed and cost nothing: {said} The next request tries again.");
            (Verdict::Failed, why)
        }
        State::Unknown => unknown(last, hold, now_ms),
    }
}

fn unknown(last: &Receipt, hold: Option<UnknownHold>, now_ms: u64) -> (Verdict, String) {
    let job = last.id.as_str();
    let until = hold.map(|hold| hold.until_ms(last.ended_ms.unwrap_or(last.claimed_ms)));
    let end = match until {
        Some(Some(until)) if until <= now_ms => {
            let why = format!(
                "The outcome of the last attempt, {job}, is unknown, and it is no longer waited for. The next request buys it again."
            );
            return (Verdict::Failed, why);
        }
        Some(Some(until)) => format!("Until {} nothing is bought again", moment::text(until)),
        Some(None) => "Nothing is bought again until an operator decides".to_owned(),
        None => "Nothing is bought again until its hold ends".to_owned(),
    };
    let why = format!(
        "{job} may have been billed, and its outcome is unknown. {end}. Whether it was is in the provider's bills: compare them by \
         POST /admin/v1/reconcile."
    );
    (Verdict::Held, why)
}

fn purged(made: &Receipt) -> (Verdict, String) {
    let take = made.take.map_or_else(String::new, |take| format!(" as take {take}"));
    let why = format!(
        "{} made it{take}, and it was taken back. Undo the purge to have it again; the next request that names no take has a new one \
         made.",
        made.id.as_str()
    );
    (Verdict::Purged, why)
}

/// The first of the wanted places that has no picture.
fn missing(pointer: &Pointer, places: &[u32]) -> Option<u32> {
    places.iter().copied().find(|take| pointer.get(*take).is_none())
}

/// The last attempt at what is missing.
fn last_attempt<'r>(pointer: &Pointer, receipts: &'r [Receipt], places: &[u32]) -> Option<&'r Receipt> {
    let missing = missing(pointer, places)?;
    receipts.iter().rev().find(|receipt| receipt.take == Some(missing))
}

/// Was it made, and is not there any more?
fn is_gone(pointer: &Pointer, receipt: &Receipt) -> bool {
    receipt.state == State::Settled && receipt.take.is_some_and(|take| pointer.get(take).is_none())
}

fn read(body: &[u8]) -> Result<(Named, Option<ClientId>), ApiError> {
    let mut members = Asked::fields(body)?;
    if let Some(name) = members.keys().find(|name| !matches!(name.as_str(), "request" | "url" | "client")) {
        let message =
            format!("Unknown parameter: '{name}'. The request itself stands in 'request', or its address in 'url'.");
        return Err(ApiError::invalid(name.clone(), "unknown_parameter", message));
    }
    members.retain(|_, value| !value.is_null());
    let client = match members.get("client") {
        None => None,
        Some(given) => Some(given.as_str().and_then(ClientId::parse).ok_or_else(|| {
            ApiError::invalid(
                "client",
                "invalid_value",
                "'client' must be the id of a client, 1 to 32 ASCII letters and digits.",
            )
        })?),
    };
    match (members.remove("request"), members.remove("url")) {
        (Some(Value::Object(fields)), None) => Ok((Named::Request(fields), client)),
        (None, Some(Value::String(url))) => {
            let (named, signer) = address(&url)?;
            Ok((named, client.or(signer)))
        }
        (Some(_), None) => Err(ApiError::invalid(
            "request",
            "invalid_type",
            "'request' must be an object, as POST /v1/images/generations takes it.",
        )),
        (None, Some(_)) => Err(bad_url()),
        _ => {
            let message = "Give either 'request', a body as POST /v1/images/generations takes it, or 'url', an address as browsers ask for it.";
            Err(ApiError::invalid("request", "missing_required_parameter", message))
        }
    }
}

/// What an address asks for, and whose key signed it. Whether the signature is right decides who pays, and not which picture it is.
fn address(url: &str) -> Result<(Named, Option<ClientId>), ApiError> {
    let rest = url.split('#').next().unwrap_or_default();
    let rest = match rest.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).ok_or_else(bad_url)?,
        None => rest,
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query = Query::parse(query)?;
    let signer = query.get("kid").and_then(signature::owner);
    let named = match path.strip_prefix("/v1/image").ok_or_else(bad_url)? {
        "" => query.get("key").map(str::to_owned),
        path => Some(path.strip_prefix("s/").ok_or_else(bad_url)?.to_owned()),
    };
    let Some(key) = named else { return Ok((Named::Address(query), signer)) };
    let key = PictureKey::parse(&key).ok_or_else(bad_url)?;
    Ok((Named::Key(key, query.get("take").map(parse_take).transpose()?), signer))
}

fn bad_url() -> ApiError {
    let message = "'url' must be the address of a picture: https://…/v1/image?prompt=…, or https://…/v1/images/{key}.";
    ApiError::invalid("url", "invalid_value", message)
}

fn not_kept() -> ApiError {
    let message = "What was asked for under this key is not known. Explain the request itself: POST /admin/v1/explain with 'request' or \
                   'url'.";
    ApiError::new(404, "invalid_request_error", "picture_not_found", message)
}

fn unreadable() -> ApiError {
    ApiError::unavailable("object_unavailable", "The service cannot reach its own records. Try again.")
}

fn reply<B>(explained: Result<Explanation, ApiError>) -> Reply<B> {
    match explained.map(|explanation| serde_json::to_string(&explanation)) {
        Ok(Ok(text)) => Reply::json(200, text),
        Ok(Err(_)) => Reply::refusal(&unreadable()),
        Err(error) => Reply::refusal(&error),
    }
}

#[cfg(test)]
mod tests;
