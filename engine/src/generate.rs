//! The life of one job, its leader and its followers: what the object of a key does.
//!
//! The rule that carries the rest: a decision to buy is taken from the durable state of this object and made durable before
//! the provider is called. Between two awaits nothing else runs in an object, so looking and claiming are one step.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;

use domain::ApiError;
use domain::access::AccountName;
use domain::access::rate::Left;
use domain::error::Retry;
use domain::job::{Job, JobId, Joined, Money, Plan, Pool, Slot, State, Want};
use domain::money::NanoUsd;
use domain::picture::options::Choice as _;
use domain::picture::{Picture as Canonical, PictureKey, Take};
use futures::future::{Either, join, select};
use tokio::sync::watch;

use crate::ask::{Answer, Ask, Bill, How, Loose, Made, Order, Place};
use crate::openai::failure::{Certainty, Wait};
use crate::openai::reply::{self, Facts, Keep, Picture};
use crate::openai::{Failure, request};
use crate::ports::{Call, Change, ObjectPorts, Outcome, ProviderReply as _, Reserved, StoreError};
use crate::prices;
use crate::settings::{MAX_ATTEMPTS, MAX_BACKOFF_MS, OBJECT_GRACE_MS};

/// The object of one key.
pub struct Generation<P: ObjectPorts> {
    ports: P,
    key: PictureKey,
    pool: RefCell<Option<Pool>>,
    running: RefCell<BTreeMap<JobId, Waiting<P::Paper>>>,
    publishing: Cell<bool>,
}

type Waiting<B> = watch::Receiver<Progress<B>>;

/// How far a running job is, for whoever waits.
enum Progress<B> {
    Running,
    Ended,
    /// Ended, and these are its pictures, which are not kept anywhere else.
    Loose(Rc<Vec<(Loose, B)>>),
}

/// Pictures that travel with an answer because no store keeps them.
pub type Loosely<B> = Option<Rc<Vec<(Loose, B)>>>;

/// How long a picture that was paid for is tried to be stored, in waits that double.
const STORE_ATTEMPTS: u32 = 6;
const STORE_BACKOFF_MS: u64 = 200;

/// How many refused clients in a row a request may have waited for before it is told to come back.
const MAX_ROUNDS: u32 = 8;

/// How long after a job's deadline the alarm looks whether a crash cut it off.
const ALARM_GRACE_MS: u64 = 1_000;

/// How long publishing and settling wait for the answers to be on their way.
const CHORES_AFTER_MS: u64 = 5;

/// When what is left to do after a job (publishing, settling) is tried again.
const CHORES_AGAIN_MS: u64 = 5_000;

impl<P: ObjectPorts> Generation<P> {
    pub fn new(ports: P, key: PictureKey) -> Rc<Self> {
        Rc::new(Self {
            ports,
            key,
            pool: RefCell::new(None),
            running: RefCell::new(BTreeMap::new()),
            publishing: Cell::new(false),
        })
    }

    /// Answers an isolate.
    pub async fn ask(self: &Rc<Self>, ask: Ask) -> (Answer, Loosely<P::Paper>) {
        if let Err(error) = self.awake() {
            return (Answer::Refused { error: out_of_reach(&error) }, None);
        }
        let answered = match ask {
            Ask::Look => Ok((Answer::Pool { pointer: self.look() }, None)),
            Ask::Receipts => Ok((self.receipts(), None)),
            Ask::Make(order) => self.make(*order).await,
            Ask::Keep(picture) => self.keep(*picture).map(|answer| (answer, None)),
            Ask::Kept => {
                let picture = self.pool.borrow().as_ref().and_then(|pool| pool.kept.clone().map(Box::new));
                Ok((Answer::Kept { picture }, None))
            }
        };
        answered.unwrap_or_else(|error| (Answer::Refused { error }, None))
    }

    /// The alarm: finishes what a crash or an unreachable store left undone. Running it again changes nothing.
    pub async fn alarm(self: &Rc<Self>) -> Result<(), StoreError> {
        self.awake()?;
        if self.pool.borrow().as_ref().is_some_and(Pool::has_chores) {
            // This alarm has rung, and the chores may take long: a crash among them must not leave the rest to nobody.
            self.arrange(true).await;
        }
        self.chores().await;
        Ok(())
    }

