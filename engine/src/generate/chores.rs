//! What is left to do when a job has ended: publishing its pictures and ending its reserves. The alarm comes back for what does
//! not succeed at once.

use std::rc::Rc;

use domain::job::{Job, Money, State};
use futures::future::join;

use super::{ALARM_GRACE_MS, Generation, accounts};
use crate::ports::{Change, ObjectPorts, Outcome};

/// When what is left to do after a job (publishing, settling) is tried again.
const CHORES_AGAIN_MS: u64 = 5_000;

impl<P: ObjectPorts> Generation<P> {
    /// Publishes the pointer and settles the money, as far as they are still to be done; the alarm comes back for the rest.
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
        self.arrange(left).await;
    }

    /// There is one alarm, for the earliest of: chores that are left, and the end of a job that a crash could cut off.
    pub(super) async fn arrange(&self, left: bool) {
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
        if let Some(at_ms) = chores.into_iter().chain(pool.flatten()).min() {
            // Without an alarm the next request wakes the object, and finds the same work.
            let _ = self.ports.set_alarm(at_ms).await;
        }
    }

    async fn publish(&self) -> bool {
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
