//! Setting money aside, and what becomes of it.

use std::num::NonZeroU32;

use domain::ApiError;
use domain::access::client::State;
use domain::access::principal::suspended;
use domain::access::rate::{Left, TooMany};
use domain::access::{AccountName, Limits};
use domain::job::JobId;
use domain::money::budget::{Closed, Entry, EntryState, Outcome, OverBudget, Span, Sums, Windows};
use domain::money::{Day, Month, NanoUsd, day_end_ms, month_end_ms};
use domain::runtime::{Generation, paused};

use super::store::{AccountStore, Kind, Record, read};
use super::{Account, AccountAnswer, Alarm, Answered, Load, ONE, no_such_client, refused};
use crate::ports::StoreError;

/// How long an entry that has ended is kept, so that its end can be told again. The object of a job repeats itself for as long
/// as it has not been heard, and stops for good once it was.
const ENTRY_KEPT_MS: u64 = 40 * 86_400_000;

/// How long a mark is kept that an end came before its reserve.
const MARK_KEPT_MS: u64 = 86_400_000;

/// How many old entries go with each new one: more than come.
const PRUNED_AT_ONCE: u32 = 4;

const ALARMS_KEPT: usize = 100;

/// When a client that has all its generations under way may ask again.
const CONCURRENCY_RETRY_MS: u64 = 1_000;

impl<S: AccountStore> Account<S> {
    pub(super) fn reserve(&self, job: &JobId, amount: NanoUsd, now_ms: u64) -> Result<Answered, StoreError> {
        let mut load = self.load()?;
        let Some((client, limits)) = self.holder()? else { return Ok(plain(refused(no_such_client()))) };
        if client.is_some_and(|client| client.state == State::Suspended) {
            return Ok(plain(refused(suspended())));
        }
        // Before anything is counted, and also for a job whose reserve was granted before: nothing that was not called yet is called.
        if self.switch()? == Some(Generation::Off) {
            return Ok(plain(refused(paused())));
        }
        if let Some(entry) = read::<Entry>(&self.store, Kind::Entry, job.as_str())? {
            let left = limits.requests_per_minute.map(|rate| load.bucket.look(rate, now_ms));
            let again =
                if entry.state == EntryState::Open { AccountAnswer::Granted { left } } else { refused(ended()) };
            return Ok(plain(again));
        }
        let mut records = Vec::new();
        let mut alarms = Vec::new();
        let (day, month) = (Day::at(now_ms), Month::at(now_ms));
        let mut windows = self.windows(&day, &month)?;
        let before = (load, windows);
        let answer = match admit(&limits, &mut load, &mut windows, amount, now_ms) {
            Ok((entry, left)) => {
                load.open = load.open.saturating_add(1);
                records.push(Record::new(Kind::Entry, job.as_str(), &entry)?);
                AccountAnswer::Granted { left }
            }
            Err(Refusal::Rate(too_many)) => refused(self.too_many_requests(too_many)),
            Err(Refusal::Concurrency) => refused(self.too_many_generations()),
            Err(Refusal::Budget(over)) => {
                alarms = match over.span {
                    Span::Day => day_alarms(&mut windows, &day, &limits, true, now_ms),
                    Span::Month => month_alarms(&mut windows, &month, &limits, true, now_ms),
                };
                refused(self.over_budget(over, now_ms))
            }
        };
        // A client that is turned away again and again should not cost a write each time.
        if load != before.0 {
            records.push(Record::new(Kind::Load, ONE, &load)?);
        }
        if windows != before.1 {
            records.push(Record::new(Kind::Day, day.as_str(), &windows.day)?);
            records.push(Record::new(Kind::Month, month.as_str(), &windows.month)?);
        }
        records.extend(self.kept(&alarms)?);
        records.extend(self.old(now_ms)?);
        if !records.is_empty() {
            self.store.save(&records)?;
        }
        Ok(Answered { answer, alarms })
    }

    pub(super) fn close(&self, job: &JobId, outcome: Outcome, now_ms: u64) -> Result<Answered, StoreError> {
        let known = read::<Entry>(&self.store, Kind::Entry, job.as_str())?;
        let mut entry = known.clone().unwrap_or_else(|| Entry {
            amount: NanoUsd::ZERO,
            at_ms: now_ms,
            day: Day::at(now_ms),
            month: Month::at(now_ms),
            state: EntryState::Open,
        });
        let mut windows = self.windows(&entry.day, &entry.month)?;
        if windows.close(&mut entry, outcome) != Closed::Now {
            return Ok(plain(AccountAnswer::Closed));
        }
        let mut load = self.load()?;
        if known.is_some() {
            load.open = load.open.saturating_sub(1);
        }
        // A client that is not there any more has no limits to be warned of, and its bills are counted all the same.
        let limits = self.holder()?.map(|(_, limits)| limits).unwrap_or_default();
        let mut alarms = day_alarms(&mut windows, &entry.day, &limits, false, now_ms);
        alarms.extend(month_alarms(&mut windows, &entry.month, &limits, false, now_ms));
        // A reserve that was overtaken by its end must not open after it, so an end without a beginning is kept as well: for a day, in
        // which whatever was on its way has arrived or is lost. A bill is always kept for long.
        let overtook = known.is_none() && !matches!(outcome, Outcome::Settle(_));
        let shelved_ms = if overtook { now_ms.saturating_sub(ENTRY_KEPT_MS - MARK_KEPT_MS) } else { now_ms };
        let mut records = vec![
            Record::new(Kind::Entry, job.as_str(), &entry)?,
            Record::new(Kind::Ended, format!("{}/{}", Day::at(shelved_ms), job.as_str()), &())?,
            Record::new(Kind::Load, ONE, &load)?,
            Record::new(Kind::Day, entry.day.as_str(), &windows.day)?,
            Record::new(Kind::Month, entry.month.as_str(), &windows.month)?,
        ];
        records.extend(self.kept(&alarms)?);
        self.store.save(&records)?;
        Ok(Answered { answer: AccountAnswer::Closed, alarms })
    }

