//! The store of bytes, strongly consistent, which now and then loses or damages what it keeps; and the cache of each data
//! centre in front of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use domain::delivery::ByteRange;
use domain::picture::Digest;

use super::coverage::Event;
use super::picture;
use super::world::World;
use crate::ports::{Opened, StoreError};

/// The bytes of a picture on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body(pub(super) Vec<u8>);

#[derive(Default)]
pub(super) struct Blobs {
    kept: RefCell<BTreeMap<Digest, Blob>>,
    /// Was ever lost or damaged.
    hurt: RefCell<BTreeSet<Digest>>,
    /// Was deleted because a purge said so.
    given_up: RefCell<BTreeSet<Digest>>,
}

struct Blob {
    bytes: Vec<u8>,
    sha256: Option<Digest>,
}

impl Blobs {
    pub(super) async fn put(&self, world: &World, digest: Digest, bytes: &[u8]) -> Result<(), StoreError> {
        world.pause(5, 150).await;
        world.journal.expect(picture::digest(bytes) == digest, || format!("blob {digest} is put with other bytes"));
        let fails = world.chance(world.faults.put_fails);
        if !fails || world.rng().one_in(3) {
            let sha256 = (!world.rng().one_in(3)).then_some(digest);
            self.kept.borrow_mut().insert(digest, Blob { bytes: bytes.to_vec(), sha256 });
        }
        world.pause(1, 50).await;
        if fails { Err(StoreError("blobs: 500".to_owned())) } else { Ok(()) }
    }

    pub(super) async fn get(
        &self,
        world: &World,
        digest: &Digest,
        range: Option<ByteRange>,
    ) -> Result<Option<Opened<Body>>, StoreError> {
        world.pause(5, 100).await;
        if world.chance(world.faults.get_fails) {
            return Err(StoreError("blobs: 500".to_owned()));
        }
        let kept = self.kept.borrow();
        if self.given_up.borrow().contains(digest) {
            world.journal.saw(Event::BytesGone);
        }
        Ok(kept.get(digest).map(|blob| Opened {
            length: u64::try_from(blob.bytes.len()).unwrap(),
            sha256: blob.sha256,
            body: part(&blob.bytes, range),
        }))
    }

    /// One blob is lost, or damaged so that its length, its checksum, or nothing but its bytes tell.
    pub(super) fn hurt_one(&self, world: &World) {
        let mut kept = self.kept.borrow_mut();
        if kept.is_empty() {
            return;
        }
        let digest = *kept.keys().nth(world.rng().below(kept.len())).unwrap();
        self.hurt.borrow_mut().insert(digest);
        world.journal.saw(Event::BlobHurt);
        world.journal.note(|| format!("blob {digest} is hurt"));
        let how = world.rng().below(5);
        if how == 0 {
            kept.remove(&digest);
            return;
        }
        let Some(blob) = kept.get_mut(&digest) else { return };
        if how == 1 {
            blob.bytes.pop();
        } else {
            let at = world.rng().below(blob.bytes.len());
            blob.bytes[at] ^= 0x20;
        }
        match how {
            2 => blob.sha256 = Some(picture::digest(&blob.bytes)),
            3 => blob.sha256 = None,
            _ => {}
        }
    }

    pub(super) fn give_up(&self, world: &World, digest: &Digest) {
        if self.kept.borrow_mut().remove(digest).is_some() {
            world.journal.note(|| format!("blob {digest} is given up"));
        }
        self.given_up.borrow_mut().insert(*digest);
    }

    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.kept.borrow().get(digest).is_some_and(|blob| picture::digest(&blob.bytes) == *digest)
    }

    pub(super) fn was_hurt(&self, digest: &Digest) -> bool {
        self.hurt.borrow().contains(digest)
    }
}

/// The cache of one data centre.
#[derive(Default)]
pub(super) struct EdgeCache(RefCell<BTreeMap<Digest, Vec<u8>>>);

impl EdgeCache {
    pub(super) async fn get(&self, world: &World, digest: &Digest, range: Option<ByteRange>) -> Option<Opened<Body>> {
        world.pause(0, 5).await;
        if world.chance(world.faults.edge_cache_misses) {
            self.0.borrow_mut().remove(digest);
        }
        let found = self.0.borrow().get(digest).map(|bytes| Opened {
            length: u64::try_from(bytes.len()).unwrap(),
            sha256: None,
            body: part(bytes, range),
        });
        if found.is_some() {
            world.journal.saw(Event::EdgeCacheHit);
        }
        found
    }

    /// Of a reply that was broken off this cache keeps what had come: all but the last of it, which is given only when the whole
    /// is right.
    pub(super) fn put_cut(&self, digest: Digest, bytes: &[u8]) {
        let (_, cut) = bytes.split_last().unwrap_or((&0, &[]));
        self.0.borrow_mut().insert(digest, cut.to_vec());
    }

    pub(super) fn put(&self, world: &World, digest: Digest, bytes: &[u8]) {
        world.journal.expect(picture::digest(bytes) == digest, || format!("damaged bytes of {digest} are cached"));
        self.0.borrow_mut().insert(digest, bytes.to_vec());
    }
}

fn part(bytes: &[u8], range: Option<ByteRange>) -> Body {
    let Some(ByteRange { start, end_inclusive }) = range else { return Body(bytes.to_vec()) };
    let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(end_inclusive).unwrap() + 1);
    let end = end.min(bytes.len());
    Body(bytes.get(start..end).unwrap_or_default().to_vec())
}
