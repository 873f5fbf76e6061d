//! The promises of an account, checked with every question and with every write: no window is over its budget, every sum is
//! what the reserves add up to, each reserve begins once and ends once, and a refusal has its reason.

use std::rc::Rc;

use domain::access::AccountName;
use domain::job::JobId;
use domain::money::budget::{Entry, EntryState, Outcome, Sums};
use domain::money::{Day, Month, NanoUsd};

use super::books::Books;
use super::coverage::Event;
use super::shelf::{Documents, Says, Write, count};
use super::world::World;
use crate::account::{AccountAnswer, AccountAsk, Alarm};

/// How long an account has to remember how a reserve ended.
const REMEMBERED_MS: u64 = 40 * 86_400_000;
/// The same, of a reserve that never arrived before its end.
const MARK_REMEMBERED_MS: u64 = 86_400_000;
const MINUTE_MS: u64 = 60_000;

/// What is asked, and what the account knew before it answered.
pub(super) enum Question {
    Reserve { job: JobId, amount: NanoUsd, entry: Option<Entry>, day: Sums, month: Sums, open: u64 },
    Close { job: JobId, outcome: Outcome, entry: Option<Entry> },
    Else,
}

impl Question {
    pub(super) fn of(world: &World, books: &Books, ask: &AccountAsk) -> Self {
        let known = books.shelf.present();
        match ask {
            AccountAsk::Reserve { job, amount } => {
                let (day, month) = (Day::at(world.now_ms()), Month::at(world.now_ms()));
                Self::Reserve {
                    job: job.clone(),
                    amount: *amount,
                    entry: known.entry(job).cloned(),
                    day: known.days.get(day.as_str()).copied().unwrap_or_default(),
                    month: known.months.get(month.as_str()).copied().unwrap_or_default(),
                    open: open(&known),
                }
            }
            AccountAsk::Close { job, outcome } => {
                Self::Close { job: job.clone(), outcome: *outcome, entry: known.entry(job).cloned() }
            }
            _ => Self::Else,
        }
    }

    pub(super) fn answered(self, world: &World, books: &Books, answer: &AccountAnswer) {
        world.journal.note(|| format!("account {}: {} is answered {answer:?}", books.name, self.said()));
        match self {
            Self::Reserve { job, entry: Some(entry), .. } => {
                let ended = entry.state != EntryState::Open;
                if ended {
                    world.journal.saw(Event::ReserveOvertaken);
                }
                let granted = matches!(answer, AccountAnswer::Granted { .. });
                world.journal.expect(granted != ended, || {
                    format!("{} is {:?}, and its reserve is answered {answer:?}", job.as_str(), entry.state)
                });
            }
            Self::Reserve { job, amount, day, month, open, .. } => {
                let room = Room { books, day, month, amount, open };
                match answer {
                    AccountAnswer::Granted { left } => room.granted(world, &job, left.as_ref()),
                    AccountAnswer::Refused { error } => room.refused(world, &job, error.code.as_deref().unwrap_or("")),
                    other => world.journal.broken(format!("a reserve is answered {other:?}")),
                }
            }
            Self::Close { job, outcome, entry } => {
                let closed = matches!(answer, AccountAnswer::Closed);
                world.journal.expect(closed, || format!("the end of {} is answered {answer:?}", job.as_str()));
                ends(world, books, &job, outcome, entry.as_ref());
            }
            Self::Else => {}
        }
    }

    fn said(&self) -> String {
        match self {
            Self::Reserve { job, amount, .. } => format!("reserve {amount} for {}", job.as_str()),
            Self::Close { job, outcome, .. } => format!("{outcome:?} for {}", job.as_str()),
            Self::Else => "a question".to_owned(),
        }
    }
}

/// The room there was for a reserve.
struct Room<'a> {
    books: &'a Books,
    day: Sums,
    month: Sums,
    amount: NanoUsd,
    open: u64,
}

