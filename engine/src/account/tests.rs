//! Questions to one account, one after the other.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::access::api_key::{PresentedKey, mint};
use domain::access::client::{ApiKey, SigningKeyRecord};
use domain::access::policy::{Defaults, UnknownHold};
use domain::access::{ClientId, Masters};
use domain::job::JobId;
use domain::money::{NanoUsd, Outcome};
use serde_json::{Value, json};

use super::*;

/// A store that never fails.
#[derive(Debug, Default)]
pub(crate) struct Shelf(RefCell<BTreeMap<(Kind, String), String>>);

impl AccountStore for &Shelf {
    fn get(&self, kind: Kind, id: &str) -> Result<Option<String>, StoreError> {
        Ok(self.0.borrow().get(&(kind, id.to_owned())).cloned())
    }

    fn list(&self, kind: Kind, after: &str, limit: u32) -> Result<Vec<(String, String)>, StoreError> {
        let all = self.0.borrow();
        let those = all.iter().filter(|((found, id), _)| *found == kind && id.as_str() > after);
        Ok(those.take(limit as usize).map(|((_, id), document)| (id.clone(), document.clone())).collect())
    }

    fn save(&self, records: &[Record]) -> Result<(), StoreError> {
        let mut all = self.0.borrow_mut();
        for Record { kind, id, document } in records {
            match document {
                Some(document) => drop(all.insert((*kind, id.clone()), document.clone())),
                None => drop(all.remove(&(*kind, id.clone()))),
            }
        }
        Ok(())
    }
}

/// 2026-11-24T00:00:00Z.
const NOON_MS: u64 = 1_795_478_400_000;
const DAY_MS: u64 = 86_400_000;

struct World {
    shelf: Shelf,
    name: AccountName,
}

impl World {
    fn new(policy: &Value) -> Self {
        let world = Self { shelf: Shelf::default(), name: AccountName::Client(ClientId("shop".to_owned())) };
        let defaults = Defaults { namespace: "n".to_owned(), unknown_hold: UnknownHold::Ms(1) };
        let mut all = json!({ "budget_per_day_usd": null, "budget_per_month_usd": null });
        all.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        let body = json!({ "id": "shop", "policy": all });
        let client = Client::read(body.as_object().unwrap(), &defaults, 0).unwrap();
        world.ask(AccountAsk::Open { client: Box::new(client) }, 0);
        world
    }

    /// Each time by an account that remembers nothing, as after a restart.
    fn ask(&self, ask: AccountAsk, now_ms: u64) -> AccountAnswer {
        Account::new(&self.shelf, self.name.clone()).ask(ask, now_ms).unwrap().answer
    }

    fn reserve(&self, job: u8, amount: u64, now_ms: u64) -> Result<Option<u32>, String> {
        match self.ask(AccountAsk::Reserve { job: id(job), amount: NanoUsd(amount) }, now_ms) {
            AccountAnswer::Granted { left } => Ok(left.map(|left| left.remaining)),
            AccountAnswer::Refused { error } => Err(error.code.unwrap().into_owned()),
            other => panic!("{other:?}"),
        }
    }

    fn close(&self, job: u8, outcome: Outcome, now_ms: u64) -> Vec<u8> {
        let ask = AccountAsk::Close { job: id(job), outcome };
        let answered = Account::new(&self.shelf, self.name.clone()).ask(ask, now_ms).unwrap();
        assert_eq!(answered.answer, AccountAnswer::Closed);
        answered.alarms.iter().map(|alarm| alarm.percent).collect()
    }

    fn spending(&self, now_ms: u64) -> Spending {
        match self.ask(AccountAsk::Spending, now_ms) {
            AccountAnswer::Spending { spending, .. } => *spending,
            other => panic!("{other:?}"),
        }
    }

    /// Of the day: reserved, settled, kept.
    fn sums(&self, now_ms: u64) -> [u64; 3] {
        let sums = self.spending(now_ms).day.sums;
        [sums.reserved.0, sums.settled.0, sums.kept.0]
    }

