//! How often a client may ask, and how many pictures it may have made at once. Only what has something made is counted.

use std::time::{Duration, Instant};

use e2e::{Client, Reply, fetch, picture};
use futures::future::join_all;
use serde_json::json;

use crate::check::{field, hit, refusal, whole_picture};
use crate::shared::alone;

/// So few that one comes back only every six seconds.
const PER_MINUTE: u32 = 10;

#[tokio::test]
async fn so_many_requests_a_minute_have_something_made() {
    let pincel = alone().await;
    let client = pincel.new_client("hurried", json!({ "requests_per_minute": PER_MINUTE })).await.unwrap();
    let other = pincel.new_client("calm", json!({})).await.unwrap();
    let known = picture("a known tick");
    whole_picture(&fetch(other.get(&known)).await.unwrap());
    let hits = async || {
        for request in [client.get(&known), client.post(&known), client.get_signed(&known)] {
            let reply = fetch(request).await.unwrap();
            hit(&reply);
            uncounted(&reply);
        }
    };
    hits().await;
    let since = Instant::now();
    let mut granted = 0;
    // On a slow machine some come back meanwhile.
    let refused = loop {
        let asked = picture(&format!("a tick, number {granted}"));
        let request = match granted % 3 {
            0 => client.get(&asked),
            1 => client.post(&asked),
            _ => client.get_signed(&asked),
        };
        let reply = fetch(request).await.unwrap();
        if reply.status != 200 {
            break reply;
        }
        // The holder of a signed URL is not the client, and learns nothing of what is left.
        if granted % 3 == 2 {
            uncounted(&reply);
        } else {
            counted(&reply, granted);
        }
        granted += 1;
    };
    too_many_requests(&refused);
    let most = u64::from(PER_MINUTE) + 1 + since.elapsed().as_secs() * u64::from(PER_MINUTE) / 60;
    assert!((u64::from(PER_MINUTE)..=most).contains(&granted.into()), "{granted} were granted");

    let mut wait = Duration::ZERO;
    for request in [client.get(&picture("a tick too many")), client.post(&picture("a tick too many"))] {
        let reply = fetch(request).await.unwrap();
        wait = too_many_requests(&reply);
        assert!(reply.header("ratelimit").starts_with("\"requests\";r=0;t="), "{reply:?}");
        assert_eq!(reply.header("x-ratelimit-remaining-requests"), "0", "{reply:?}");
    }
    too_many_requests(&fetch(client.get_signed(&picture("a tick too many"))).await.unwrap());
    assert_eq!(pincel.calls("a tick too many").await.unwrap().len(), 0);
    hits().await;
    // Another client has its own minute.
    whole_picture(&fetch(other.get(&picture("a tick of another"))).await.unwrap());
    tokio::time::sleep(wait).await;
    whole_picture(&fetch(client.get(&picture("a tick in time"))).await.unwrap());
}

/// What was tried is counted, and so are those that made nothing.
#[tokio::test]
async fn what_the_provider_refuses_is_counted_too() {
    let pincel = alone().await;
    let client = pincel.new_client("unlucky", json!({ "requests_per_minute": PER_MINUTE })).await.unwrap();
    pincel.behave(json!({ "fail": "moderation", "times": 99 })).await.unwrap();
    for at in 0..3 {
        let reply = fetch(client.post(&picture(&format!("a tock, number {at}")))).await.unwrap();
        refusal(&reply, 400, "moderation_blocked");
        counted(&reply, at);
    }
}

/// A reply to a bearer that was counted, after so many others.
#[track_caller]
fn counted(reply: &Reply, before: u32) {
    assert_eq!(reply.header("ratelimit-policy"), format!("\"requests\";q={PER_MINUTE};w=60"), "{reply:?}");
    assert_eq!(reply.header("x-ratelimit-limit-requests"), PER_MINUTE.to_string(), "{reply:?}");
    let left: u32 = reply.header("x-ratelimit-remaining-requests").parse().unwrap();
    // While the test goes on, some come back.
    let least = PER_MINUTE.saturating_sub(before + 1);
    assert!((least..least + 5).contains(&left), "{left} left after {before}: {reply:?}");
    let reset = reply.header("x-ratelimit-reset-requests").strip_suffix('s').unwrap().to_owned();
    assert_eq!(reply.header("ratelimit"), format!("\"requests\";r={left};t={reset}"), "{reply:?}");
    assert!(reset.parse::<u32>().is_ok_and(|reset| (1..=60).contains(&reset)), "{reply:?}");
}