    fn kept(&self, news: &[Alarm]) -> Result<Option<Record>, StoreError> {
        if news.is_empty() {
            return Ok(None);
        }
        let mut alarms: Vec<Alarm> = read(&self.store, Kind::Alarms, ONE)?.unwrap_or_default();
        alarms.extend(news.iter().cloned());
        alarms.drain(..alarms.len().saturating_sub(ALARMS_KEPT));
        Record::new(Kind::Alarms, ONE, &alarms).map(Some)
    }

    fn old(&self, now_ms: u64) -> Result<Vec<Record>, StoreError> {
        let before = Day::at(now_ms.saturating_sub(ENTRY_KEPT_MS)).to_string();
        let ended = self.store.list(Kind::Ended, "", PRUNED_AT_ONCE)?;
        let old = ended.into_iter().filter(|(id, _)| *id < before);
        Ok(old
            .flat_map(|(id, _)| {
                let job = id.split_once('/').map(|(_, job)| job.to_owned()).unwrap_or_default();
                [Record::gone(Kind::Entry, job), Record::gone(Kind::Ended, id)]
            })
            .collect())
    }

    /// Whose limit it is. Nobody learns from it what others spend.
    fn whose(&self) -> &'static str {
        match self.name {
            AccountName::Client(_) => "this client",
            AccountName::Deployment => "this service as a whole",
        }
    }

    fn too_many_requests(&self, TooMany { retry_after_ms, left }: TooMany) -> ApiError {
        let message = format!(
            "Rate limit reached for {}: {} requests that make something per minute. Try again in {retry_after_ms}ms.",
            self.whose(),
            left.limit
        );
        let mut error = ApiError::new(429, "requests", "rate_limit_exceeded", message).retry_after_ms(retry_after_ms);
        // What all clients together have left is nobody's business.
        error.rate = matches!(self.name, AccountName::Client(_)).then(|| Box::new(left));
        error
    }

    fn too_many_generations(&self) -> ApiError {
        let message =
            format!("As many pictures are being made for {} as it may have at once. Try again.", self.whose());
        ApiError::new(429, "requests", "too_many_generations", message).retry_after_ms(CONCURRENCY_RETRY_MS)
    }

    fn over_budget(&self, over: OverBudget, now_ms: u64) -> ApiError {
        let (span, end_ms) = match over.span {
            Span::Day => ("day", day_end_ms(now_ms)),
            Span::Month => ("month", month_end_ms(now_ms)),
        };
        let message = format!(
            "The budget of {} for the {span} does not cover the picture. Nothing was bought. It begins anew on {} at 00:00 UTC; \
             pictures that exist are served as ever.",
            self.whose(),
            Day::at(end_ms)
        );
        let error = ApiError::new(402, "insufficient_quota", "budget_exceeded", message);
        error.wait_ms(end_ms.saturating_sub(now_ms))
    }
}

/// Everything that a reserve has to pass. What is counted here is counted also when a later gate refuses, so that a client
/// whose budget is gone cannot ask without end.
fn admit(
    limits: &Limits,
    load: &mut Load,
    windows: &mut Windows,
    amount: NanoUsd,
    now_ms: u64,
) -> Result<(Entry, Option<Left>), Refusal> {
    let take = |rate: NonZeroU32| load.bucket.take(rate, now_ms).map_err(Refusal::Rate);
    let left = limits.requests_per_minute.map(take).transpose()?;
    if limits.concurrent_generations.is_some_and(|most| load.open >= most.get()) {
        return Err(Refusal::Concurrency);
    }
    let entry = windows.reserve(&limits.budget(), amount, now_ms).map_err(Refusal::Budget)?;
    Ok((entry, left))
}

enum Refusal {
    Rate(TooMany),
    Concurrency,
    Budget(OverBudget),
}

fn day_alarms(windows: &mut Windows, day: &Day, limits: &Limits, refused: bool, at_ms: u64) -> Vec<Alarm> {
    alarms(Span::Day, day.as_str(), &mut windows.day, limits.budget_per_day, refused, at_ms)
}

fn month_alarms(windows: &mut Windows, month: &Month, limits: &Limits, refused: bool, at_ms: u64) -> Vec<Alarm> {
    alarms(Span::Month, month.as_str(), &mut windows.month, limits.budget_per_month, refused, at_ms)
}

/// What is to be told of one window now, and is remembered as told.
fn alarms(span: Span, start: &str, sums: &mut Sums, limit: Option<NanoUsd>, refused: bool, at_ms: u64) -> Vec<Alarm> {
    let percents = sums.warn(limit, refused);
    let (start, spent, reserved) = (start.to_owned(), sums.spent(), sums.reserved);
    let alarm = |percent| Some(Alarm { at_ms, span, start: start.clone(), percent, spent, reserved, limit: limit? });
    percents.into_iter().filter_map(alarm).collect()
}

fn plain(answer: AccountAnswer) -> Answered {
    Answered { answer, alarms: Vec::new() }
}

/// A reserve that comes after its end, as one that was lost on its way can.
fn ended() -> ApiError {
    ApiError::unavailable(
        "reserve_ended",
        "The service gave this request up before its money was set aside. Try again.",
    )
}