impl Room<'_> {
    fn in_day(&self) -> bool {
        self.books.limits.budget_per_day.is_none_or(|limit| self.day.used().0 + self.amount.0 <= limit.0)
    }

    fn in_month(&self) -> bool {
        self.books.limits.budget_per_month.is_none_or(|limit| self.month.used().0 + self.amount.0 <= limit.0)
    }

    fn for_one_more(&self) -> bool {
        self.books.limits.concurrent_generations.is_none_or(|most| self.open < u64::from(most.get()))
    }

    fn granted(&self, world: &World, job: &JobId, left: Option<&domain::access::rate::Left>) {
        let name = job.as_str();
        let room = self.in_day() && self.in_month() && self.for_one_more();
        world.journal.expect(room, || format!("{name} is granted by {} without room", self.books.name));
        world.journal.expect(self.amount > NanoUsd::ZERO, || format!("{name} reserves nothing"));
        let told = match (self.books.limits.requests_per_minute, left) {
            (None, None) => true,
            (Some(rate), Some(left)) => left.limit == rate.get() && left.remaining < left.limit,
            _ => false,
        };
        world.journal.expect(told, || format!("{left:?} is said to be left of {}", self.books.name));
        self.books.heard.counted_ms.borrow_mut().push(world.now_ms());
    }

    fn refused(&self, world: &World, job: &JobId, code: &str) {
        let (heard, now_ms) = (&self.books.heard, world.now_ms());
        let reason = match code {
            "budget_exceeded" => {
                let (window, event) = if self.in_month() {
                    (Day::at(now_ms).to_string(), Event::RefusedByDay)
                } else {
                    (Month::at(now_ms).to_string(), Event::RefusedByMonth)
                };
                heard.exhausted.borrow_mut().insert(window);
                world.journal.saw(event);
                !(self.in_day() && self.in_month())
            }
            "too_many_generations" => {
                world.journal.saw(Event::RefusedByConcurrency);
                !self.for_one_more()
            }
            "rate_limit_exceeded" => {
                world.journal.saw(Event::RefusedByRate);
                let counted = heard.counted_ms.borrow();
                let lately = counted.iter().filter(|at_ms| now_ms - **at_ms <= MINUTE_MS).count();
                self.books.limits.requests_per_minute.is_some_and(|rate| lately >= rate.get() as usize)
            }
            _ => false,
        };
        if code != "rate_limit_exceeded" {
            heard.counted_ms.borrow_mut().push(now_ms);
        }
        world.journal.expect(reason, || format!("{} is refused by {}: {code}", job.as_str(), self.books.name));
        if self.books.name == AccountName::Deployment {
            world.journal.saw(Event::RefusedByDeployment);
        }
        heard.refused.borrow_mut().insert(job.clone(), code.to_owned());
    }
}

/// The end of a job's money is the provider's bill, and every end is the first one told again.
fn ends(world: &World, books: &Books, job: &JobId, outcome: Outcome, entry: Option<&Entry>) {
    let (name, bill) = (job.as_str(), world.provider.bill_of(job));
    match outcome {
        Outcome::Settle(sum) => {
            world.journal.expect(bill == Some(sum), || format!("{name} settles {sum}, and the bill is {bill:?}"));
        }
        Outcome::Release => {
            world.journal.expect(bill.is_none(), || format!("{name} is released, and was billed {bill:?}"));
        }
        Outcome::Keep => {}
    }
    let Some(entry) = entry else {
        return world.journal.expect(outcome == Outcome::Release, || {
            format!("{name} was never reserved in {} and ends with {outcome:?}", books.name)
        });
    };
    if entry.state == EntryState::Open {
        if entry.day != Day::at(world.now_ms()) {
            world.journal.saw(Event::EndedOnAnotherDay);
        }
        if entry.month != Month::at(world.now_ms()) {
            world.journal.saw(Event::EndedInAnotherMonth);
        }
        return;
    }
    world.journal.saw(Event::EndedTwice);
    let same = entry.state == ended(outcome);
    world.journal.expect(same, || format!("{name} ended as {:?} and ends again with {outcome:?}", entry.state));
}

