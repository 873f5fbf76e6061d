//! What a client finds in the answer: the right picture, whole, the same as ever, and a bill that is true.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::delivery::repr_digest::repr_digest;
use domain::job::JobId;
use domain::money::NanoUsd;
use domain::picture::Digest;
use domain::trace::RequestId;
use serde_json::Value;

use super::books::Books;
use super::carrier::Received;
use super::client::{Route, Wanted, Who};
use super::coverage::Event;
use super::picture;
use super::world::{Subject, World};

pub(super) fn check(world: &World, wanted: &Wanted, id: &RequestId, received: &Received) {
    let subject = &world.subjects[wanted.subject];
    if let Some(status) = received.headers.get("cache-status") {
        for (word, event) in [
            ("collapsed", Event::Collapsed),
            ("fwd=partial", Event::PartlyThere),
            ("detail=kv", Event::KvHit),
            ("detail=memo", Event::MemoHit),
            ("detail=object", Event::ObjectHit),
        ] {
            if status.contains(word) {
                world.journal.saw(event);
            }
        }
    }
    match received.status {
        200 | 206 | 304 => {
            world.journal.expect(wanted.who != Who::Stranger, || "a stranger is shown a picture".to_owned());
            let key = received.headers.get("x-pincel-key").unwrap_or_default();
            world.journal.expect(key == subject.key.to_string(), || format!("{key} answers for {}", subject.key));
            bill(world, received);
            left(world, wanted, received);
            pictures(world, wanted, received, subject);
        }
        status => refusal(world, wanted, id, received, status),
    }
}

/// What was purged long before the request came is not in its answer.
pub(super) fn shows_nothing_purged(world: &World, received: &Received, gone: &BTreeSet<u32>) {
    let list = received.headers.get("x-pincel-take").unwrap_or_default();
    for take in list.split(", ").filter_map(|take| take.parse().ok()) {
        world.journal.expect(!gone.contains(&take), || format!("take {take} is shown long after it was purged"));
        if !gone.is_empty() {
            world.journal.saw(Event::MadeAfterPurge);
        }
    }
}

fn pictures(world: &World, wanted: &Wanted, received: &Received, subject: &Subject) {
    let takes: Vec<u32> = received
        .headers
        .get("x-pincel-take")
        .map(|list| list.split(", ").map(|take| take.parse().unwrap()).collect())
        .unwrap_or_default();
    world.journal.expect(takes.is_empty() == wanted.is_loose(), || format!("takes {takes:?} for {wanted:?}"));
    if let (Some(take), false, false) = (wanted.take, wanted.is_loose(), wanted.is_fresh()) {
        world.journal.expect(takes == [take], || format!("takes {takes:?} for take {take}"));
    }
    if wanted.who == Who::DedupOff && wanted.is_fresh() {
        world.journal.saw(Event::DedupOff);
    } else if wanted.is_fresh() {
        world.journal.saw(Event::Rerolled);
    } else if wanted.is_loose() {
        world.journal.saw(Event::NotStored);
    } else if wanted.route == Route::ByKey {
        world.journal.saw(Event::FoundByKey);
    }
    if wanted.head {
        world.journal.saw(Event::HeadAnswered);
        return;
    }
    match received.status {
        304 => return world.journal.saw(Event::NotModified),
        206 => {
            world.journal.saw(Event::PartDelivered);
            return;
        }
        _ => {}
    }
    // What was broken off is no picture, and the client knows it.
    let Some(body) = &received.body else { return };
    let pictures = if wanted.route == Route::Post { decode(body) } else { vec![body.clone()] };
    let short = world.faults.calm && pictures.len() != wanted.n as usize;
    world.journal.expect(!short, || format!("{} pictures for {wanted:?}", pictures.len()));
    world
        .journal
        .expect(!pictures.is_empty() && pictures.len() <= wanted.n as usize, || "too many pictures".to_owned());
    world
        .journal
        .expect(takes.is_empty() || takes.len() == pictures.len(), || format!("takes {takes:?} are not all there"));
    for (at, bytes) in pictures.iter().enumerate() {
        let digest = picture::digest(bytes);
        let prompt = picture::prompt_of(bytes);
        world
            .journal
            .expect(prompt == Some(&subject.prompt), || format!("{prompt:?} is delivered for {}", subject.prompt));
        if wanted.route != Route::Post {
            told(world, received, &digest);
        }
        if let Some(take) = takes.get(at) {
            let before = *world.seen.borrow_mut().entry((subject.key, *take)).or_insert(digest);
            world.journal.expect(before == digest, || format!("take {take} of {} changed", subject.prompt));
        }
    }
}

fn told(world: &World, received: &Received, digest: &Digest) {
    let header = received.headers.get("repr-digest");
    world.journal.expect(header == Some(&repr_digest(&digest.0)), || format!("{header:?} is told of {digest}"));
    let tag = received.headers.get("etag");
    world
        .journal
        .expect(tag.is_none_or(|tag| tag == format!("\"{digest}\"")), || format!("{tag:?} is the tag of {digest}"));
}

