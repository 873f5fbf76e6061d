//! What the catalog does beside answering: it asks the objects of a purge, deletes bytes, and has caches drop what
//! they hold.
//!
//! In scope: one turn of that work, and when the next is due. The alarm is set before the work, so that a crash
//! resumes it; nothing here
//! is remembered that a crash would lose. Out of scope: how an object takes back (`engine::generate`).

use std::cell::{Cell, RefCell};

use domain::admin::Event;
use domain::picture::{Digest, PictureKey, Take};
use domain::purge::{PurgeId, PurgeState};
use futures::stream::{self, StreamExt as _};

pub use super::cdn::{EVERY_TAG, tag};
use super::items::Lease;
use super::{Catalog, CatalogAnswer, CatalogAsk, Database};
use crate::ports::{Clock, ObjectError, StoreError};

/// What the catalog needs of the world.
pub trait CatalogPorts: Clock {
    /// Has the object of a key take back, by this purge, `takes` (`None` is all) that were made or whose jobs were
    /// claimed by `at_ms`. Asked again, it
    /// says the same again. They can be put back until `until_ms`, which for a hard purge is past; such a one also
    /// takes over what was
    /// purged softly.
    async fn take_back(
        &self,
        key: &PictureKey,
        purge: &PurgeId,
        takes: Option<&[u32]>,
        at_ms: u64,
        until_ms: u64,
    ) -> Result<Vec<Take>, ObjectError>;

    /// Has the object of a key put back what this purge took, if it took anything.
    async fn put_back(&self, key: &PictureKey, purge: &PurgeId) -> Result<(), ObjectError>;

    /// Deletes bytes. That there are none is as good.
    async fn delete_blob(&self, digest: &Digest) -> Result<(), StoreError>;

    /// Has caches before the Worker drop what bears one of these tags. The error is a reason, for an operator.
    async fn drop_from_cdn(&self, tags: &[String]) -> Result<(), String>;

    /// Wakes the catalog at this time, also after a crash. An earlier alarm is replaced.
    async fn set_alarm(&self, at_ms: u64) -> Result<(), StoreError>;
}

/// What a turn came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    /// With their numbers in the feed, where they are already.
    pub events: Vec<(u64, Event)>,
    /// When there is more to do; an alarm is set for it.
    pub wake_ms: Option<u64>,
}

/// A purge of no more pictures than this is done when its request is answered.
pub const SMALL: u64 = 64;

const ITEMS: usize = 256;
const AT_ONCE: usize = 32;

/// Calls of the CDN in one turn: few plans allow more at once.
const DROPS: usize = 20;

/// If a turn does not come to its end, the next begins so long after it.
const RESUME_MS: u64 = 30_000;

/// Bytes that could not be deleted are tried again after this.
const RETRY_MS: u64 = 30_000;

const PROGRESS_MS: u64 = 1_000;

/// One turn: of every purge, or of one.
pub async fn turn<D: Database, P: CatalogPorts>(
    catalog: &Catalog<D>,
    ports: &P,
    only: Option<&PurgeId>,
) -> Result<Turn, StoreError> {
    catalog.ensure()?;
    catalog.stirred.set(false);
    let now_ms = ports.now_ms();
    let leases = catalog.lease(now_ms, ITEMS, only)?;
    if !leases.is_empty() || wake(catalog, now_ms)?.is_some_and(|wake_ms| wake_ms <= now_ms) {
        ports.set_alarm(now_ms.saturating_add(RESUME_MS)).await?;
    }
    let work =
        Work { catalog, ports, events: RefCell::default(), broken: RefCell::default(), undeleted: Cell::new(false) };
    stream::iter(leases).for_each_concurrent(AT_ONCE, |lease| work.ask(lease)).await;
    work.delete().await?;
    work.drop_from_cdn().await?;
    if let Some(error) = work.broken.take() {
        return Err(error);
    }
    let now_ms = ports.now_ms();
    let mut wake_ms = wake(catalog, now_ms)?;
    if work.undeleted.get() {
        wake_ms = wake_ms.map(|wake_ms| wake_ms.max(now_ms.saturating_add(RETRY_MS)));
    }
    if let Some(wake_ms) = wake_ms {
        ports.set_alarm(wake_ms).await?;
    }
    Ok(Turn { events: work.events.take(), wake_ms })
}

