//! Many at once: one picture is one bill.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::{Client, Reply, fetch, picture, with};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::check::{cost, decoded, hit, nano};
use crate::shared::alone;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_ask_for_one_picture() {
    let pincel = alone().await;
    pincel.behave(json!({ "latency_ms": 2000 })).await.unwrap();
    let asked = picture("a crowd");
    let requests = (0..500).map(|at| match at % 3 {
        0 => pincel.get(&asked),
        1 => pincel.post(&asked),
        _ => pincel.get_signed(&asked),
    });
    let replies: Vec<Reply> = join_all(requests.map(fetch)).await.into_iter().map(Result::unwrap).collect();
    let bills = pincel.bills("a crowd").await.unwrap();
    assert_eq!(bills.len(), 1);
    let first = replies[0].picture().unwrap();
    assert_eq!(decoded(&first).1, (1024, 640));
    for reply in &replies {
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.picture().unwrap() == first, "another picture: {reply:?}");
    }
    let paid: Vec<u64> =
        replies.iter().map(|reply| nano(reply.header("x-pincel-cost"))).filter(|cost| *cost > 0).collect();
    assert_eq!(paid, [cost(&bills[0])], "one of them pays, and what it is told is the bill");
    let of = |status: &str| replies.iter().filter(|reply| reply.header("cache-status").starts_with(status)).count();
    let (led, joined, found) =
        (of("pincel; fwd=uri-miss; stored"), of("pincel; fwd=uri-miss; stored; collapsed"), of("pincel; hit"));
    assert_eq!((led - joined, led + found), (1, 500), "{joined} joined");
    assert!(joined > 100, "only {joined} of 500 were there at the same time");

    let key = replies[0].header("x-pincel-key");
    let receipts = pincel.receipts_when(key, settled).await.unwrap();
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0]["joined"]["count"], joined, "{receipts:?}");
    assert_eq!(receipts[0]["joined"]["last"].as_array().unwrap().len(), 100);
    assert_eq!(receipts[0]["upstream_request_id"], bills[0]["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_ask_for_fifty_pictures() {
    let pincel = alone().await;
    pincel.behave(json!({ "latency_ms": 200 })).await.unwrap();
    let prompts: Vec<String> = (0..50).map(|at| format!("a face in the crowd, number {at}")).collect();
    let replies = join_all(prompts.iter().map(|prompt| fetch(pincel.get(&picture(prompt))))).await;
    let replies: Vec<Reply> = replies.into_iter().map(Result::unwrap).collect();
    for (prompt, reply) in prompts.iter().zip(&replies) {
        assert_eq!(reply.status, 200, "{reply:?}");
        let bills = pincel.bills(prompt).await.unwrap();
        assert_eq!(bills.len(), 1, "{prompt}");
        assert_eq!(nano(reply.header("x-pincel-cost")), cost(&bills[0]));
    }
    assert_eq!(replies.iter().map(|reply| reply.header("x-pincel-key")).collect::<BTreeSet<_>>().len(), 50);
    assert_eq!(replies.iter().map(|reply| &reply.body).collect::<BTreeSet<_>>().len(), 50);
}

/// What another request is having made is waited for, and only the rest is bought.
#[tokio::test]
async fn a_larger_request_joins_a_smaller_one() {
    let pincel = alone().await;
    pincel.behave(json!({ "latency_ms": 1000 })).await.unwrap();
    let asked = picture("a duet");
    let one = tokio::spawn(fetch(pincel.post(&asked)));
    pincel.called("a duet", 1).await.unwrap();
    let three = with(&asked, json!({ "n": 3 }));
    let (first, second) = tokio::join!(fetch(pincel.post(&three)), fetch(pincel.post(&three)));
    let (one, first, second) = (one.await.unwrap().unwrap(), first.unwrap(), second.unwrap());
    let pictures = first.pictures().unwrap();
    assert_eq!(pictures.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(second.pictures().unwrap(), pictures);
    assert_eq!(one.picture().unwrap(), pictures[0]);
    let bills = pincel.bills("a duet").await.unwrap();
    let mut counts: Vec<u64> = bills.iter().filter_map(|bill| bill["n"].as_u64()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    let paid: u64 = [&one, &first, &second].iter().map(|reply| nano(reply.header("x-pincel-cost"))).sum();
    assert_eq!(paid, bills.iter().map(cost).sum::<u64>(), "what is told to all is what is billed");
}

/// Whoever waits is told; whoever left loses nothing: the picture is made, kept and settled.
#[tokio::test]
async fn all_clients_leave_while_the_picture_is_made() {
    let pincel = alone().await;
    pincel.behave(json!({ "latency_ms": 1500 })).await.unwrap();
    let asked = picture("an empty theatre");
    let key = key_of(&pincel, &asked).await;
    let requests = [pincel.get(&asked), pincel.post(&asked), pincel.get_signed(&asked), pincel.get(&asked)];
    let clients: Vec<_> = requests.map(|request| tokio::spawn(fetch(request))).into();
    pincel.called("an empty theatre", 1).await.unwrap();
    let joined = |receipts: &[Value]| receipts.iter().any(|receipt| receipt["joined"]["count"] == 3);
    let receipts = pincel.receipts_when(&key, joined).await.unwrap();
    assert_eq!(receipts[0]["state"], "dispatched", "they leave before the picture is there");
    for client in &clients {
        client.abort();
    }
    for client in clients {
        assert!(client.await.is_err_and(|error| error.is_cancelled()));
    }

    let receipts = pincel.receipts_when(&key, settled).await.unwrap();
    let bills = pincel.bills("an empty theatre").await.unwrap();
    assert_eq!((receipts.len(), bills.len()), (1, 1));
    assert_eq!(receipts[0]["cost_nano_usd"], cost(&bills[0]));
    assert_eq!(receipts[0]["joined"]["count"], 3, "{receipts:?}");
    let reply = tokio::time::timeout(Duration::from_secs(1), fetch(pincel.get(&asked))).await.unwrap().unwrap();
    hit(&reply);
    assert_eq!(pincel.calls("an empty theatre").await.unwrap().len(), 1);
}

/// A client that leaves does not take the others with it.
#[tokio::test]
async fn the_one_who_asked_first_leaves() {
    let pincel = alone().await;
    pincel.behave(json!({ "latency_ms": 1000 })).await.unwrap();
    let asked = picture("an understudy");
    let leader = tokio::spawn(fetch(pincel.get(&asked)));
    pincel.called("an understudy", 1).await.unwrap();
    let follower = tokio::spawn(fetch(pincel.get(&asked)));
    let key = key_of(&pincel, &asked).await;
    pincel.receipts_when(&key, |receipts| receipts.iter().any(|one| one["joined"]["count"] == 1)).await.unwrap();
    leader.abort();
    let reply = follower.await.unwrap().unwrap();
    assert_eq!((reply.status, reply.header("cache-status")), (200, "pincel; fwd=uri-miss; stored; collapsed"));
    assert_eq!(pincel.bills("an understudy").await.unwrap().len(), 1);
}

/// The key of a picture that need not exist.
async fn key_of(pincel: &Client, asked: &Value) -> String {
    let reply = fetch(pincel.get(asked).header("cache-control", "only-if-cached")).await.unwrap();
    let key = reply.header("x-pincel-key").to_owned();
    assert_eq!(key.len(), 64, "{reply:?}");
    key
}

fn settled(receipts: &[Value]) -> bool {
    !receipts.is_empty() && receipts.iter().all(|receipt| receipt["state"] == "settled")
}