/// The request that had pictures made is told the provider's sum, and everybody else nothing.
fn bill(world: &World, received: &Received) {
    let cost = received.headers.get("x-pincel-cost").map(|cost| NanoUsd::parse_decimal(cost).unwrap());
    let job = received.headers.get("x-pincel-receipt");
    let job: Option<JobId> = job.map(|id| serde_json::from_value(Value::from(id)).unwrap());
    let bill = job.as_ref().map_or(Some(NanoUsd::ZERO), |job| world.provider.bill_of(job));
    world
        .journal
        .expect(cost.is_none_or(|cost| Some(cost) == bill), || format!("{cost:?} is told of {job:?}, {bill:?}"));
}

/// What is left of the requests per minute is told of a limit that the client has.
fn left(world: &World, wanted: &Wanted, received: &Received) {
    let number = |name: &str| received.headers.get(name).map(|number| number.parse::<u32>().unwrap());
    let limit = number("x-ratelimit-limit-requests");
    let remaining = number("x-ratelimit-remaining-requests");
    let rate = world.payers.client(wanted.payer).policy.limits.requests_per_minute;
    let own = limit.is_none() || limit == rate.map(NonZeroU32::get);
    world.journal.expect(own, || format!("{limit:?} is told to {}, which has {rate:?}", wanted.payer));
    world.journal.expect(remaining < limit || limit.is_none(), || format!("{remaining:?} are left of {limit:?}"));
    if limit.is_some() {
        world.journal.saw(Event::RateTold);
    }
}

fn refusal(world: &World, wanted: &Wanted, id: &RequestId, received: &Received, status: u16) {
    let text = String::from_utf8_lossy(received.body.as_deref().unwrap_or_default()).into_owned();
    let error: Value = serde_json::from_str::<Value>(&text).map(|body| body["error"].clone()).unwrap_or_default();
    let code = error["code"].as_str().unwrap_or_default();
    let message = error["message"].as_str().unwrap_or_default();
    world.journal.note(|| format!("  refused: {code}: {message}"));
    world.journal.expect(!code.is_empty() && !message.is_empty(), || format!("{status} without a reason: {text}"));
    world.journal.expect(received.headers.get("cache-control") == Some("no-store"), || format!("{code} may be kept"));
    let expected_when_calm = match code {
        "picture_not_found" => status == 404 || status == 504,
        "range_not_satisfiable" => true,
        "picture_purged" => status == 410,
        _ => false,
    };
    world.journal.expect(!world.faults.calm || expected_when_calm, || format!("{code} on a calm day: {message}"));
    match code {
        "outcome_unknown" if received.headers.get("retry-after").is_some() => world.journal.saw(Event::HoldRefused),
        "budget_exceeded" | "too_many_generations" => refused_itself(world, wanted, id, code),
        "rate_limit_exceeded" if message.starts_with("Rate limit reached for this") => {
            refused_itself(world, wanted, id, code);
        }
        "rate_limit_exceeded" => world.journal.saw(Event::GaveUpRetrying),
        "provider_timeout" => world.journal.saw(Event::ProviderTimedOut),
        "picture_purged" => {
            let key = world.subjects[wanted.subject].key;
            world.journal.expect(world.purges.touched(&key), || format!("nothing was purged: {message}"));
            let named = message.starts_with("This take was purged");
            world.journal.expect(!named || wanted.take.is_some(), || format!("no take was named: {message}"));
            world.journal.saw(if named { Event::ToldPurged } else { Event::ToldPurgedMeanwhile });
        }
        "picture_lost" => {
            world.journal.saw(Event::DamageToldBeforehand);
            world
                .journal
                .expect(world.faults.blobs_hurt > 0, || format!("a loss is told, and nothing was lost: {message}"));
        }
        "picture_not_found" if status == 504 => world.journal.saw(Event::OnlyIfCachedRefused),
        "picture_not_found" if wanted.who == Who::Stranger => world.journal.saw(Event::StrangerTurnedAway),
        _ => {}
    }
}

/// Who is told that a limit is reached has reached it: a job of the same client, which this request started or waited for, was
/// refused.
fn refused_itself(world: &World, wanted: &Wanted, id: &RequestId, code: &str) {
    let key = world.subjects[wanted.subject].key;
    let records = world.object(&key).disk.load();
    let own = records.jobs.values().filter(|job| job.client == wanted.client());
    // Who joined is written with the job's next change, so an object that had to read its records anew has forgotten it.
    let forgets = world.faults.save_fails > 0 || world.faults.durable_fails > 0;
    let mut own = own.filter(|job| forgets || job.leader == *id || job.joined.last.contains(id));
    let refused = own.any(|job| {
        let said = |books: &Rc<Books>| books.heard.refused.borrow().get(&job.id).is_some_and(|said| said == code);
        job.refused && world.accounts.both(job).into_iter().any(said)
    });
    world.journal.expect(refused, || format!("{} is told {code}, and no job of its client was refused", id.as_str()));
}

fn decode(document: &[u8]) -> Vec<Vec<u8>> {
    let document: Value = serde_json::from_slice(document).unwrap();
    let data = document["data"].as_array().unwrap();
    data.iter().map(|item| STANDARD.decode(item["b64_json"].as_str().unwrap()).unwrap()).collect()
}