    fn look(&self) -> Option<domain::picture::Pointer> {
        let pool = self.pool.borrow();
        pool.as_ref().filter(|pool| !pool.takes.is_empty()).map(Pool::pointer)
    }

    fn receipts(&self) -> Answer {
        let pool = self.pool.borrow();
        let (pointer, receipts) = pool.as_ref().map(|pool| (pool.pointer(), pool.receipts())).unwrap_or_default();
        Answer::Receipts { pointer, receipts }
    }

    /// Keeps what was asked for, once: under one key it is always the same.
    fn keep(&self, picture: Canonical) -> Result<Answer, ApiError> {
        let mut pool = self.pool.borrow_mut();
        let pool = pool.as_mut().ok_or_else(|| out_of_reach(&StoreError("not loaded".to_owned())))?;
        if PictureKey::of(&picture) == self.key && pool.kept.is_none() {
            pool.meta.namespace.clone_from(&picture.namespace);
            let changes = [Change::Meta { key: &self.key, meta: &pool.meta }, Change::Kept(&picture)];
            self.ports.save(&changes).map_err(|error| out_of_reach(&error))?;
            pool.kept = Some(picture);
        }
        Ok(Answer::Kept { picture: pool.kept.clone().map(Box::new) })
    }

    async fn make(self: &Rc<Self>, order: Order) -> Result<(Answer, Loosely<P::Paper>), ApiError> {
        for _ in 0..MAX_ROUNDS {
            if let Some(answer) = self.round(&order).await? {
                return Ok(answer);
            }
        }
        Err(out_of_sight())
    }

    /// One plan, and what became of it. `None` where another client's job was waited for, and that client may not pay for it: this
    /// one may, so it is planned anew.
    async fn round(self: &Rc<Self>, order: &Order) -> Result<Option<(Answer, Loosely<P::Paper>)>, ApiError> {
        let (plan, mine) = self.claim(order)?;
        let Plan { slots, loose, .. } = plan;
        // Taken up before the first await: a job that ends in between is no longer listed, and its outcome would be missed.
        let waited = self.join(&slots, order, mine.as_ref());
        let mut loosely = None;
        for (id, receiver) in waited {
            loosely = self.wait(&id, receiver).await?.or(loosely);
        }
        self.awake().map_err(|_| out_of_sight())?;
        if loose.is_some() {
            let Some(pictures) = loosely else { return Err(self.failure(mine.as_ref(), mine.as_ref())) };
            let listed = pictures.iter().map(|(loose, _)| loose.clone()).collect();
            return Ok(Some((Answer::Loose { pictures: listed, bill: self.bill(mine.as_ref()) }, Some(pictures))));
        }
        let mut places = Vec::with_capacity(slots.len());
        for slot in slots {
            let (take, how, job) = match &slot {
                Slot::Have(take) => (*take, How::Had, None),
                Slot::Join(take, id) => (*take, How::Joined, Some(id)),
                Slot::Make(take) => (*take, How::Made, mine.as_ref()),
            };
            let there = self.pool.borrow().as_ref().is_some_and(|pool| pool.takes.contains_key(&take));
            if !there && self.refused_another(job, order) {
                // What this request had made itself is there the next time; its bill is told now or never.
                return if mine.is_some() { Err(out_of_sight()) } else { Ok(None) };
            }
            if !there {
                return Err(self.failure(job, mine.as_ref()));
            }
            places.push(Place { take, how });
        }
        let pointer = self.look().unwrap_or_default();
        Ok(Some((Answer::Made(Made { pointer, places, bill: self.bill(mine.as_ref()) }), None)))
    }

    fn refused_another(&self, job: Option<&JobId>, order: &Order) -> bool {
        let pool = self.pool.borrow();
        let job = job.and_then(|id| pool.as_ref()?.job(id));
        job.is_some_and(|job| job.refused && job.client != order.client)
    }