/// Answers the beginning or the undoing of a purge: a small one when it is done, a larger one when it is on its way.
pub async fn purge<D: Database, P: CatalogPorts>(
    catalog: &Catalog<D>,
    ports: &P,
    ask: CatalogAsk,
) -> Result<(CatalogAnswer, Turn), StoreError> {
    let answer = catalog.ask(ask, ports.now_ms())?;
    let CatalogAnswer::Purge { purge } = &answer else { return Ok((answer, Turn::default())) };
    let (Some(id), Some(PurgeState::Running | PurgeState::Undoing)) = (&purge.id, purge.state) else {
        arm(catalog, ports).await?;
        return Ok((answer, Turn::default()));
    };
    if purge.plan.pictures > SMALL {
        arm(catalog, ports).await?;
        return Ok((answer, Turn::default()));
    }
    let turn = turn(catalog, ports, Some(id)).await?;
    Ok((catalog.ask(CatalogAsk::ShowPurge { id: id.clone() }, ports.now_ms())?, turn))
}

/// Wakes the catalog if an ask left something to do. To be called after any that may have.
pub async fn arm<D: Database, P: CatalogPorts>(catalog: &Catalog<D>, ports: &P) -> Result<(), StoreError> {
    if catalog.stirred.replace(false)
        && let Some(wake_ms) = wake(catalog, ports.now_ms())?
    {
        ports.set_alarm(wake_ms).await?;
    }
    Ok(())
}

/// When there is something to do next; now, if there is already.
fn wake<D: Database>(catalog: &Catalog<D>, now_ms: u64) -> Result<Option<u64>, StoreError> {
    let doomed = !catalog.doomed(now_ms, 1)?.is_empty();
    let times =
        [catalog.next_due()?, doomed.then_some(now_ms), catalog.next_doom(now_ms)?, catalog.next_drop_ms(now_ms)?];
    Ok(times.into_iter().flatten().min().map(|next| next.max(now_ms)))
}

struct Work<'a, D, P> {
    catalog: &'a Catalog<D>,
    ports: &'a P,
    events: RefCell<Vec<(u64, Event)>>,
    /// The first that the store could not do.
    broken: RefCell<Option<StoreError>>,
    undeleted: Cell<bool>,
}

impl<D: Database, P: CatalogPorts> Work<'_, D, P> {
    async fn ask(&self, lease: Lease<'_, D>) {
        let item = &lease.item;
        let answer = if item.back {
            self.ports.put_back(&item.key, &item.purge).await.map(|()| None)
        } else {
            let takes = item.takes.as_deref();
            self.ports.take_back(&item.key, &item.purge, takes, item.at_ms, item.until_ms).await.map(Some)
        };
        let now_ms = self.ports.now_ms();
        let noted = match answer {
            Ok(Some(said)) => self.catalog.taken(item, &said, now_ms),
            Ok(None) => self.catalog.put_back(item, now_ms),
            Err(_) => self.catalog.failed(item, now_ms).map(|()| false),
        };
        if let Err(error) = noted.and_then(|ended| self.tell(item.id.purge, ended, now_ms)) {
            self.broken.borrow_mut().get_or_insert(error);
        }
    }

    /// Tells the feed how far a purge has come: about once a second, and at its end.
    fn tell(&self, purge: i64, ended: bool, now_ms: u64) -> Result<(), StoreError> {
        let recently = |told_ms: &u64| now_ms < told_ms.saturating_add(PROGRESS_MS);
        if !ended && self.catalog.told.borrow().get(&purge).is_some_and(recently) {
            return Ok(());
        }
        if ended {
            self.catalog.told.borrow_mut().remove(&purge);
        } else {
            self.catalog.told.borrow_mut().insert(purge, now_ms);
        }
        self.events.borrow_mut().extend(self.catalog.progress(purge, now_ms)?);
        Ok(())
    }

    async fn delete(&self) -> Result<(), StoreError> {
        let doomed = self.catalog.doomed(self.ports.now_ms(), ITEMS)?;
        let delete = async |digest: Digest| {
            if self.ports.delete_blob(&digest).await.is_err() {
                self.undeleted.set(true);
            } else if let Err(error) = self.catalog.bytes_gone(&digest) {
                self.broken.borrow_mut().get_or_insert(error);
            }
        };
        stream::iter(doomed).for_each_concurrent(AT_ONCE, delete).await;
        Ok(())
    }

    async fn drop_from_cdn(&self) -> Result<(), StoreError> {
        for _ in 0..DROPS {
            let Some(drop) = self.catalog.next_drop(self.ports.now_ms())? else { break };
            match self.ports.drop_from_cdn(&drop.tags).await {
                Ok(()) => self.catalog.dropped(&drop, self.ports.now_ms())?,
                Err(reason) => self.catalog.not_dropped(&drop, &reason, self.ports.now_ms())?,
            }
        }
        Ok(())
    }
}