    fn code(&self, ask: AccountAsk) -> String {
        match self.ask(ask, NOON_MS) {
            AccountAnswer::Refused { error } => error.code.unwrap().into_owned(),
            other => format!("{other:?}").split([' ', '{']).next().unwrap().to_owned(),
        }
    }
}

fn id(job: u8) -> JobId {
    JobId::new([job; 16])
}

fn over_budget() -> Result<Option<u32>, String> {
    Err("budget_exceeded".to_owned())
}

#[test]
fn doing_it_twice_is_doing_it_once() {
    let world = World::new(&json!({ "budget_per_day_usd": "0.00000001" }));
    for _ in 0..2 {
        assert_eq!(world.reserve(1, 6, NOON_MS), Ok(None));
        assert_eq!(world.sums(NOON_MS), [6, 0, 0]);
    }
    assert_eq!(world.reserve(2, 5, NOON_MS), over_budget());
    assert_eq!(world.reserve(2, 4, NOON_MS), Ok(None));
    for _ in 0..2 {
        world.close(1, Outcome::Settle(NanoUsd(5)), NOON_MS);
        assert_eq!(world.sums(NOON_MS), [4, 5, 0]);
    }
    // Another end of the same job changes nothing.
    world.close(1, Outcome::Release, NOON_MS);
    world.close(2, Outcome::Keep, NOON_MS);
    world.close(2, Outcome::Keep, NOON_MS);
    assert_eq!(world.sums(NOON_MS), [0, 5, 4]);
    assert_eq!(world.spending(NOON_MS).open_reserves, 0);
    assert_eq!(world.reserve(3, 2, NOON_MS), over_budget());
    assert_eq!(world.reserve(4, 1, NOON_MS), Ok(None));
    world.close(4, Outcome::Release, NOON_MS);
    assert_eq!(world.sums(NOON_MS), [0, 5, 4]);
}

#[test]
fn an_end_that_overtakes_its_reserve_stands() {
    let world = World::new(&json!({}));
    world.close(1, Outcome::Release, NOON_MS);
    assert_eq!(world.reserve(1, 6, NOON_MS), Err("reserve_ended".to_owned()));
    assert_eq!((world.sums(NOON_MS), world.spending(NOON_MS).open_reserves), ([0, 0, 0], 0));
    // A bill of which no reserve is known is counted all the same, and once.
    for _ in 0..2 {
        world.close(2, Outcome::Settle(NanoUsd(7)), NOON_MS);
        assert_eq!(world.sums(NOON_MS), [0, 7, 0]);
    }
}

/// 2026-11-30T23:59:59.999Z, and a millisecond later.
#[test]
fn a_month_ends_between_reserve_and_settle() {
    let last_ms = NOON_MS + 7 * DAY_MS - 1;
    let world = World::new(&json!({ "budget_per_month_usd": "0.00000001" }));
    assert_eq!(world.reserve(1, 10, last_ms), Ok(None));
    assert_eq!(world.reserve(2, 1, last_ms), over_budget());
    assert_eq!(world.reserve(3, 10, last_ms + 1), Ok(None));
    let starts = |now_ms| (world.spending(now_ms).day.start, world.spending(now_ms).month.start);
    assert_eq!(starts(last_ms), ("2026-11-30".to_owned(), "2026-11".to_owned()));
    assert_eq!(starts(last_ms + 1), ("2026-12-01".to_owned(), "2026-12".to_owned()));
    world.close(1, Outcome::Settle(NanoUsd(9)), last_ms + 5);
    assert_eq!((world.sums(last_ms), world.sums(last_ms + 5)), ([0, 9, 0], [10, 0, 0]));
    assert_eq!(world.spending(last_ms + 5).open_reserves, 1);
    let AccountAnswer::Refused { error } = world.ask(AccountAsk::Reserve { job: id(4), amount: NanoUsd(2) }, last_ms)
    else {
        panic!("granted")
    };
    assert_eq!((error.status, error.retry_after_ms, error.retry), (402, Some(1), domain::error::Retry::Never));
    assert!(error.message.contains("2026-12-01"), "{}", error.message);
}

