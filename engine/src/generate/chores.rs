//! What is left to do when a job has ended: publishing its pictures, ending its reserves, and telling the catalog. The alarm comes back
//! for what does not succeed at once.

use std::rc::Rc;

use domain::job::{Job, JobId, Money, Pool, State};
use futures::future::join;

use super::{ALARM_GRACE_MS, Generation, accounts};
use crate::ports::{Change, ObjectPorts, Outcome};

/// When what is left to do after a job or a purge is tried again.
const CHORES_AGAIN_MS: u64 = 5_000;

impl<P: ObjectPorts> Generation<P> {
    /// Publishes the pointer, settles the money and tells the catalog, as far as they are still to be done; the alarm comes back for
    /// the rest.
    pub(super) async fn chores(self: &Rc<Self>) {
        let unpublished = self.pool.borrow().as_ref().is_some_and(|pool| pool.meta.unpublished);
        let mut left = false;
        if unpublished {
            left |= !self.publish().await;
        }
        let pending: Vec<Job> = self
            .pool
            .borrow()
            .as_ref()
            .map(|pool| pool.jobs.iter().filter(|job| job.has_chores()).cloned().collect())
            .unwrap_or_default();
        for job in pending {
            left |= !self.settle(&job).await;
        }
        let unlisted = |pool: &Pool| pool.unlisted().map(|job| job.id.clone()).collect();
        let unlisted: Vec<JobId> = self.pool.borrow().as_ref().map(unlisted).unwrap_or_default();
        for id in unlisted {
            left |= !self.list(&id).await;
        }
        self.arrange(left).await;
    }

    /// When the alarm has to look after a job: behind its deadline, and sooner where the pointer store has yet to learn of a purge.
    pub(super) fn watched_ms(&self, deadline_ms: u64) -> u64 {
        let at_ms = deadline_ms.saturating_add(ALARM_GRACE_MS);
        let unpublished = self.pool.borrow().as_ref().is_some_and(|pool| pool.meta.unpublished);
        if unpublished { at_ms.min(self.ports.now_ms().saturating_add(CHORES_AGAIN_MS)) } else { at_ms }
    }

    /// There is one alarm, for the earliest of: chores that are left, and the end of a job that a crash could cut off. False where it
    /// could not be set.
    pub(super) async fn arrange(&self, left: bool) -> bool {
        let soon_ms = self.ports.now_ms().saturating_add(CHORES_AGAIN_MS);
        let chores = left.then_some(soon_ms);
        let pool = self.pool.borrow().as_ref().map(|pool| {
            pool.jobs
                .iter()
                .filter(|job| job.state.is_active())
                // A job that is past its deadline is still being stored: looking again at once would find it so.
                .map(|job| job.deadline_ms.saturating_add(ALARM_GRACE_MS).max(soon_ms))
                .min()
        });
        match chores.into_iter().chain(pool.flatten()).min() {
            // Without an alarm the next request wakes the object, and finds the same work.
            Some(at_ms) => self.ports.set_alarm(at_ms).await.is_ok(),
            None => true,
        }
    }

    pub(super) async fn publish(&self) -> bool {
        // One at a time, so that an older pointer never arrives behind a newer one. That the other one arrives is not known
        // yet, so the alarm looks again.
        if self.publishing.replace(true) {
            return false;
        }
        let published = loop {
            let Some(pointer) = self.look() else { break true };
            if self.ports.publish(&self.key, &pointer).await.is_err() {
                break false;
            }
            let mut pool = self.pool.borrow_mut();
            let Some(pool) = pool.as_mut() else { break true };
            // A take that arrived while the pointer was on its way is published in another round.
            if pool.pointer() == pointer {
                pool.meta.unpublished = false;
                let saved = self.ports.save(&[Change::Meta { key: &self.key, meta: &pool.meta }]).is_ok();
                pool.meta.unpublished = !saved;
                break saved;
            }
        };
        self.publishing.set(false);
        published
    }

    async fn settle(self: &Rc<Self>, job: &Job) -> bool {
        let outcome = match (job.state, job.cost) {
            (State::Stored, Some(cost)) => Outcome::Settle(cost),
            (State::Failed, _) => Outcome::Release,
            _ => Outcome::Keep,
        };
        let [client, deployment] = accounts(job);
        let of = |account| self.ports.close(account, &job.id, outcome);
        let (Ok(()), Ok(())) = join(of(&client), of(&deployment)).await else { return false };
        self.change(&job.id, |job, _| {
            job.money = Money::Done;
            if job.state == State::Stored { job.settle() } else { Ok(()) }
        })
    }
}
