//! When everything has come to rest: what every account says is what the provider's bills and the jobs say.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::access::AccountName;
use domain::job::{Job, JobId, State};
use domain::money::budget::{Entry, Sums, WARN_PERCENT};
use domain::money::{Day, Month, NanoUsd};

use super::books::Books;
use super::coverage::Event;
use super::world::World;
use crate::account::{AccountAnswer, AccountAsk, Alarm};

/// Sums by day and by month.
type Windows = BTreeMap<String, Sums>;

pub(super) async fn at_rest(world: &Rc<World>) {
    let jobs = jobs(world);
    for books in world.accounts.all() {
        everything_is_counted(world, books, &jobs);
        let expected = windows(world, books, &jobs);
        agrees(world, books, &expected);
        rate_held(world, books);
        says_so(world, books).await;
    }
    deployment_is_the_sum(world);
    given_back(world);
}

fn jobs(world: &World) -> BTreeMap<JobId, Job> {
    let records = world.objects().into_iter().map(|object| object.disk.durable());
    records.flat_map(|records| records.jobs.into_values()).map(|job| (job.id.clone(), job)).collect()
}

/// Every job that may have cost something is in both of its accounts, and in no other.
fn everything_is_counted(world: &World, books: &Books, jobs: &BTreeMap<JobId, Job>) {
    let (name, opened) = (&books.name, books.shelf.opened());
    for job in jobs.values() {
        let (here, id) = (belongs(job, name), job.id.as_str());
        let known = opened.get(&job.id);
        let amount = known.map(|entry| entry.amount);
        world.journal.expect(amount.is_none_or(|amount| here && amount == job.reserve), || {
            format!("account {name}: {id} of {} is reserved with {amount:?}, it claims {}", job.client.0, job.reserve)
        });
        // A part of a job that was split has no reserve of its own.
        let bought = matches!(job.state, State::Settled | State::Unknown) && job.reserve > NanoUsd::ZERO;
        world.journal.expect(!(here && bought) || known.is_some(), || format!("account {name}: {id} is not counted"));
        let refused = books.heard.refused.borrow().contains_key(&job.id);
        world.journal.expect(!(refused && bought), || format!("account {name}: {id} was refused, and bought"));
        let billed = world.provider.bill_of(&job.id).is_some();
        world.journal.expect(!(refused && billed), || format!("account {name}: {id} was refused, and billed"));
    }
    for id in opened.keys() {
        world.journal.expect(jobs.contains_key(id), || format!("account {name}: nobody knows {}", id.as_str()));
    }
}

fn belongs(job: &Job, account: &AccountName) -> bool {
    match account {
        AccountName::Client(id) => *id == job.client,
        AccountName::Deployment => true,
    }
}

/// What each window of an account has to hold. Taken from the bills and from how the jobs ended, and from the account
/// only when it set the money aside.
fn windows(world: &World, books: &Books, jobs: &BTreeMap<JobId, Job>) -> Windows {
    let mut windows = Windows::new();
    for (id, Entry { day, month, .. }) in books.shelf.opened().iter() {
        let Some(job) = jobs.get(id) else { continue };
        for window in [day.as_str(), month.as_str()] {
            let sums = windows.entry(window.to_owned()).or_default();
            match (job.state, job.cost, world.provider.bill_of(id)) {
                (State::Settled, Some(_), Some(bill)) => sums.settled.0 += bill.0,
                (State::Settled | State::Unknown, None, _) => sums.kept.0 += job.reserve.0,
                (State::Failed, _, None) => {}
                (state, cost, bill) => {
                    world.journal.broken(format!("{} is {state:?}, cost {cost:?}, bill {bill:?}", id.as_str()));
                }
            }
        }
    }
    windows
}

fn agrees(world: &World, books: &Books, expected: &Windows) {
    let durable = books.shelf.durable();
    let kept: BTreeMap<&String, &Sums> = durable.days.iter().chain(&durable.months).collect();
    let names: BTreeSet<&String> = kept.keys().copied().chain(expected.keys()).collect();
    for window in names {
        let is = kept.get(window).map(|sums| **sums).unwrap_or_default();
        let should = Sums { warned_percent: is.warned_percent, ..expected.get(window).copied().unwrap_or_default() };
        world.journal.expect(is == should, || {
            format!("account {}: {window} is {is:?}, and the bills say {should:?}", books.name)
        });
    }
}