    /// Plans, and claims what has to be made: one step, without an await, so that no other request can come between.
    fn claim(self: &Rc<Self>, order: &Order) -> Result<(Plan, Option<JobId>), ApiError> {
        let now_ms = self.ports.now_ms();
        let mut pool = self.pool.borrow_mut();
        let pool = pool.as_mut().ok_or_else(|| out_of_reach(&StoreError("not loaded".to_owned())))?;
        let plan = pool.plan(order.want, &order.request, now_ms)?;
        if plan.make.is_empty() && plan.loose.is_none() {
            return Ok((plan, None));
        }
        let count = plan.loose.map_or(plan.make.len(), |n| n.get() as usize);
        let job = self.new_job(order, plan.make.clone(), count, pool.next_seq(), now_ms)?;
        let id = job.id.clone();
        pool.meta.namespace.clone_from(&order.picture.namespace);
        let surplus = pool.surplus();
        let mut changes = vec![Change::Meta { key: &self.key, meta: &pool.meta }, Change::Job(&job)];
        changes.extend(surplus.iter().map(|seq| Change::Forget(*seq)));
        self.ports.save(&changes).map_err(|error| out_of_reach(&error))?;
        pool.jobs.retain(|job| !surplus.contains(&job.seq));
        pool.jobs.push(job.clone());
        let (progress, receiver) = watch::channel(Progress::Running);
        self.running.borrow_mut().insert(id.clone(), receiver);
        let (this, order) = (Rc::clone(self), order.clone());
        self.ports.spawn(Box::pin(async move { this.run(job, order, count, progress).await }));
        Ok((plan, Some(id)))
    }

    fn new_job(&self, order: &Order, takes: Vec<u32>, count: usize, seq: u64, now_ms: u64) -> Result<Job, ApiError> {
        let picture = &order.picture;
        let reserve = prices::most(picture, u32::try_from(count).unwrap_or(u32::MAX))?;
        Ok(Job {
            id: JobId::new(self.ports.bytes()),
            seq,
            state: State::Claimed,
            takes,
            prefer: matches!(order.want, Want::New { prefer: true, .. }),
            client: order.client.clone(),
            model: picture.model.clone(),
            leader: order.request.clone(),
            joined: Joined::default(),
            reserve,
            money: Money::Reserved,
            usage: None,
            cost: None,
            attempts: 0,
            upstream_request_id: None,
            hold: order.hold,
            claimed_ms: now_ms,
            dispatched_ms: None,
            ended_ms: None,
            deadline_ms: now_ms.saturating_add(order.timeout_ms),
            failure: None,
            refused: false,
            left: None,
        })
    }

    /// The jobs that this request waits for. Those that another request started learn of it.
    fn join(&self, slots: &[Slot], order: &Order, mine: Option<&JobId>) -> Vec<(JobId, Waiting<P::Paper>)> {
        let mut ids: Vec<&JobId> = mine.into_iter().collect();
        for slot in slots {
            if let Slot::Join(_, id) = slot
                && !ids.contains(&id)
            {
                ids.push(id);
                if let Some(job) = self.pool.borrow_mut().as_mut().and_then(|pool| pool.job_mut(id))
                    && job.leader != order.request
                {
                    // Written with the job's next change. A crash before that forgets who waited; they are told of the crash.
                    job.joined.add(order.request.clone());
                }
            }
        }
        let running = self.running.borrow();
        ids.into_iter().filter_map(|id| Some((id.clone(), running.get(id)?.clone()))).collect()
    }

    /// Waits for a job, and no longer than it may take.
    async fn wait(&self, id: &JobId, mut receiver: Waiting<P::Paper>) -> Result<Loosely<P::Paper>, ApiError> {
        let deadline_ms = self.pool.borrow().as_ref().and_then(|pool| pool.job(id)).map_or(0, |job| job.deadline_ms);
        let patience = deadline_ms.saturating_sub(self.ports.now_ms()).saturating_add(OBJECT_GRACE_MS / 2);
        let ended = std::pin::pin!(async {
            match receiver.wait_for(|progress| !matches!(progress, Progress::Running)).await {
                Ok(progress) => match &*progress {
                    Progress::Loose(pictures) => Some(Rc::clone(pictures)),
                    Progress::Running | Progress::Ended => None,
                },
                Err(_) => None,
            }
        });
        match select(ended, std::pin::pin!(self.ports.sleep_ms(patience))).await {
            Either::Left((loosely, _)) => Ok(loosely),
            Either::Right(_) => Err(ApiError::new(
                504,
                "server_error",
                "generation_timeout",
                format!("The picture is not ready yet. Receipt: {}.", id.as_str()),
            )),
        }
    }