#[test]
fn alarms_sound_once() {
    let world = World::new(&json!({ "budget_per_day_usd": "0.0000001" }));
    let spend = |job: u8, amount: u64| {
        world.reserve(job, amount, NOON_MS).unwrap();
        world.close(job, Outcome::Settle(NanoUsd(amount)), NOON_MS)
    };
    assert!(spend(1, 49).is_empty());
    assert_eq!(spend(2, 1), [50]);
    assert!(spend(3, 29).is_empty());
    assert_eq!(spend(4, 20), [80]);
    assert_eq!(spend(5, 1), [100]);
    assert_eq!(world.reserve(6, 1, NOON_MS), over_budget());
    let alarms: Vec<u8> = world.spending(NOON_MS).alarms.iter().map(|alarm| alarm.percent).collect();
    assert_eq!(alarms, [50, 80, 100]);
    // A new day, a budget that is turned away at once: all of it is used, and set aside rather than spent.
    let tomorrow_ms = NOON_MS + DAY_MS;
    world.reserve(7, 100, tomorrow_ms).unwrap();
    assert_eq!(world.reserve(8, 1, tomorrow_ms), over_budget());
    let alarm = world.spending(tomorrow_ms).alarms.pop().unwrap();
    assert_eq!((alarm.percent, alarm.spent, alarm.reserved), (100, NanoUsd::ZERO, NanoUsd(100)));
}

#[test]
fn rate_and_concurrency() {
    let world = World::new(&json!({ "requests_per_minute": 3, "concurrent_generations": 1 }));
    assert_eq!(world.reserve(1, 1, NOON_MS), Ok(Some(2)));
    // Told again, not counted again.
    assert_eq!(world.reserve(1, 1, NOON_MS), Ok(Some(2)));
    assert_eq!(world.reserve(2, 1, NOON_MS), Err("too_many_generations".to_owned()));
    world.close(1, Outcome::Keep, NOON_MS);
    // The one that was turned away was counted.
    assert_eq!(world.reserve(3, 1, NOON_MS), Ok(Some(0)));
    world.close(3, Outcome::Release, NOON_MS);
    let AccountAnswer::Refused { error } = world.ask(AccountAsk::Reserve { job: id(4), amount: NanoUsd(1) }, NOON_MS)
    else {
        panic!("granted")
    };
    assert_eq!((error.status, error.code.as_deref()), (429, Some("rate_limit_exceeded")));
    let wait_ms = error.retry_after_ms.unwrap();
    assert_eq!(error.rate.unwrap().remaining, 0);
    assert!(world.reserve(5, 1, NOON_MS + wait_ms - 1).is_err());
    assert_eq!(world.reserve(6, 1, NOON_MS + wait_ms), Ok(Some(0)));
}

#[test]
fn who_may_not_buy_reserves_nothing() {
    let world = World::new(&json!({}));
    let change = |body: Value| world.ask(AccountAsk::Change { body: body.as_object().unwrap().clone() }, NOON_MS);
    world.reserve(1, 5, NOON_MS).unwrap();
    change(json!({ "state": "suspended" }));
    assert_eq!(world.reserve(2, 5, NOON_MS), Err("client_suspended".to_owned()));
    // What it had begun is still counted.
    world.close(1, Outcome::Settle(NanoUsd(5)), NOON_MS);
    assert_eq!(world.sums(NOON_MS), [0, 5, 0]);
    // And warned of.
    change(json!({ "state": "active", "policy": { "budget_per_day_usd": "0.00000002" } }));
    world.reserve(4, 5, NOON_MS).unwrap();
    change(json!({ "state": "suspended" }));
    assert_eq!(world.close(4, Outcome::Settle(NanoUsd(5)), NOON_MS), [50]);
    change(json!({ "state": "active", "policy": { "budget_per_day_usd": "0.00000001" } }));
    assert_eq!(world.reserve(3, 1, NOON_MS), over_budget());
    let nobody = World { shelf: Shelf::default(), ..world };
    assert_eq!(nobody.reserve(1, 1, NOON_MS), Err("client_not_found".to_owned()));
    // Nothing was written for a client that is not there.
    assert!(nobody.shelf.0.borrow().is_empty());
}