/// In no stretch of time were more granted than a full minute's worth and what came back meanwhile.
fn rate_held(world: &World, books: &Books) {
    let Some(rate) = books.limits.requests_per_minute.map(|rate| u64::from(rate.get())) else { return };
    let mut granted: Vec<u64> = books.shelf.opened().values().map(|entry| entry.at_ms).collect();
    granted.sort_unstable();
    for (first, from) in granted.iter().enumerate() {
        for (last, to) in granted.iter().enumerate().skip(first) {
            let count = u64::try_from(last - first + 1).unwrap();
            let most = rate + (to - from) * rate / 60_000;
            world.journal.expect(count <= most, || {
                format!("account {}: {count} were granted in {} ms, at {rate} a minute", books.name, to - from)
            });
        }
    }
}

/// What the account tells of itself.
async fn says_so(world: &Rc<World>, books: &Books) {
    let name = &books.name;
    let windows = || (Day::at(world.now_ms()).to_string(), Month::at(world.now_ms()).to_string());
    let (day, month) = windows();
    let answer = world.accounts.ask(world, name, &AccountAsk::Spending).await;
    let Ok(AccountAnswer::Spending { spending, .. }) = answer else {
        return world.journal.broken(format!("account {name}: cannot be read: {answer:?}"));
    };
    let open = spending.open_reserves;
    world.journal.expect(open == 0, || format!("account {name}: {open} reserves never end"));
    let durable = books.shelf.durable();
    // Midnight may have come between the question and the answer.
    let (next_day, next_month) = windows();
    for (told, starts, kept, limit) in [
        (&spending.day, [day, next_day], durable.days.get(&spending.day.start), books.limits.budget_per_day),
        (
            &spending.month,
            [month, next_month],
            durable.months.get(&spending.month.start),
            books.limits.budget_per_month,
        ),
    ] {
        let same =
            starts.contains(&told.start) && told.limit == limit && told.sums == kept.copied().unwrap_or_default();
        world.journal.expect(same, || format!("account {name}: {told:?} is told, and {kept:?} is kept"));
    }
    let days = durable.days.iter().map(|(day, sums)| (day, sums, books.limits.budget_per_day));
    for (window, sums, limit) in
        days.chain(durable.months.iter().map(|(month, sums)| (month, sums, books.limits.budget_per_month)))
    {
        warned(world, books, &spending.alarms, window, sums, limit);
    }
    let listed: BTreeSet<(String, u8)> =
        spending.alarms.iter().map(|alarm| (alarm.start.clone(), alarm.percent)).collect();
    let told = books.told_before();
    world
        .journal
        .expect(told.is_subset(&listed), || format!("account {name}: {told:?} were told, {listed:?} is listed"));
}

/// Each share that was reached is listed once, and no other.
fn warned(world: &World, books: &Books, alarms: &[Alarm], window: &str, sums: &Sums, limit: Option<NanoUsd>) {
    let exhausted = books.heard.exhausted.borrow().contains(window);
    for percent in WARN_PERCENT {
        let listed = alarms.iter().filter(|alarm| alarm.start == *window && alarm.percent == percent).count();
        let spent = u128::from(sums.spent().0);
        let reached = limit.is_some_and(|limit| spent > 0 && spent * 100 >= u128::from(limit.0) * u128::from(percent));
        // What was turned away by an account that crashed then may have been turned away unseen.
        let right = if reached { listed == 1 } else { listed == 0 || listed == 1 && exhausted };
        world.journal.expect(right, || {
            format!("account {}: {percent} % of {window} are listed {listed} times: {sums:?} of {limit:?}", books.name)
        });
        world.journal.expect((listed == 1) == (sums.warned_percent >= percent), || {
            format!("account {}: {percent} % of {window} are listed {listed} times: {sums:?}", books.name)
        });
    }
}

fn deployment_is_the_sum(world: &World) {
    let total = |deployment: bool| {
        let books = world.accounts.all().filter(|books| (books.name == AccountName::Deployment) == deployment);
        books.fold([(0, 0); 2], |[day, month], books| {
            let durable = books.shelf.durable();
            let add = |(settled, kept), windows: &Windows| {
                windows
                    .values()
                    .fold((settled, kept), |(settled, kept), sums| (settled + sums.settled.0, kept + sums.kept.0))
            };
            [add(day, &durable.days), add(month, &durable.months)]
        })
    };
    let (deployment, clients) = (total(true), total(false));
    world.journal.expect(deployment == clients, || format!("the deployment spent {deployment:?}, clients {clients:?}"));
}

/// Counts jobs that one account granted and the other refused.
fn given_back(world: &World) {
    let deployment = world.accounts.of(&AccountName::Deployment);
    for books in world.accounts.all().filter(|books| books.name != AccountName::Deployment) {
        for (one, other) in [(books, deployment), (deployment, books)] {
            let refused = one.heard.refused.borrow();
            let granted = other.shelf.opened();
            refused
                .keys()
                .filter(|job| granted.contains_key(job))
                .for_each(|_| world.journal.saw(Event::GrantGivenBack));
        }
    }
}
