//! The life of one job, its leader and its followers: what the object of a key does.
//!
//! The rule that carries the rest: a decision to buy is taken from the durable state of this object and made durable before
//! the provider is called. Between two awaits nothing else runs in an object, so looking and claiming are one step.

mod attempts;
mod chores;
mod keep;
mod list;
mod purge;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::ApiError;
use domain::access::AccountName;
use domain::error::Retry;
use domain::job::purged::purged_meanwhile;
use domain::job::{Job, JobId, Joined, Money, Plan, Pool, Slot, State, Want};
use domain::money::NanoUsd;
use domain::picture::{Picture as Canonical, PictureKey};
use domain::runtime::RuntimeSettings;
use futures::future::{Either, select};
use tokio::sync::watch;

use crate::ask::{Answer, Ask, Bill, How, Loose, Made, Order, Place};
use crate::ports::{Change, ObjectPorts, StoreError};
use crate::prices;
use crate::settings::OBJECT_GRACE_MS;

/// The object of one key.
pub struct Generation<P: ObjectPorts> {
    ports: P,
    key: PictureKey,
    pool: RefCell<Option<Pool>>,
    running: RefCell<BTreeMap<JobId, Waiting<P::Paper>>>,
    publishing: Cell<bool>,
    /// The jobs of which the catalog is being told.
    listing: RefCell<BTreeSet<JobId>>,
    /// As they were when the last request came.
    runtime: RefCell<Rc<RuntimeSettings>>,
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

/// How many refused clients in a row a request may have waited for before it is told to come back.
const MAX_ROUNDS: u32 = 8;

/// How long after a job's deadline the alarm looks whether a crash cut it off.
const ALARM_GRACE_MS: u64 = 1_000;

/// How long publishing and settling wait for the answers to be on their way.
const CHORES_AFTER_MS: u64 = 5;

impl<P: ObjectPorts> Generation<P> {
    pub fn new(ports: P, key: PictureKey) -> Rc<Self> {
        Rc::new(Self {
            ports,
            key,
            pool: RefCell::new(None),
            running: RefCell::new(BTreeMap::new()),
            publishing: Cell::new(false),
            listing: RefCell::default(),
            runtime: RefCell::default(),
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
            Ask::Purge { purge, takes, at_ms, until_ms } => {
                self.purge(&purge, takes.as_deref(), at_ms, until_ms).await.map(|answer| (answer, None))
            }
            Ask::Restore { purge } => self.restore(&purge).await.map(|answer| (answer, None)),
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
        pool.as_ref().filter(|pool| pool.is_known()).map(Pool::pointer)
    }

    fn receipts(&self) -> Answer {
        let pool = self.pool.borrow();
        let now_ms = self.ports.now_ms();
        let told = pool.as_ref().map(|pool| {
            let picture = pool.kept.clone().map(Box::new);
            (pool.pointer(), pool.receipts(), pool.restorable(now_ms), picture)
        });
        let (pointer, receipts, purged, picture) = told.unwrap_or_default();
        Answer::Receipts { pointer, receipts, purged, picture }
    }

    /// Keeps what was asked for, once: under one key it is always the same.
    fn keep(&self, picture: Canonical) -> Result<Answer, ApiError> {
        let mut pool = self.pool.borrow_mut();
        let pool = pool.as_mut().ok_or_else(|| out_of_reach(&StoreError("not loaded".to_owned())))?;
        if PictureKey::of(&picture) == self.key && pool.kept.is_none() {
            pool.meta.namespace.clone_from(&picture.namespace);
            pool.meta.model.clone_from(&picture.model);
            let changes = [Change::Meta { key: &self.key, meta: &pool.meta }, Change::Kept(&picture)];
            self.ports.save(&changes).map_err(|error| out_of_reach(&error))?;
            pool.kept = Some(picture);
        }
        Ok(Answer::Kept { picture: pool.kept.clone().map(Box::new) })
    }

    async fn make(self: &Rc<Self>, order: Order) -> Result<(Answer, Loosely<P::Paper>), ApiError> {
        let runtime = self.ports.runtime().await;
        *self.runtime.borrow_mut() = runtime;
        for _ in 0..MAX_ROUNDS {
            if let Some(answer) = self.round(&order).await? {
                return Ok(answer);
            }
        }
        Err(out_of_sight())
    }

    /// One plan, and what became of it. `None` where it has to be planned anew: another client's job was waited for, and that client may
    /// not pay for it, or what was there was purged meanwhile.
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
            let Some(pictures) = loosely else { return Err(self.failure(mine.as_ref(), mine.as_ref(), None)) };
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
            if there {
                places.push(Place { take, how });
                continue;
            }
            let again = matches!(slot, Slot::Have(_)) || self.refused_another(job, order);
            return match &mine {
                None if again => Ok(None),
                // What this request had made itself is there the next time; its bill is told now or never.
                Some(_) if job.is_some() && again => Err(out_of_sight()),
                mine => Err(self.failure(job.or(mine.as_ref()), mine.as_ref(), Some(take))),
            };
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
        pool.meta.model.clone_from(&order.picture.model);
        let surplus = pool.surplus();
        // The catalog is told what was asked for, also after a crash.
        let kept = pool.kept.is_none().then(|| order.picture.clone());
        let mut changes = vec![Change::Meta { key: &self.key, meta: &pool.meta }, Change::Job(&job)];
        changes.extend(surplus.iter().map(|seq| Change::Forget(*seq)));
        changes.extend(kept.as_ref().map(Change::Kept));
        self.ports.save(&changes).map_err(|error| out_of_reach(&error))?;
        pool.kept = pool.kept.take().or(kept);
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
        let reserve = prices::most(&self.runtime.borrow(), picture, u32::try_from(count).unwrap_or(u32::MAX))?;
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
            tags: order.tags.clone(),
            listed: false,
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
    fn failure(&self, job: Option<&JobId>, mine: Option<&JobId>, take: Option<u32>) -> ApiError {
        let pool = self.pool.borrow();
        // The records did not take the last step, and what they hold is found out by the next request.
        let Some(pool) = pool.as_ref() else { return out_of_reach(&StoreError("forgotten".to_owned())) };
        let job = job.and_then(|id| pool.job(id));
        let purged = job.filter(|_| take.is_some_and(|take| pool.is_gone(take))).map(|job| purged_meanwhile(&job.id));
        let mut failure = job.and_then(|job| job.failure.clone()).or(purged).unwrap_or_else(|| {
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

/// Where the money of a job is counted.
fn accounts(job: &Job) -> [AccountName; 2] {
    [AccountName::Client(job.client.clone()), AccountName::Deployment]
}

fn with_receipt(mut error: ApiError, id: &JobId) -> ApiError {
    error.message = format!("{} Receipt: {}.", error.message, id.as_str());
    error
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
