//! Carries a reply out as the edge does: bytes are checked while they pass, what does not check is broken off before its
//! end, and only what did is put into the cache of the data centre.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::blobs::Body;
use super::coverage::Event;
use super::picture;
use super::world::World;
use crate::reply::{Headers, Piece, Reply, ReplyBody, Source};

/// What the client has in hand.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: Headers,
    /// `None` where the connection broke in the middle of it.
    pub(super) body: Option<Vec<u8>>,
}

pub(super) fn carry(world: &World, city: usize, reply: Reply<Body>) -> Received {
    let Reply { status, headers, body, .. } = reply;
    let body = match body {
        // The simulated service has no feed.
        ReplyBody::Empty | ReplyBody::Stream(_) => Some(Vec::new()),
        ReplyBody::Text(text) => Some(text.into_bytes()),
        ReplyBody::Picture(source) => pass(world, city, source),
        ReplyBody::Pieces(pieces) => pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.into_bytes()),
                Piece::Base64(source) => Some(STANDARD.encode(pass(world, city, source)?).into_bytes()),
            })
            .collect::<Option<Vec<_>>>()
            .map(|pieces| pieces.concat()),
    };
    if body.is_none() {
        world.journal.saw(Event::DamageStoppedOnTheWay);
    }
    Received { status, headers, body }
}

fn pass(world: &World, city: usize, source: Source<Body>) -> Option<Vec<u8>> {
    let Source { body: Body(bytes), length, check, keep } = source;
    if u64::try_from(bytes.len()) != Ok(length) {
        return None;
    }
    if let Some(digest) = check {
        if picture::digest(&bytes) != digest {
            if keep.is_some() {
                world.caches[city].put_cut(digest, &bytes);
            }
            return None;
        }
        if keep.is_some() {
            world.caches[city].put(world, digest, &bytes);
        }
    } else {
        world.journal.expect(keep.is_none(), || "bytes are kept that nobody checks".to_owned());
    }
    Some(bytes)
}
