//! Who may spend how much in one schedule: its clients, and the deployment as a whole.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::LazyLock;

use domain::access::client::Client;
use domain::access::policy::Defaults;
use domain::access::{Limits, UnknownHold};
use domain::money::{Ask, NanoUsd, PriceTable, upper_bound};
use serde_json::{Map, Value, json};

use super::HOLD_MS;
use super::rng::Rng;
use super::world::{MODEL, NAMESPACE};

/// Pays for whoever holds a key or a signed URL of the shop.
pub(super) const SHOP: &str = "shop";
/// Shares the shop's pictures and pays on its own. Not in every schedule.
pub(super) const BLOG: &str = "blog";
/// Gets fresh pictures for every call.
pub(super) const SDK: &str = "sdk";
/// Of another namespace.
pub(super) const STRANGER: &str = "stranger";

pub(super) struct Payers {
    pub(super) clients: BTreeMap<&'static str, Rc<Client>>,
    pub(super) deployment: Limits,
}

/// What is set aside for one picture.
static ONE: LazyLock<u64> = LazyLock::new(|| {
    let table = PriceTable::built_in().unwrap();
    upper_bound(table.price(MODEL).unwrap(), &Ask { prompt_bytes: 9, ..Ask::default() }).unwrap().0
});

impl Payers {
    pub(super) fn draw(rng: &Rng, calm: bool, now_ms: u64) -> Self {
        // Where money is no matter more is bought, and more of the rest happens.
        let rich = calm || rng.one_in(3);
        let mut names = vec![SHOP, SDK, STRANGER];
        if rng.one_in(2) {
            names.push(BLOG);
        }
        let clients = names.into_iter().map(|name| (name, Rc::new(client(name, &limits(rng, rich, 6), now_ms))));
        let clients = clients.collect();
        let deployment = if rng.one_in(3) { limits(rng, rich, 10) } else { Limits::default() };
        Self { clients, deployment }
    }

    pub(super) fn client(&self, name: &str) -> &Rc<Client> {
        &self.clients[name]
    }
}

/// None, ample, or so tight that up to `most` pictures fit.
fn limits(rng: &Rng, rich: bool, most: u64) -> Limits {
    let budget = || match rng.below(3) {
        0 => None,
        1 if !rich => Some(NanoUsd(*ONE * rng.between(1, most) + rng.between(0, *ONE))),
        _ => Some(NanoUsd(*ONE * 10_000)),
    };
    let few = |most: u64| if rng.one_in(6) && !rich { few(rng.between(1, most)) } else { None };
    Limits {
        budget_per_day: budget(),
        budget_per_month: budget(),
        requests_per_minute: few(6),
        concurrent_generations: few(3),
    }
}

fn few(count: u64) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(count).unwrap())
}

/// Made as an operator makes one.
fn client(name: &str, limits: &Limits, now_ms: u64) -> Client {
    let mut policy = object(limits);
    let dedup = if name == SDK { "off" } else { "on" };
    let namespace = if name == STRANGER { "another" } else { NAMESPACE };
    policy.insert("dedup".to_owned(), json!(dedup));
    policy.insert("tags".to_owned(), json!([format!("of {name}")]));
    policy.insert("namespace".to_owned(), json!(namespace));
    let body = json!({ "id": name, "name": name, "policy": policy });
    let defaults = Defaults { namespace: NAMESPACE.to_owned(), unknown_hold: UnknownHold::Ms(HOLD_MS) };
    Client::read(body.as_object().unwrap(), &defaults, now_ms).unwrap()
}

pub(super) fn object(limits: &Limits) -> Map<String, Value> {
    json!(limits).as_object().unwrap().clone()
}