pub(super) fn ended(outcome: Outcome) -> EntryState {
    match outcome {
        Outcome::Settle(sum) => EntryState::Settled(sum),
        Outcome::Keep => EntryState::Kept,
        Outcome::Release => EntryState::Released,
    }
}

/// A write, against what it replaces.
pub(super) fn writes(world: &World, books: &Books, writes: &[Write]) {
    let present = books.shelf.present();
    for write in writes {
        let Says::Entry(job, after) = &write.says else { continue };
        let sound = follows(world.now_ms(), present.entry(job), after.as_deref());
        world.journal.expect(sound, || {
            let (before, after) = (present.entry(job), after.as_deref());
            let said = |entry: Option<&Entry>| entry.map(|entry| (entry.amount, entry.day.clone(), entry.state));
            format!("account {}: {} goes from {:?} to {:?}", books.name, job.as_str(), said(before), said(after))
        });
        if after.is_none() {
            world.journal.saw(Event::EntryPruned);
        }
    }
}

fn follows(now_ms: u64, before: Option<&Entry>, after: Option<&Entry>) -> bool {
    match (before, after) {
        (None, Some(after)) => {
            let of_now = after.at_ms == now_ms && after.day == Day::at(now_ms) && after.month == Month::at(now_ms);
            let unreserved = after.amount == NanoUsd::ZERO && after.state == EntryState::Released;
            of_now && (unreserved || after.amount > NanoUsd::ZERO && after.state == EntryState::Open)
        }
        (Some(before), Some(after)) => {
            let same = Entry { state: after.state, ..before.clone() } == *after;
            same && before.state == EntryState::Open && after.state != EntryState::Open
        }
        (Some(before), None) => {
            let long = if before.amount > NanoUsd::ZERO { REMEMBERED_MS } else { MARK_REMEMBERED_MS };
            before.state != EntryState::Open && before.at_ms + long < now_ms
        }
        (None, None) => false,
    }
}

fn open(documents: &Documents) -> u64 {
    let open = documents.entries.values().filter(|entry| entry.state == EntryState::Open).count();
    u64::try_from(open).unwrap()
}

/// The sums of every window are those of its reserves, and within its budget: no bill here is above its reserve.
pub(super) fn adds_up(world: &World, books: &Books) {
    let (name, limits, present) = (&books.name, &books.limits, books.shelf.present());
    let windows = present.days.iter().map(|(day, sums)| (day, sums, limits.budget_per_day));
    for (window, sums, limit) in
        windows.chain(present.months.iter().map(|(month, sums)| (month, sums, limits.budget_per_month)))
    {
        let mut total = present.pruned.get(window).copied().unwrap_or_default();
        let within = |entry: &&Rc<Entry>| entry.day.as_str() == window || entry.month.as_str() == window;
        present.entries.values().filter(within).for_each(|entry| count(&mut total, entry));
        total.warned_percent = sums.warned_percent;
        world.journal.expect(total == *sums, || format!("account {name}: {window} is {sums:?}, its entries {total:?}"));
        world.journal.expect(limit.is_none_or(|limit| sums.used() <= limit), || {
            format!("account {name}: {window} is over its budget of {limit:?}: {sums:?}")
        });
    }
    let open = open(&present);
    world.journal.expect(open == present.open, || format!("account {name}: {open} are open, {} counted", present.open));
    let most = limits.concurrent_generations;
    world.journal.expect(most.is_none_or(|most| open <= u64::from(most.get())), || {
        format!("account {name}: {open} are open, and {most:?} may be")
    });
}

/// What is warned of has been reached, or turned somebody away.
pub(super) fn alarm(world: &World, books: &Books, alarm: &Alarm) {
    let Alarm { start, percent, spent, limit, .. } = alarm;
    let reached = u128::from(spent.0) * 100 >= u128::from(limit.0) * u128::from(*percent) && spent.0 > 0;
    let exhausted = books.heard.exhausted.borrow().contains(start);
    world.journal.expect(reached || exhausted, || {
        format!("account {}: {percent} % of {start} are told, and {spent} of {limit} are spent", books.name)
    });
}