    /// What is told of a job that did not make what was waited for. Whoever started it was counted, and is told that, too.
    fn failure(&self, job: Option<&JobId>, mine: Option<&JobId>) -> ApiError {
        let pool = self.pool.borrow();
        // The records did not take the last step, and what they hold is found out by the next request.
        let Some(pool) = pool.as_ref() else { return out_of_reach(&StoreError("forgotten".to_owned())) };
        let job = job.and_then(|id| pool.job(id));
        let mut failure = job.and_then(|job| job.failure.clone()).unwrap_or_else(|| {
            let message = "The provider made fewer pictures than it was asked for.";
            ApiError::new(502, "server_error", "provider_reply_unusable", message)
        });
        if let Some(left) = job.filter(|job| Some(&job.id) == mine).and_then(|job| job.left) {
            failure.rate = Some(Box::new(left));
        }
        failure
    }

    fn bill(&self, mine: Option<&JobId>) -> Bill {
        let pool = self.pool.borrow();
        let Some(id) = mine else { return Bill { cost: Some(NanoUsd::ZERO), ..Bill::default() } };
        let job = pool.as_ref().and_then(|pool| pool.job(id));
        Bill {
            job: Some(id.clone()),
            usage: job.and_then(|job| job.usage.clone()),
            provider_ms: job.and_then(|job| job.ended_ms?.checked_sub(job.dispatched_ms?)),
            cost: job.and_then(|job| job.cost),
            left: job.and_then(|job| job.left),
        }
    }

    /// Loads the durable state once per life of this object. Jobs that it finds at work are left from a life that ended:
    /// they are moved to where they belong, and the alarm sees to the rest.
    fn awake(self: &Rc<Self>) -> Result<(), StoreError> {
        if self.pool.borrow().is_some() {
            return Ok(());
        }
        let mut pool = self.ports.load()?;
        let now_ms = self.ports.now_ms();
        let recovered: Vec<usize> = self.recover(&mut pool, now_ms);
        let changes: Vec<_> = recovered.iter().filter_map(|at| pool.jobs.get(*at)).map(Change::Job).collect();
        if !changes.is_empty() {
            self.ports.save(&changes)?;
        }
        let left = pool.has_chores();
        *self.pool.borrow_mut() = Some(pool);
        if left {
            let this = Rc::clone(self);
            self.ports.spawn(Box::pin(async move { this.chores().await }));
        }
        Ok(())
    }

    /// Moves what nobody runs any more. Gives the places of the jobs that changed.
    fn recover(&self, pool: &mut Pool, now_ms: u64) -> Vec<usize> {
        let running = self.running.borrow();
        let abandoned = pool.jobs.iter_mut().enumerate().filter(|(_, job)| !running.contains_key(&job.id));
        abandoned.filter_map(|(at, job)| job.recover(now_ms).then_some(at)).collect()
    }

    /// Runs `job`, which is here as it was claimed: the pool may be read anew while it runs.
    async fn run(self: Rc<Self>, job: Job, order: Order, count: usize, progress: watch::Sender<Progress<P::Paper>>) {
        let loosely = self.attempts(&job, &order, count).await;
        self.running.borrow_mut().remove(&job.id);
        // Whoever waits is woken as soon as the outcome is durable. Publishing and settling follow when the answers are on their way; a
        // crash in between leaves them to the alarm.
        let _ = progress.send(loosely.map_or(Progress::Ended, |pictures| Progress::Loose(Rc::new(pictures))));
        self.ports.sleep_ms(CHORES_AFTER_MS).await;
        self.chores().await;
    }

