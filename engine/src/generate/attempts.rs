//! The attempts of a job: its money is set aside, the job is dispatched, durably, and the provider is called.

use std::num::NonZeroU32;
use std::rc::Rc;

use domain::ApiError;
use domain::access::rate::Left;
use domain::job::{Job, JobId, Want};
use domain::picture::options::Choice as _;
use futures::future::{Either, join, select};

use super::keep::Keeper;
use super::{Generation, accounts, out_of_reach, with_receipt};
use crate::ask::{Loose, Order};
use crate::openai::failure::{Certainty, Wait};
use crate::openai::reply::{self, Facts};
use crate::openai::{Failure, request};
use crate::ports::{Call, ObjectPorts, ProviderReply as _, Reserved};
use crate::settings::{MAX_ATTEMPTS, MAX_BACKOFF_MS};

/// The money of a job was not set aside.
enum Unreserved {
    /// Its own client may not, or the service as a whole.
    Refused(ApiError),
    OutOfReach(ApiError),
}

impl<P: ObjectPorts> Generation<P> {
    /// Calls the provider until the outcome is known, as often as it certainly did not bill and waiting helps.
    pub(super) async fn attempts(
        self: &Rc<Self>,
        claim: &Job,
        order: &Order,
        count: usize,
    ) -> Option<Vec<(Loose, P::Paper)>> {
        let mut waited_ms = 0;
        let (id, deadline_ms) = (&claim.id, claim.deadline_ms);
        let mut left = None;
        let (mut reserved, mut announced) = (false, false);
        loop {
            // The alarm comes after the deadline, also to an object that a crash has emptied. It is written before money is set aside and
            // before the job is dispatched, and one flush makes all of it durable: nothing leaves an object before that.
            let alarm = self.ports.set_alarm(self.watched_ms(deadline_ms));
            let dispatch = async {
                if !std::mem::replace(&mut reserved, true) {
                    left = self.reserved(claim).await?;
                }
                let dispatched = self.change(id, |job, now_ms| {
                    job.left = left;
                    job.dispatch(now_ms)
                });
                Ok(dispatched && self.ports.durable().await.is_ok())
            };
            let why = match join(alarm, dispatch).await {
                (Ok(()), Ok(true)) => None,
                (_, Ok(false)) => {
                    // Not durable: the provider must not be called. What the store holds is found out afresh.
                    self.forget();
                    return None;
                }
                (_, Err(why)) => Some(why),
                (Err(error), _) => Some(Unreserved::OutOfReach(out_of_reach(&error))),
            };
            if let Some(why) = why {
                self.end(id, |job, now_ms| match why {
                    Unreserved::Refused(why) => job.refuse(now_ms, why),
                    Unreserved::OutOfReach(why) => job.fail(now_ms, why),
                });
                return None;
            }
            // The account or the store took all of the time: a call that is cut off at once may be billed all the same.
            if self.ports.now_ms() >= deadline_ms {
                self.end(id, |job, now_ms| job.fail(now_ms, too_late()));
                return None;
            }
            if !std::mem::replace(&mut announced, true) {
                self.announce(id);
            }
            let (failure, attempt) = match self.attempt(id, order, count, deadline_ms).await {
                Ok(loosely) => return loosely,
                Err(failed) => failed,
            };
            let Certainty::NotBilled { wait } = failure.certainty else {
                self.end(id, |job, now_ms| job.lose(now_ms, with_receipt(failure.error.clone(), id)));
                return None;
            };
            let pause = wait
                .and_then(|wait| backoff(wait, attempt, waited_ms, deadline_ms.saturating_sub(self.ports.now_ms())));
            let Some(pause) = pause else {
                self.end(id, |job, now_ms| job.fail(now_ms, failure.error.clone()));
                return None;
            };
            if !self.change(id, |job, _| job.wait_for_another_attempt()) {
                self.forget();
                return None;
            }
            waited_ms += pause;
            self.ports.sleep_ms(pause).await;
        }
    }