#[track_caller]
fn uncounted(reply: &Reply) {
    for name in ["ratelimit", "ratelimit-policy", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"] {
        assert_eq!(reply.header(name), "", "{name} of {reply:?}");
    }
}

/// Refused for now; how long to wait.
#[track_caller]
fn too_many_requests(reply: &Reply) -> Duration {
    refusal(reply, 429, "rate_limit_exceeded");
    assert_ne!(reply.header("x-should-retry"), "false", "{reply:?}");
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    let ms: u64 = reply.header("retry-after-ms").parse().unwrap();
    assert!((1..=6).contains(&seconds) && (1..=6_000).contains(&ms) && ms <= seconds * 1_000, "{reply:?}");
    Duration::from_millis(ms)
}

#[tokio::test]
async fn so_many_pictures_are_made_at_once() {
    let pincel = alone().await;
    let client = pincel.new_client("narrow", json!({ "concurrent_generations": 2 })).await.unwrap();
    let other = pincel.new_client("wide", json!({})).await.unwrap();
    pincel.behave(json!({ "latency_ms": 1500 })).await.unwrap();
    let asked: Vec<_> = (0..6).map(|at| picture(&format!("a lane, number {at}"))).collect();
    let (replies, others) = tokio::join!(
        join_all(asked.iter().map(|asked| fetch(client.post(asked)))),
        fetch(other.get(&picture("a ford")))
    );
    whole_picture(&others.unwrap());
    let replies: Vec<Reply> = replies.into_iter().map(Result::unwrap).collect();
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(made.len(), 2, "{replies:?}");
    for reply in refused {
        refusal(reply, 429, "too_many_generations");
        assert_ne!(reply.header("x-should-retry"), "false", "{reply:?}");
        assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1), "{reply:?}");
    }
    // Who joins a picture that is being made has nothing made.
    let (one, all) = (picture("a crossing"), picture("a bridge"));
    let joined = join_all([&one, &all].into_iter().cycle().take(10).map(|asked| fetch(client.get(asked)))).await;
    for reply in joined {
        whole_picture(&reply.unwrap());
    }
    pincel.behave_well().await.unwrap();
    client.settled_spending().await.unwrap();
    for asked in &asked {
        whole_picture(&fetch(client.get(asked)).await.unwrap());
    }
}

/// Limits of everything together hold for each, and tell nobody what others do.
#[tokio::test]
async fn everything_together_has_limits_too() {
    let pincel = alone().await;
    let clients: Vec<Client> = join_all(["all1", "all2"].map(|id| pincel.new_client(id, json!({}))))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    pincel.change_deployment(json!({ "concurrent_generations": 1 })).await.unwrap();
    pincel.behave(json!({ "latency_ms": 800 })).await.unwrap();
    let replies =
        join_all(clients.iter().map(|client| fetch(client.get(&picture(&format!("a gate for {}", client.id()))))));
    let mut statuses: Vec<u16> = replies.await.into_iter().map(|reply| reply.unwrap().status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
    pincel.behave_well().await.unwrap();
    pincel.change_deployment(json!({ "concurrent_generations": null, "requests_per_minute": 2 })).await.unwrap();
    let mut refused = None;
    for at in 0..8 {
        let client = &clients[at % 2];
        let reply = fetch(client.get(&picture(&format!("a gate, number {at}")))).await.unwrap();
        uncounted(&reply);
        if reply.status != 200 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("eight at once are more than two in a minute");
    refusal(&refused, 429, "rate_limit_exceeded");
    assert!(field(&refused, "/error/message").contains("as a whole"), "{refused:?}");
    pincel.unlimit_deployment().await.unwrap();
    whole_picture(&fetch(clients[0].get(&picture("a gate, open"))).await.unwrap());
}