#[test]
fn old_entries_go() {
    let world = World::new(&json!({}));
    let days: Vec<u64> = (0..100).map(|day| NOON_MS + day * DAY_MS).collect();
    for (job, now_ms) in (0..).zip(&days) {
        world.reserve(job, 1, *now_ms).unwrap();
        world.close(job, Outcome::Settle(NanoUsd(1)), *now_ms);
    }
    let entries = world.shelf.0.borrow().keys().filter(|(kind, _)| *kind == Kind::Entry).count();
    assert!((40..=42).contains(&entries), "{entries}");
    // A mark that an end came before its reserve goes sooner.
    world.close(200, Outcome::Release, days[99]);
    assert_eq!(world.reserve(200, 1, days[99]), Err("reserve_ended".to_owned()));
    for job in 201..=210 {
        world.reserve(job, 1, days[99] + 2 * DAY_MS).unwrap();
        world.close(job, Outcome::Release, days[99] + 2 * DAY_MS);
    }
    assert_eq!(world.reserve(200, 1, days[99] + 2 * DAY_MS), Ok(None));
    // One that is kept is still known, and what was spent in its day is never forgotten.
    world.close(70, Outcome::Settle(NanoUsd(1)), days[99]);
    assert!(days.iter().all(|day| world.sums(*day) == [0, 1, 0]));
}

#[test]
fn keys_are_limited_and_their_use_is_noted_to_the_hour() {
    let world = World::new(&json!({}));
    let masters = Masters::parse(&"m".repeat(32)).unwrap();
    let key = |at: u8| {
        let read = PresentedKey::read(&masters, &mint(&masters, &ClientId("shop".to_owned()), [at; 24])).unwrap();
        ApiKey::new(&read, format!("key_{at}"), "pcl_shop_".to_owned(), 0)
    };
    assert_eq!(world.code(AccountAsk::AddKey { key: key(1) }), "Client");
    assert_eq!(world.code(AccountAsk::AddKey { key: key(2) }), "Client");
    assert_eq!(world.code(AccountAsk::AddKey { key: key(3) }), "too_many_keys");
    let used = |now_ms| match world.ask(AccountAsk::Profile { key: Some(key(2).hash) }, now_ms) {
        AccountAnswer::Client { client } => client.keys.iter().map(|key| key.last_used_ms).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(used(NOON_MS), [None, Some(NOON_MS)]);
    assert_eq!(used(NOON_MS + 3_599_999), [None, Some(NOON_MS)]);
    assert_eq!(used(NOON_MS + 3_600_000), [None, Some(NOON_MS + 3_600_000)]);
    assert_eq!(world.code(AccountAsk::RevokeKey { id: "key_2".to_owned() }), "Client");
    assert_eq!(world.code(AccountAsk::RevokeKey { id: "key_2".to_owned() }), "key_not_found");
    for serial in 0..5 {
        let key = SigningKeyRecord { kid: format!("shop-{serial}"), created_ms: 0 };
        assert_eq!(world.code(AccountAsk::AddSigningKey { key }), "Client");
    }
    let key = SigningKeyRecord { kid: "shop-6".to_owned(), created_ms: 0 };
    assert_eq!(world.code(AccountAsk::AddSigningKey { key }), "too_many_keys");
    assert_eq!(world.code(AccountAsk::RevokeSigningKey { kid: "shop-3".to_owned() }), "Client");
    assert_eq!(world.code(AccountAsk::RevokeSigningKey { kid: "shop-3".to_owned() }), "key_not_found");
    let nobody = World { shelf: Shelf::default(), ..world };
    assert_eq!(nobody.code(AccountAsk::AddKey { key: key_of_nobody(&masters) }), "client_not_found");
}

fn key_of_nobody(masters: &Masters) -> ApiKey {
    let read = PresentedKey::read(masters, &mint(masters, &ClientId("nobody".to_owned()), [0; 24])).unwrap();
    ApiKey::new(&read, "key_0".to_owned(), String::new(), 0)
}
