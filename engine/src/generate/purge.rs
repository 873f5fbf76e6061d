//! Purging what this object has, and putting it back: decided and written in one step, then made known.

use std::rc::Rc;

use domain::ApiError;
use domain::job::Pool;
use domain::purge::PurgeId;
use tokio::sync::oneshot;

use super::{Generation, out_of_reach};
use crate::ask::Answer;
use crate::ports::{Change, ObjectPorts, StoreError};

impl<P: ObjectPorts> Generation<P> {
    /// Once this is answered, nobody who asks this object is given what was purged. The pointer store has been told by then, or the alarm
    /// tells it.
    pub(super) async fn purge(
        self: &Rc<Self>,
        purge: &PurgeId,
        takes: Option<&[u32]>,
        at_ms: u64,
        until_ms: Option<u64>,
    ) -> Result<Answer, ApiError> {
        self.rewrite(|pool| pool.purge(purge, takes, at_ms, until_ms))?;
        self.made_known().await?;
        self.answer(|pool| Answer::Purged { takes: pool.held_by(purge).to_vec(), preferred: pool.pointer().preferred })
    }

    pub(super) async fn restore(self: &Rc<Self>, purge: &PurgeId) -> Result<Answer, ApiError> {
        let now_ms = self.ports.now_ms();
        self.rewrite(|pool| pool.restore(purge, now_ms))?;
        self.made_known().await?;
        self.answer(|pool| Answer::Restored { takes: pool.given_back(purge), preferred: pool.pointer().preferred })
    }

    /// Changes what purges hold. `how` gives the place of the record that it changed, if it changed one.
    fn rewrite(&self, how: impl FnOnce(&mut Pool) -> Option<usize>) -> Result<(), ApiError> {
        let mut pool = self.pool.borrow_mut();
        let pool = pool.as_mut().ok_or_else(forgotten)?;
        let mut after = pool.clone();
        let Some(purged) = how(&mut after).and_then(|at| after.purged.get(at)) else { return Ok(()) };
        let mut changes = vec![Change::Meta { key: &self.key, meta: &after.meta }, Change::Purged(purged)];
        for take in &purged.takes {
            changes.push(match after.takes.get(&take.take) {
                Some(take) => Change::Take(take),
                None => Change::Gone(take.take),
            });
        }
        self.ports.save(&changes).map_err(|error| out_of_reach(&error))?;
        *pool = after;
        Ok(())
    }

    /// Durable first, then published. Where neither the pointer store nor the alarm can be reached, whoever asks has to ask again.
    async fn made_known(self: &Rc<Self>) -> Result<(), ApiError> {
        if let Err(error) = self.ports.durable().await {
            self.forget();
            return Err(out_of_reach(&error));
        }
        if !self.pool.borrow().as_ref().is_some_and(|pool| pool.meta.unpublished) {
            return Ok(());
        }
        // On its own: whoever asks may leave in the middle, and what is half published would keep everything behind it waiting.
        let (sender, receiver) = oneshot::channel();
        let this = Rc::clone(self);
        self.ports.spawn(Box::pin(async move {
            let known = this.publish().await || this.arrange(true).await;
            // Nobody may be left to hear it.
            let _ = sender.send(known);
        }));
        match receiver.await {
            Ok(true) => Ok(()),
            _ => Err(out_of_reach(&StoreError("neither published nor arranged".to_owned()))),
        }
    }

    fn answer(self: &Rc<Self>, told: impl FnOnce(&Pool) -> Answer) -> Result<Answer, ApiError> {
        self.awake().map_err(|error| out_of_reach(&error))?;
        self.pool.borrow().as_ref().map(told).ok_or_else(forgotten)
    }
}

fn forgotten() -> ApiError {
    out_of_reach(&StoreError("not loaded".to_owned()))
}