    /// Sets the money aside in both accounts at once. What one of them granted is given back with the end of the job where the
    /// other one refused.
    async fn reserved(&self, claim: &Job) -> Result<Option<Left>, Unreserved> {
        let [client, deployment] = accounts(claim);
        let of = |account| async move {
            match self.ports.reserve(account, &claim.id, claim.reserve).await {
                Ok(Reserved::Granted { left }) => Ok(left),
                Ok(Reserved::Refused(why)) => Err(Unreserved::Refused(*why)),
                Err(error) => Err(Unreserved::OutOfReach(out_of_reach(&error))),
            }
        };
        let (client, deployment) = join(of(&client), of(&deployment)).await;
        let left = client?;
        deployment.map(|_| left)
    }

    /// One call of the provider. On failure, also the number of the attempt.
    async fn attempt(
        self: &Rc<Self>,
        id: &JobId,
        order: &Order,
        count: usize,
        deadline_ms: u64,
    ) -> Result<Option<Vec<(Loose, P::Paper)>>, (Failure, u32)> {
        let n = u32::try_from(count).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let body = request::body(&order.picture, n, &order.end_user);
        let timeout_ms = deadline_ms.saturating_sub(self.ports.now_ms());
        let call = Call { job: id, path: request::GENERATIONS, body: &body, timeout_ms };
        let mut keeper =
            Keeper { object: self, kept: Vec::new(), loose: Vec::new(), loosely: matches!(order.want, Want::Loose(_)) };
        let mut upstream = None;
        let read = async {
            let mut reply = self.ports.call(&call).await.map_err(|_| {
                Failure::unknown(502, "provider_connection_lost", "The connection to the provider was lost.")
            })?;
            upstream = reply.header("x-request-id").filter(|id| id.len() <= 200);
            reply::read(&mut reply, &mut keeper).await
        };
        let outcome = match select(std::pin::pin!(read), std::pin::pin!(self.ports.sleep_ms(timeout_ms))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(Failure::unknown(504, "provider_timeout", "The provider did not answer in time.")),
        };
        let Keeper { kept, loose, .. } = keeper;
        // Another job of this key may have made the object forget its records meanwhile.
        if self.awake().is_ok()
            && let Some(pool) = self.pool.borrow_mut().as_mut()
            && let Some(job) = pool.job_mut(id)
        {
            job.upstream_request_id = upstream;
        }
        let attempt =
            self.pool.borrow().as_ref().and_then(|pool| pool.job(id)).map_or(MAX_ATTEMPTS, |job| job.attempts);
        let (facts, broke) = match outcome {
            Ok(_) if kept.is_empty() && loose.is_empty() => {
                let failure =
                    Failure::unknown(502, "provider_reply_unusable", "The provider's reply holds no picture.");
                return Err((failure, attempt));
            }
            Ok(facts) => (facts, None),
            Err(failure) if kept.is_empty() => return Err((failure, attempt)),
            // The reply broke after some of its pictures had come whole: those are paid and kept.
            Err(failure) => (Facts::default(), Some(failure)),
        };
        self.stored(id, &facts, kept, broke.as_ref());
        let said = |loose: Loose| Loose {
            quality: facts.quality.clone().unwrap_or_else(|| order.picture.quality.as_str().to_owned()),
            background: facts.background.clone().unwrap_or_else(|| order.picture.background.as_str().to_owned()),
            ..loose
        };
        Ok(matches!(order.want, Want::Loose(_))
            .then(|| loose.into_iter().map(|(loose, paper)| (said(loose), paper)).collect()))
    }
}

/// How long to wait before the next attempt; `None` where there is none.
fn backoff(wait: Wait, attempt: u32, waited_ms: u64, left_ms: u64) -> Option<u64> {
    let pause = match wait {
        Wait::AtLeastMs(ms) => ms.max(1),
        Wait::Unstated => 500_u64.checked_shl(attempt)?,
    };
    let affordable = waited_ms.saturating_add(pause) <= MAX_BACKOFF_MS && pause < left_ms;
    (attempt < MAX_ATTEMPTS && affordable).then_some(pause)
}

fn too_late() -> ApiError {
    let message = "There was no time left to make the picture. Nothing was bought; try again.";
    ApiError::new(504, "server_error", "generation_timeout", message).retry_after_ms(1_000)
}