    /// Calls the provider until the outcome is known, as often as it certainly did not bill and waiting helps.
    async fn attempts(self: &Rc<Self>, claim: &Job, order: &Order, count: usize) -> Option<Vec<(Loose, P::Paper)>> {
        let mut waited_ms = 0;
        let (id, deadline_ms) = (&claim.id, claim.deadline_ms);
        let mut left = None;
        let mut reserved = false;
        loop {
            // The alarm comes after the deadline, also to an object that a crash has emptied. It is written before money is set aside and
            // before the job is dispatched, and one flush makes all of it durable: nothing leaves an object before that.
            let alarm = self.ports.set_alarm(deadline_ms.saturating_add(ALARM_GRACE_MS));
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

    /// The outcome is known and every picture is in the store: makes both durable in one step.
    fn stored(self: &Rc<Self>, id: &JobId, facts: &Facts, kept: Vec<Loose>, broke: Option<&Failure>) {
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
        let cost = usage.as_ref().zip(prices::of(&job.model)).and_then(|(usage, price)| usage.cost(price).ok());
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
        if job.prefer
            && let Some(first) = takes.first()
        {
            pool.meta.preferred = first.take;
        }
        pool.meta.unpublished |= !takes.is_empty();
        let mut changes = vec![Change::Meta { key: &self.key, meta: &pool.meta }, Change::Job(job)];
        changes.extend(takes.iter().map(Change::Take));
        changes.extend(lost.as_ref().map(Change::Job));
        self.ports.save(&changes).ok()?;
        pool.takes.extend(takes.into_iter().map(|take| (take.take, take)));
        pool.jobs.extend(lost);
        Some(())
    }

    /// Publishes the pointer and settles the money, as far as they are still to be done; the alarm comes back for the rest.
    async fn chores(self: &Rc<Self>) {
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
    async fn arrange(&self, left: bool) {
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

    /// Ends a job that made nothing. Where the records refuse that, they are read again by the next request or alarm, and
    /// the job is recovered like one that a crash left behind.
    fn end<E>(self: &Rc<Self>, id: &JobId, how: impl FnOnce(&mut Job, u64) -> Result<(), E>) {
        if !self.change(id, how) {
            self.forget();
        }
    }

    /// Changes a job in memory and in the store. False if either does not go.
    fn change<E>(self: &Rc<Self>, id: &JobId, how: impl FnOnce(&mut Job, u64) -> Result<(), E>) -> bool {
        if self.awake().is_err() {
            return false;
        }
        let now_ms = self.ports.now_ms();
        let mut pool = self.pool.borrow_mut();
        let Some(pool) = pool.as_mut() else { return false };
        let Some(job) = pool.job_mut(id) else { return false };
        let before = job.clone();
        if how(job, now_ms).is_ok() && self.ports.save(&[Change::Job(job)]).is_ok() {
            return true;
        }
        *job = before;
        false
    }

    /// Memory and store may differ: the next request reads the store again.
    fn forget(&self) {
        *self.pool.borrow_mut() = None;
    }
}

/// Stores each picture of a reply while the next one is still arriving.
struct Keeper<'a, P: ObjectPorts> {
    object: &'a Generation<P>,
    kept: Vec<Loose>,
    loose: Vec<(Loose, P::Paper)>,
    /// The pictures are handed over and not stored.
    loosely: bool,
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

/// The money of a job was not set aside.
enum Unreserved {
    /// Its own client may not, or the service as a whole.
    Refused(ApiError),
    OutOfReach(ApiError),
}

/// Where the money of a job is counted.
fn accounts(job: &Job) -> [AccountName; 2] {
    [AccountName::Client(job.client.clone()), AccountName::Deployment]
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

fn with_receipt(mut error: ApiError, id: &JobId) -> ApiError {
    error.message = format!("{} Receipt: {}.", error.message, id.as_str());
    error
}

fn too_late() -> ApiError {
    let message = "There was no time left to make the picture. Nothing was bought; try again.";
    ApiError::new(504, "server_error", "generation_timeout", message).retry_after_ms(1_000)
}

/// Nobody can say in this moment what became of the job; the next request can.
fn out_of_sight() -> ApiError {
    ApiError::unavailable(
        "object_unavailable",
        "The service cannot reach its own records to see whether the picture was made. Ask again.",
    )
}

fn out_of_reach(_: &StoreError) -> ApiError {
    let mut error = ApiError::unavailable(
        "object_unavailable",
        "The service cannot reach its own records. Nothing was bought; try again.",
    );
    error.retry = Retry::Later;
    error
}
