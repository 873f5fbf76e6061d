//! A catalog over a real `SQLite`, and the objects that it asks.

mod feeds;
mod measures;
mod nears;
mod purges;
mod receipts;
mod registers;
mod retains;
mod runs;
mod searches;
mod undoes;
mod world;

use domain::access::ClientId;
use domain::admin::{ImagePage, ImageQuery, ImageSummary, Purge, PurgeRequest};
use domain::job::{JobId, Joined, Money, Receipt, State};
use domain::money::NanoUsd;
use domain::picture::{Digest, Format, Picture, PictureKey, Take};
use domain::purge::{Mode, PurgeId, Selector};
use domain::query::Query;
use domain::trace::RequestId;
use serde_json::json;

use super::testing::Sqlite;
use super::{Catalog, CatalogAnswer, CatalogAsk, Reach, Registration};
use world::World;

/// 2026-11-24T12:00:00Z.
const NOON_MS: u64 = 1_795_521_600_000;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;

const REACH: Reach = Reach { browser_s: 300, edge_s: 2_592_000, cdn: false };

fn picture(prompt: &str) -> Picture {
    serde_json::from_value(json!({
        "namespace": "default", "operation": "generate", "model": "gpt-image-2.6-flare", "prompt": prompt, "size": "auto",
        "quality": "low", "background": "auto", "moderation": "auto", "output_format": "png", "output_compression": null,
        "complexity": null, "input_fidelity": null, "frames": null, "svg": null, "images": [], "mask": null, "markup": null,
    }))
    .unwrap()
}

/// A job, as its object tells of it.
#[derive(Clone)]
struct Job {
    number: u8,
    picture: Picture,
    takes: Vec<u32>,
    client: &'static str,
    tags: Vec<String>,
    state: State,
    claimed_ms: u64,
    cost: Option<u64>,
    bytes: u64,
    size: (u32, u32),
    purged: Option<PurgeId>,
}

/// One take at noon, settled, for four cents.
fn job(number: u8, prompt: &str) -> Job {
    Job {
        number,
        picture: picture(prompt),
        takes: vec![0],
        client: "shop",
        tags: Vec::new(),
        state: State::Settled,
        claimed_ms: NOON_MS,
        cost: Some(40_000_000),
        bytes: 1_000,
        size: (1_024, 1_536),
        purged: None,
    }
}

impl Job {
    fn key(&self) -> PictureKey {
        PictureKey::of(&self.picture)
    }

    /// What it made: of every take another picture.
    fn made(&self) -> Vec<Take> {
        let there = matches!(self.state, State::Stored | State::Settled);
        let take = |take: &u32| Take {
            take: *take,
            digest: digest(&format!("{} {take}", self.key())),
            format: Format::Png,
            bytes: self.bytes,
            width: self.size.0,
            height: self.size.1,
            created_ms: self.claimed_ms + 2_000,
            cost: self.cost.map(NanoUsd),
            quality: "low".to_owned(),
            background: "opaque".to_owned(),
        };
        if there { self.takes.iter().map(take).collect() } else { Vec::new() }
    }

    fn receipt(&self, take: Option<u32>) -> Receipt {
        let dispatched_ms = (self.state != State::Claimed).then_some(self.claimed_ms + 1_000);
        Receipt {
            id: JobId::new([self.number; 16]),
            take,
            state: self.state,
            money: Money::Done,
            client: ClientId(self.client.to_owned()),
            model: self.picture.model.clone(),
            leader_request_id: RequestId::default(),
            joined: Joined::default(),
            upstream_request_id: None,
            usage: None,
            cost_nano_usd: self.cost.filter(|_| self.state == State::Settled).map(NanoUsd),
            reserve_nano_usd: NanoUsd(100_000_000),
            attempts: 1,
            claimed_ms: self.claimed_ms,
            dispatched_ms,
            ended_ms: (!self.state.is_active()).then_some(self.claimed_ms + 2_000),
            digest: None,
            failure: None,
        }
    }

    fn registration(&self) -> Registration {
        let places: Vec<Option<u32>> =
            if self.takes.is_empty() { vec![None] } else { self.takes.iter().copied().map(Some).collect() };
        let (takes, purged) = match &self.purged {
            None => (self.made(), Vec::new()),
            Some(purge) => (Vec::new(), self.made().into_iter().map(|take| (purge.clone(), take)).collect()),
        };
        Registration {
            key: self.key(),
            picture: self.picture.clone(),
            tags: self.tags.clone(),
            preferred: 0,
            receipts: places.into_iter().map(|take| self.receipt(take)).collect(),
            takes,
            purged,
        }
    }
}

/// Some digest for some text.
fn digest(text: &str) -> Digest {
    use sha2::Digest as _;
    Digest(sha2::Sha256::digest(text.as_bytes()).into())
}

fn id(number: u8) -> PurgeId {
    PurgeId::new([number; 16])
}

fn soft(selector: serde_json::Value) -> PurgeRequest {
    PurgeRequest { selector: serde_json::from_value::<Selector>(selector).unwrap(), mode: Mode::Soft, dry_run: false }
}

fn hard(selector: serde_json::Value) -> PurgeRequest {
    PurgeRequest { mode: Mode::Hard, ..soft(selector) }
}

fn dry(request: PurgeRequest) -> PurgeRequest {
    PurgeRequest { dry_run: true, ..request }
}

fn query(text: &str) -> ImageQuery {
    ImageQuery::parse(&Query::parse(text).unwrap()).unwrap()
}
