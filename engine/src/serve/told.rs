//! What is counted of a reply that hands pictures over.

use std::borrow::Cow;

use domain::delivery;
use domain::money::NanoUsd;
use domain::picture::{PictureKey, Take};
use domain::usage::Outcome;

use super::obtain::Kept;
use crate::ask::{Bill, How};
use crate::reply::Told;

/// Of pictures that are kept. `bytes` is how much of them is handed over.
pub(super) fn kept(key: &PictureKey, kept: &Kept, bytes: u64) -> Told {
    let (outcome, reason) = match kept.status.outcome {
        delivery::Outcome::Hit => (Outcome::Hit, kept.status.detail.map(delivery::Detail::as_str)),
        delivery::Outcome::Fwd(why) if kept.status.collapsed => (Outcome::Coalesced, Some(why.as_str())),
        delivery::Outcome::Fwd(why) => (Outcome::Miss, Some(why.as_str())),
    };
    Told {
        outcome,
        reason: reason.map(Cow::Borrowed),
        model: Some(&kept.pointer.model).filter(|model| !model.is_empty()).cloned(),
        key: Some(*key),
        cost: kept.bill.cost,
        saved: saved(kept),
        bytes,
    }
}

/// Of pictures that are not.
pub(super) fn loose(key: &PictureKey, bill: &Bill, bytes: u64) -> Told {
    let reason = Some(Cow::Borrowed(delivery::FwdReason::Request.as_str()));
    Told { outcome: Outcome::Bypass, reason, model: None, key: Some(*key), cost: bill.cost, saved: None, bytes }
}

/// What the pictures cost that this request did not have made, as far as that is known; `None` where nothing of it is.
fn saved(kept: &Kept) -> Option<NanoUsd> {
    let free = || kept.places.iter().filter(|place| place.how != How::Made);
    let costs = || free().filter_map(|place| kept.pointer.get(place.take).and_then(|take: &Take| take.cost));
    let known = free().next().is_none() || costs().next().is_some();
    known.then(|| NanoUsd::saturating_sum(costs()))
}
