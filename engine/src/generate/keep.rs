//! What becomes of the pictures of a reply: each is stored while the next one arrives, and then the outcome is made durable.

use std::num::NonZeroU32;
use std::rc::Rc;

use domain::job::{Job, JobId, Money, Pool};
use domain::money::NanoUsd;
use domain::picture::Take;

use super::{Generation, with_receipt};
use crate::ask::Loose;
use crate::openai::Failure;
use crate::openai::reply::{Facts, Keep, Picture};
use crate::ports::{Change, ObjectPorts};
use crate::prices;

/// How long a picture that was paid for is tried to be stored, in waits that double.
const STORE_ATTEMPTS: u32 = 6;
const STORE_BACKOFF_MS: u64 = 200;

/// Stores each picture of a reply while the next one is still arriving.
pub(super) struct Keeper<'a, P: ObjectPorts> {
    pub(super) object: &'a Generation<P>,
    pub(super) kept: Vec<Loose>,
    pub(super) loose: Vec<(Loose, P::Paper)>,
    /// The pictures are handed over and not stored.
    pub(super) loosely: bool,
}

impl<P: ObjectPorts> Keep<P::Paper> for Keeper<'_, P> {
    fn paper(&self) -> P::Paper {
        self.object.ports.paper()
    }

    async fn keep(&mut self, picture: Picture<P::Paper>) -> Result<(), Failure> {
        let Picture { paper, digest, format, bytes, width, height } = picture;
        let described =
            Loose { digest, format, bytes, width, height, quality: String::new(), background: String::new() };
        if self.loosely {
            self.loose.push((described, paper));
            return Ok(());
        }
        let ports = &self.object.ports;
        for attempt in 0..STORE_ATTEMPTS {
            if ports.put_blob(&digest, format, &paper).await.is_ok() {
                self.kept.push(described);
                return Ok(());
            }
            ports.sleep_ms(STORE_BACKOFF_MS << attempt).await;
        }
        Err(Failure::unknown(503, "store_unavailable", "The picture was made and the store did not take it."))
    }
}

impl<P: ObjectPorts> Generation<P> {
    /// The outcome is known and every picture is in the store: makes both durable in one step.
    pub(super) fn stored(self: &Rc<Self>, id: &JobId, facts: &Facts, kept: Vec<Loose>, broke: Option<&Failure>) {
        let saved =
            self.pool.borrow_mut().as_mut().is_some_and(|pool| self.store(pool, id, facts, kept, broke).is_some());
        if !saved {
            // The records refused what is already paid. The next life finds the job dispatched, and calls it unknown.
            self.forget();
        }
    }

    /// Of a job whose reply broke, the first `kept` takes are there and the rest are not: whether those were billed is not
    /// known, so they get a receipt of their own, and are held.
    fn split(&self, job: &mut Job, kept: usize, seq: u64, now_ms: u64, broke: &Failure) -> Option<Job> {
        let mut lost = job.clone();
        lost.id = JobId::new(self.ports.bytes());
        lost.seq = seq;
        lost.takes = job.takes.split_off(kept.min(job.takes.len()));
        // The reserve of the call stays, whole, on the receipt of the takes that came.
        lost.reserve = NanoUsd::ZERO;
        lost.lose(now_ms, with_receipt(broke.error.clone(), &lost.id)).ok()?;
        lost.money = Money::Done;
        (!lost.takes.is_empty()).then_some(lost)
    }

    /// `None` where memory and store may differ afterwards.
    fn store(
        &self,
        pool: &mut Pool,
        id: &JobId,
        facts: &Facts,
        kept: Vec<Loose>,
        broke: Option<&Failure>,
    ) -> Option<()> {
        let now_ms = self.ports.now_ms();
        let seq = pool.next_seq();
        let job = pool.jobs.iter_mut().find(|job| job.id == *id)?;
        let lost = broke.and_then(|broke| self.split(job, kept.len(), seq, now_ms, broke));
        let usage = facts.usage();
        let runtime = self.runtime.borrow();
        let cost =
            usage.as_ref().zip(prices::of(&runtime, &job.model)).and_then(|(usage, price)| usage.cost(price).ok());
        job.store(now_ms, usage, cost).ok()?;
        // Fewer pictures than asked for: the job filled the first of its places, and the bill is theirs.
        job.takes.truncate(kept.len());
        let parts = u32::try_from(kept.len()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let shares: Vec<NanoUsd> = cost.map(|cost| cost.split(parts)).unwrap_or_default();
        let takes: Vec<Take> = kept
            .into_iter()
            .zip(&job.takes)
            .enumerate()
            .map(|(at, (kept, take))| Take {
                take: *take,
                digest: kept.digest,
                format: kept.format,
                bytes: kept.bytes,
                width: kept.width,
                height: kept.height,
                created_ms: now_ms,
                cost: shares.get(at).copied(),
                quality: facts.quality.clone().unwrap_or_else(|| "auto".to_owned()),
                background: facts.background.clone().unwrap_or_else(|| "auto".to_owned()),
            })
            .collect();
        let job = job.clone();
        // A purge that came while they were made has its share, which nobody sees.
        let purged = pool.take_in(&takes, job.prefer);
        let mut changes = vec![Change::Meta { key: &self.key, meta: &pool.meta }, Change::Job(&job)];
        changes.extend(takes.iter().filter(|take| pool.takes.contains_key(&take.take)).map(Change::Take));
        changes.extend(purged.into_iter().filter_map(|at| pool.purged.get(at)).map(Change::Purged));
        changes.extend(lost.as_ref().map(Change::Job));
        self.ports.save(&changes).ok()?;
        pool.jobs.extend(lost);
        Some(())
    }
}
