//! The live feed: what happens is told, in order, to whoever comes back as well.

use std::time::Duration;

use e2e::{Client, fetch, picture};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::check::{refusal, refusal_of};
use crate::shared::{alone, shared};

const PATIENCE: Duration = Duration::from_secs(20);

/// One event of the stream.
#[derive(Debug, Clone, Default)]
struct Event {
    id: Option<u64>,
    kind: String,
    data: Value,
}

/// A reader of the feed.
struct Feed {
    reply: reqwest::Response,
    text: String,
    heartbeats: usize,
}

impl Feed {
    async fn open(operator: &Client, query: &str, last: Option<u64>) -> Self {
        let mut request = operator.admin("GET", &format!("/admin/v1/events{query}")).timeout(Duration::from_mins(2));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.headers()["content-type"], "text/event-stream");
        assert_eq!(reply.headers()["cache-control"], "no-store");
        Self { reply, text: String::new(), heartbeats: 0 }
    }

    async fn next(&mut self) -> Event {
        timeout(PATIENCE, async {
            loop {
                if let Some((block, rest)) = self.text.split_once("\n\n") {
                    let (block, rest) = (block.to_owned(), rest.to_owned());
                    self.text = rest;
                    if let Some(event) = self.read(&block) {
                        return event;
                    }
                    continue;
                }
                let chunk = self.reply.chunk().await.unwrap().expect("the feed ended");
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
        .expect("no event came")
    }

    fn read(&mut self, block: &str) -> Option<Event> {
        let mut event = Event::default();
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("", _)) => self.heartbeats += 1,
                Some(("id", id)) => event.id = Some(id.parse().unwrap()),
                Some(("event", kind)) => kind.clone_into(&mut event.kind),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                Some(("retry", _)) => {}
                _ => panic!("no line of an event stream: {line:?}"),
            }
        }
        (!event.kind.is_empty()).then_some(event)
    }

    async fn until(&mut self, expected: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await;
            if expected(&event) {
                return event;
            }
        }
    }
}

#[tokio::test]
async fn what_happens_is_told_and_can_be_told_again() {
    let pincel = alone().await;
    let shop = pincel.new_client("watched", json!({ "budget_per_day_usd": "0.02" })).await.unwrap();
    let mut feed = Feed::open(&pincel, "?client=watched", None).await;
    // The isolate learns that somebody watches when it next tells what it counted.
    fetch(pincel.get(&picture("a warm-up"))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;

    let asked = picture("a <b>watched</b> kettle \u{1b}[31m");
    pincel.behave(json!({ "latency_ms": 300 })).await.unwrap();
    let made = fetch(shop.get(&asked)).await.unwrap();
    let key = made.header("x-pincel-key");
    let began = feed.until(|event| event.kind == "generation").await;
    assert_eq!((&began.data["state"], &began.data["key"]), (&json!("dispatched"), &json!(key)), "{began:?}");
    let ended = feed.until(|event| event.kind == "generation").await;
    assert_eq!((&ended.data["state"], &ended.data["client"]), (&json!("settled"), &json!("watched")), "{ended:?}");
    assert_eq!(ended.data["cost_usd"], made.header("x-pincel-cost"), "{ended:?}");
    let request = feed.until(|event| event.kind == "request").await;
    assert_eq!(request.data["request"], made.header("x-request-id"), "{request:?}");
    assert_eq!((&request.data["outcome"], &request.data["status"]), (&json!("miss"), &json!(200)), "{request:?}");
    let told = format!("{began:?} {ended:?} {request:?}");
    assert!(!told.contains("kettle"), "a prompt in the feed: {told}");

    // Who comes back hears what was missed, in the same order.
    let mut again = Feed::open(&pincel, "?client=watched", began.id).await;
    assert_eq!(again.until(|event| event.kind == "generation").await.data, ended.data);
    assert_eq!(again.until(|event| event.kind == "request").await.data, request.data);

    // A budget that turns a picture away is told of; a purge is, to whoever did not ask for one client's events only.
    let mut all = Feed::open(&pincel, "?kinds=budget,purge", None).await;
    loop {
        let reply = fetch(shop.post(&picture(&format!("drained {}", e2e::sign::seconds_from_now(0))))).await.unwrap();
        if reply.status == 402 {
            break;
        }
    }
    let alarm = all.until(|event| event.kind == "budget").await;
    assert_eq!(alarm.data["account"], "client/watched", "{alarm:?}");
    let purge = pincel.purge(json!({ "keys": [key] }), "soft").await.unwrap();
    let done = all.until(|event| event.kind == "purge" && event.data["state"] == "done").await;
    assert_eq!(done.data["id"], purge["id"], "{done:?}");
}

#[tokio::test]
async fn a_reader_that_never_reads_stops_nobody() {
    let pincel = alone().await;
    let lazy = Feed::open(&pincel, "", None).await;
    let mut eager = Feed::open(&pincel, "?kinds=generation", None).await;
    for at in 0..5 {
        let made = fetch(pincel.get(&picture(&format!("unread news {at}")))).await.unwrap();
        let key = made.header("x-pincel-key").to_owned();
        eager.until(|event| event.data["key"] == key.as_str() && event.data["state"] == "settled").await;
    }
    drop(lazy);
}

#[tokio::test]
async fn an_idle_feed_says_that_it_lives() {
    let pincel = shared().await;
    let mut feed = Feed::open(&pincel, "?client=nobody", None).await;
    let silent = timeout(Duration::from_secs(17), async {
        loop {
            let chunk = feed.reply.chunk().await.unwrap().expect("the feed ended");
            if chunk.starts_with(b": ") {
                return;
            }
        }
    });
    silent.await.expect("no heartbeat");
}

#[tokio::test]
async fn what_cannot_be_a_filter_is_refused() {
    let pincel = shared().await;
    for (query, param) in
        [("?kinds=weather", "kinds"), ("?key=abc", "key"), ("?errors=maybe", "errors"), ("?flavour=x", "flavour")]
    {
        let reply = fetch(pincel.admin("GET", &format!("/admin/v1/events{query}"))).await.unwrap();
        assert_eq!(reply.status, 400, "{query} {reply:?}");
        assert_eq!(crate::check::field(&reply, "/error/param"), param, "{reply:?}");
    }
    let reply = fetch(pincel.admin("GET", "/admin/v1/events").header("last-event-id", "yesterday")).await.unwrap();
    refusal_of(&reply, 400, "invalid_value", "Last-Event-ID");
    refusal(&fetch(pincel.request("GET", "/admin/v1/events")).await.unwrap(), 403, "insufficient_scope");
}
