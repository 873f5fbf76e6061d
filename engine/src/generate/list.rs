//! Telling the catalog what became of a job: when it is dispatched, as well as it goes, and when it has ended, until it is heard.

use std::convert::Infallible;
use std::rc::Rc;

use domain::job::JobId;

use super::Generation;
use crate::catalog::Registration;
use crate::ports::ObjectPorts;

impl<P: ObjectPorts> Generation<P> {
    /// Beside the call of the provider, which does not wait for it.
    pub(super) fn announce(self: &Rc<Self>, id: &JobId) {
        let Some(registration) = self.registration(id) else { return };
        let this = Rc::clone(self);
        self.ports.spawn(Box::pin(async move {
            // What is not heard now is told when the job has ended.
            let _ = this.ports.register(&registration).await;
        }));
    }

    /// True once the catalog has heard how the job ended. One at a time for each job: a slower one would be heard last with what was
    /// true before. That the other one is heard is not known yet, so the alarm looks again.
    pub(super) async fn list(self: &Rc<Self>, id: &JobId) -> bool {
        if !self.listing.borrow_mut().insert(id.clone()) {
            return false;
        }
        let listed = self.listed(id).await;
        self.listing.borrow_mut().remove(id);
        listed
    }

    async fn listed(self: &Rc<Self>, id: &JobId) -> bool {
        let Some(registration) = self.registration(id) else { return false };
        if self.ports.register(&registration).await.is_err() {
            return false;
        }
        // What a purge took meanwhile is told in another round.
        let same = self.registration(id).as_ref() == Some(&registration);
        same && self.change(id, |job, _| {
            job.listed = true;
            Ok::<(), Infallible>(())
        })
    }

    fn registration(&self, id: &JobId) -> Option<Registration> {
        let pool = self.pool.borrow();
        let pool = pool.as_ref()?;
        let job = pool.job(id)?;
        Some(Registration {
            key: self.key,
            picture: pool.kept.clone()?,
            tags: job.tags.clone(),
            preferred: pool.pointer().preferred,
            receipts: pool.receipts_of(job),
            takes: job.takes.iter().filter_map(|take| pool.takes.get(take)).cloned().collect(),
            purged: pool.purged_of(job),
        })
    }
}
