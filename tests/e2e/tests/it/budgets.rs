//! Budgets: what is set aside, spent and refused, to the nano-dollar, however many ask at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::{Client, Reply, fetch};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::check::{cost, field, nano, refusal, whole_picture};
use crate::shared::alone;

/// A picture whose price is known but for its prompt, so that what is set aside for ten of them and what ten of them cost differ by
/// less than one more would cost.
fn costly(prompt: &str) -> Value {
    json!({ "prompt": prompt, "model": "gpt-image-2", "quality": "high", "size": "1024x1024" })
}

/// Nano-dollars as dollars, exactly.
fn usd(nano: u64) -> String {
    format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000)
}

/// The amount of an account's window.
#[track_caller]
fn amount(spending: &Value, window: &str, name: &str) -> u64 {
    nano(spending[window][name].as_str().unwrap_or_else(|| panic!("no {name} in {spending}")))
}

/// What such a picture is set aside for.
async fn most(pincel: &Client, picture: &Value) -> u64 {
    let quote = pincel.quote(picture).await.unwrap();
    nano(quote["price_usd"]["most"].as_str().unwrap())
}

#[track_caller]
fn over_budget(reply: &Reply) {
    refusal(reply, 402, "budget_exceeded");
    assert_eq!(field(reply, "/error/type"), "insufficient_quota", "{reply:?}");
    assert_eq!(reply.header("x-should-retry"), "false", "{reply:?}");
    let message = field(reply, "/error/message");
    assert!(message.contains("day") && message.contains("00:00 UTC"), "{message}");
}

