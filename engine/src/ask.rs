//! What an isolate asks the object of a key, and what it answers: the one protocol between them.

use domain::ApiError;
use domain::access::rate::Left;
use domain::access::{ClientId, UnknownHold};
use domain::admin::images::PurgedTake;
use domain::job::{JobId, Want};
use domain::money::{NanoUsd, Usage};
use domain::picture::request::EndUser;
use domain::picture::{Digest, Format, Picture, PictureKey, Pointer, Take};
use domain::purge::PurgeId;
use domain::trace::RequestId;
use serde::{Deserialize, Serialize};

use crate::ports::EdgePorts;

/// How often the object is asked again when the way to it broke. Asking again never makes a second picture: the object knows
/// the request by its id.
const OBJECT_ATTEMPTS: u32 = 3;
const OBJECT_PAUSE_MS: u64 = 50;

/// Asks the object of a key, again where the way to it broke.
pub(crate) async fn ask<P: EdgePorts>(
    ports: &P,
    key: &PictureKey,
    ask: &Ask,
) -> Result<(Answer, Vec<P::Body>), ApiError> {
    let mut attempt = 1;
    loop {
        match ports.ask(key, ask).await {
            Ok(answer) => return Ok(answer),
            Err(error) if error.overloaded || attempt >= OBJECT_ATTEMPTS => {
                let message = "The service cannot reach its own records. Try again.";
                return Err(ApiError::unavailable("object_unavailable", message));
            }
            Err(_) => ports.sleep_ms(OBJECT_PAUSE_MS << attempt).await,
        }
        attempt += 1;
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// What is there? Makes nothing.
    Look,
    /// Make what is wanted and missing.
    Make(Box<Order>),
    /// Every attempt at this picture.
    Receipts,
    /// Keep what was asked for under this key, so that an address can name it by the key alone.
    Keep(Box<Picture>),
    /// What was kept.
    Kept,
    /// Take back what was made or begun by `at_ms`: all of it, or these takes. Asking twice is asking once.
    Purge {
        purge: PurgeId,
        takes: Option<Vec<u32>>,
        at_ms: u64,
        /// Until when it can be undone; `None` for good.
        until_ms: Option<u64>,
    },
    /// Put back what this purge took. Asking twice is asking once.
    Restore { purge: PurgeId },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub want: Want,
    pub picture: Picture,
    pub end_user: EndUser,
    pub client: ClientId,
    /// Of the client.
    #[serde(default)]
    pub tags: Vec<String>,
    pub request: RequestId,
    pub hold: UnknownHold,
    pub timeout_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The pool as it stands. `None` where nothing was ever made.
    Pool {
        pointer: Option<Pointer>,
    },
    Made(Made),
    /// Pictures that are not kept; their bytes follow the answer in this order.
    Loose {
        pictures: Vec<Loose>,
        bill: Bill,
    },
    Receipts {
        pointer: Pointer,
        receipts: Vec<domain::job::Receipt>,
        /// What can be put back.
        purged: Vec<PurgedTake>,
        /// What was asked for, where that is known.
        picture: Option<Box<Picture>>,
    },
    Kept {
        picture: Option<Box<Picture>>,
    },
    /// What the purge holds: with what jobs that were at work have made for it since.
    Purged {
        takes: Vec<Take>,
        preferred: u32,
    },
    /// What was put back and is there.
    Restored {
        takes: Vec<Take>,
        preferred: u32,
    },
    Refused {
        error: ApiError,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    pub pointer: Pointer,
    pub places: Vec<Place>,
    pub bill: Bill,
}

/// One wanted picture and how it was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub take: u32,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It was there.
    Had,
    /// This request had it made, and pays.
    Made,
    /// Another request had it made.
    Joined,
}

/// What this request is charged, and for which job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    pub job: Option<JobId>,
    pub usage: Option<Usage>,
    /// How long the provider's call took, from when it was dispatched until its pictures were stored.
    pub provider_ms: Option<u64>,
    /// `None` where the provider did not say, which is not the same as nothing.
    pub cost: Option<NanoUsd>,
    /// What the client's rate has left, where this request was counted.
    pub left: Option<Left>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loose {
    pub digest: Digest,
    pub format: Format,
    pub bytes: u64,
    pub width: u32,
    pub height: u32,
    pub quality: String,
    pub background: String,
}
