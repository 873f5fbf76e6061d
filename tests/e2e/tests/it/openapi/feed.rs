//! The live feed, which never ends: what it says first, and that each event is one.

use std::time::Duration;

use bytes::BytesMut;
use e2e::{Reply, fetch};
use serde_json::Value;

use super::calls::{Calls, Who};

/// How long the feed may keep silent about something that has happened.
const FEED: Duration = Duration::from_secs(20);

/// Its refusals, its head, and its first events.
pub(super) async fn feed(calls: &mut Calls<'_>) {
    let path = "/admin/v1/events";
    for (who, query, status) in
        [(Who::Admin, "?kinds=colour", 400), (Who::Admin, "?after=x", 400), (Who::Client, "", 403)]
    {
        calls.get(who, path, &format!("{path}{query}"), status).await;
    }
    let head = fetch(calls.pincel.admin("HEAD", path)).await.unwrap();
    calls.hold(&head, "HEAD", path, path, 200);
    let mut response = calls.pincel.admin("GET", &format!("{path}?after=0")).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = BytesMut::new();
    let told = |body: &[u8]| String::from_utf8_lossy(body).matches("\ndata:").count();
    let _ = tokio::time::timeout(FEED, async {
        while status == 200
            && told(&body) < 5
            && let Some(chunk) = response.chunk().await.unwrap()
        {
            body.extend_from_slice(&chunk);
        }
    })
    .await;
    let reply = Reply { status, headers, body: body.freeze() };
    calls.hold(&reply, "GET", path, path, 200);
    let text = String::from_utf8_lossy(&reply.body);
    // The last one may be cut off.
    let whole = text.rsplit_once("\n\n").map(|(whole, _)| whole).unwrap_or_default();
    let events: Vec<&str> = whole.split("\n\n").filter(|event| event.contains("data:")).collect();
    for event in &events {
        let field =
            |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        let data: Value = field("data").and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
        let is_whole =
            field("id").is_some_and(|id| id.parse::<u64>().is_ok()) && data["kind"].as_str() == field("event");
        if let Err(error) = calls.contract.is_a("Event", &data) {
            calls.wrong.push(format!("{event}: {error:#}"));
        } else if !is_whole {
            calls.wrong.push(format!("no event: {event}"));
        }
    }
    if events.len() < 2 {
        calls.wrong.push(format!("the feed told next to nothing: {text}"));
    }
}