/// Every reply is a picture or a refusal for the budget; how many are pictures.
fn bought(replies: &[Reply]) -> usize {
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    refused.into_iter().for_each(over_budget);
    made.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_never_spend_more_than_ten_may() {
    let pincel = alone().await;
    let picture = |at: usize| costly(&format!("a coin of gold, number {at:03}"));
    let each = most(&pincel, &picture(0)).await;
    let client = pincel.new_client("tenatonce", json!({ "budget_per_day_usd": usd(10 * each) })).await.unwrap();
    pincel.behave(json!({ "latency_ms": 300 })).await.unwrap();
    let (done, watch) = (AtomicBool::new(false), || async { client.spending().await.unwrap() });
    let never_over = async {
        let mut seen = 0;
        while !done.load(Ordering::Relaxed) {
            within(&watch().await, 10 * each);
            seen += 1;
        }
        assert!(seen > 3, "only looked {seen} times");
    };
    let all = async {
        let requests = (0..200).map(|at| match at % 3 {
            0 => client.get(&picture(at)),
            1 => client.post(&picture(at)),
            _ => client.get_signed(&picture(at)),
        });
        let replies: Vec<Reply> = join_all(requests.map(fetch)).await.into_iter().map(Result::unwrap).collect();
        done.store(true, Ordering::Relaxed);
        replies
    };
    let (replies, ()) = tokio::join!(all, never_over);
    let bills = bills_of(&pincel, "a coin of gold").await;
    assert_eq!((bought(&replies), bills.len()), (10, 10));
    let told: u64 = replies.iter().map(told_cost).sum();
    let billed: u64 = bills.iter().map(cost).sum();
    assert_eq!(told, billed);
    let spending = client.settled_spending().await.unwrap();
    for window in ["day", "month"] {
        assert_eq!(amount(&spending, window, "settled_usd"), billed, "{spending}");
        assert_eq!(amount(&spending, window, "kept_usd") + amount(&spending, window, "reserved_usd"), 0, "{spending}");
    }
    assert_eq!(amount(&spending, "day", "left_usd"), 10 * each - billed, "{spending}");

    // What is made is served without a budget, and one more is not made.
    for (reply, at) in replies.iter().zip(0..).filter(|(reply, _)| reply.status == 200) {
        let found = fetch(client.get(&picture(at))).await.unwrap();
        whole_picture(&found);
        assert_eq!(found.body, reply.picture().unwrap());
    }
    over_budget(&fetch(client.get(&picture(999))).await.unwrap());
    assert_eq!(bills_of(&pincel, "a coin of gold").await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_of_everything_together_holds_for_two_clients() {
    let pincel = alone().await;
    let picture = |at: usize| costly(&format!("a share of silver, number {at:03}"));
    let each = most(&pincel, &picture(0)).await;
    let before = amount(&pincel.deployment().await.unwrap()["spending"], "day", "settled_usd")
        + amount(&pincel.deployment().await.unwrap()["spending"], "day", "kept_usd");
    let clients = [
        pincel.new_client("half1", json!({})).await.unwrap(),
        pincel.new_client("half2", json!({ "budget_per_day_usd": usd(100 * each) })).await.unwrap(),
    ];
    pincel.change_deployment(json!({ "budget_per_day_usd": usd(before + 10 * each) })).await.unwrap();
    pincel.behave(json!({ "latency_ms": 300 })).await.unwrap();
    let requests = (0..200).map(|at| fetch(clients[at % 2].post(&picture(at))));
    let replies: Vec<Reply> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
    let bills = bills_of(&pincel, "a share of silver").await;
    assert_eq!((bought(&replies), bills.len()), (10, 10));
    let billed: u64 = bills.iter().map(cost).sum();
    let mut settled = 0;
    for (at, client) in clients.iter().enumerate() {
        let spending = client.settled_spending().await.unwrap();
        let told: u64 = replies.iter().skip(at).step_by(2).map(told_cost).sum();
        assert_eq!(amount(&spending, "day", "settled_usd"), told, "{spending}");
        assert_eq!(amount(&spending, "day", "reserved_usd") + amount(&spending, "day", "kept_usd"), 0, "{spending}");
        settled += told;
    }
    assert_eq!(settled, billed);
    // It is refused for the sake of the whole, and nobody is told what the others spend.
    let refused = replies.iter().find(|reply| reply.status == 402).unwrap();
    assert!(field(refused, "/error/message").contains("as a whole"), "{refused:?}");
    let whole = pincel.deployment().await.unwrap();
    assert_eq!(amount(&whole["spending"], "day", "settled_usd") - before, billed, "{whole}");
    assert_eq!(whole["spending"]["open_reserves"], 0, "{whole}");
    pincel.unlimit_deployment().await.unwrap();
    whole_picture(&fetch(clients[0].get(&picture(999))).await.unwrap());
}

/// What nobody knows to be unpaid stays set aside; what is certainly unpaid comes back.
#[tokio::test]
async fn a_reserve_ends_as_its_picture_does() {
    let pincel = alone().await;
    let client = pincel.new_client("ends", json!({ "budget_per_day_usd": "5.00" })).await.unwrap();
    let whole = pincel.deployment().await.unwrap();
    let (mut kept, mut settled) = (0, 0);
    for (fail, is_known) in [
        ("moderation", true),
        ("cut_mid_body", false),
        ("quota", true),
        ("error_after_billing", false),
        ("unauthorized", true),
        ("garbage", false),
        ("none", true),
    ] {
        let asked = costly(&format!("a wager on {fail}"));
        let reserve = most(&client, &asked).await;
        pincel.behave_well().await.unwrap();
        if fail != "none" {
            pincel.behave(json!({ "fail": fail })).await.unwrap();
        }
        let reply = fetch(client.post(&asked)).await.unwrap();
        assert_eq!(reply.status == 200, fail == "none", "{fail}: {reply:?}");
        settled += told_cost(&reply);
        kept += if is_known { 0 } else { reserve };
        let spending = client.settled_spending().await.unwrap();
        for window in ["day", "month"] {
            assert_eq!(amount(&spending, window, "kept_usd"), kept, "{fail}: {spending}");
            assert_eq!(amount(&spending, window, "settled_usd"), settled, "{fail}: {spending}");
            assert_eq!(amount(&spending, window, "reserved_usd"), 0, "{fail}: {spending}");
        }
        assert_eq!(amount(&spending, "day", "left_usd"), 5_000_000_000 - kept - settled, "{fail}: {spending}");
    }
    let after = pincel.deployment().await.unwrap();
    for (name, more) in [("kept_usd", kept), ("settled_usd", settled)] {
        let [before, after] = [&whole, &after].map(|whole| amount(&whole["spending"], "day", name));
        assert_eq!(after - before, more, "{name}");
    }
}

/// Each share of a budget is warned of once in each window, and a smaller budget counts from what is spent.
#[tokio::test]
async fn alarms_are_told_once() {
    let pincel = alone().await;
    let picture = |at: u32| costly(&format!("a bell, number {at}"));
    let each = most(&pincel, &picture(0)).await;
    let client = pincel.new_client("alarms", json!({ "budget_per_day_usd": usd(5 * each) })).await.unwrap();
    let percents = async || {
        let spending = client.settled_spending().await.unwrap();
        let events = spending["events"].as_array().unwrap().clone();
        for event in &events {
            assert_eq!((&event["event"], &event["window"]), (&json!("budget_alarm"), &json!("day")), "{event}");
            assert_eq!(event["start"], spending["day"]["start"], "{event}");
            let (spent, limit) =
                (nano(event["spent_usd"].as_str().unwrap()), nano(event["limit_usd"].as_str().unwrap()));
            assert!(spent > 0 && spent <= limit && limit == 5 * each, "{event}");
            assert!(event["at_ms"].as_u64().is_some_and(|at| at > 1_700_000_000_000), "{event}");
        }
        let percents: Vec<u64> = events.iter().map(|event| event["percent"].as_u64().unwrap()).collect();
        assert_eq!(spending["day"]["warned_percent"].as_u64(), Some(percents.last().copied().unwrap_or(0)));
        assert_eq!(spending["month"]["warned_percent"], 0);
        percents
    };
    // Each costs a little less than a fifth of the budget.
    for (at, expected) in [(0, vec![]), (1, vec![]), (2, vec![50]), (3, vec![50]), (4, vec![50, 80])] {
        whole_picture(&fetch(client.get(&picture(at))).await.unwrap());
        assert_eq!(percents().await, expected, "after {} pictures", at + 1);
    }
    for at in 5..9 {
        over_budget(&fetch(client.get(&picture(at))).await.unwrap());
        assert_eq!(percents().await, [50, 80, 100]);
    }
    // More money opens it again.
    client.change_policy(json!({ "budget_per_day_usd": null })).await.unwrap();
    whole_picture(&fetch(client.get(&picture(5))).await.unwrap());
    client.change_policy(json!({ "budget_per_month_usd": usd(each) })).await.unwrap();
    let month = fetch(client.get(&picture(6))).await.unwrap();
    refusal(&month, 402, "budget_exceeded");
    assert!(field(&month, "/error/message").contains("month"), "{month:?}");
}

/// One client's budget is nobody else's: who asked for the same picture and can pay for it gets it.
#[tokio::test]
async fn a_refused_leader_takes_nobody_with_it() {
    let pincel = alone().await;
    let poor = pincel.new_client("poor", json!({ "budget_per_day_usd": "0.00" })).await.unwrap();
    let rich = pincel.new_client("rich", json!({})).await.unwrap();
    pincel.behave(json!({ "latency_ms": 100 })).await.unwrap();
    for at in 0..12 {
        let asked = costly(&format!("a banquet, number {at}"));
        let leaders = join_all((0..3).map(|_| fetch(poor.get(&asked))));
        let followers = join_all((0..3).map(|_| fetch(rich.get(&asked))));
        let (leaders, followers) = tokio::join!(leaders, followers);
        for reply in followers {
            whole_picture(&reply.unwrap());
        }
        // Who came in time to join is served; who led has nothing to pay with.
        for reply in leaders {
            let reply = reply.unwrap();
            if reply.status == 200 {
                assert_eq!(told_cost(&reply), 0, "{reply:?}");
            } else {
                over_budget(&reply);
            }
        }
    }
    assert_eq!(bills_of(&pincel, "a banquet").await.len(), 12);
    let spending = poor.settled_spending().await.unwrap();
    assert_eq!(amount(&spending, "day", "settled_usd") + amount(&spending, "day", "reserved_usd"), 0, "{spending}");
}

#[track_caller]
fn within(spending: &Value, limit: u64) {
    let used: u64 = ["settled_usd", "kept_usd", "reserved_usd"].map(|name| amount(spending, "day", name)).iter().sum();
    assert!(used <= limit, "{used} of {limit}: {spending}");
}

/// What the reply says that it cost; a refusal costs nothing.
fn told_cost(reply: &Reply) -> u64 {
    Some(reply.header("x-pincel-cost")).filter(|told| reply.status == 200 && !told.is_empty()).map_or(0, nano)
}

/// What was billed for all prompts that begin so. Each is billed once.
async fn bills_of(pincel: &Client, start: &str) -> Vec<Value> {
    tokio::time::sleep(Duration::from_millis(50)).await;
    let bills = pincel.all_bills().await.unwrap();
    let mut counts = BTreeMap::new();
    let of_these = bills.into_iter().filter(|bill| bill["prompt"].as_str().unwrap().starts_with(start));
    let bills: Vec<Value> =
        of_these.inspect(|bill| *counts.entry(bill["prompt"].to_string()).or_insert(0) += 1).collect();
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    bills
}
