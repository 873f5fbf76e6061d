//! The provider fails. Where it certainly did not bill, waiting may help and costs nothing; where nobody knows, nothing is
//! bought again before the hold ends.

use std::time::Duration;

use e2e::{Client, Edge, Reply, fetch, picture};
use serde_json::{Value, json};

use crate::check::{cost, field, nano, refusal, whole_picture};

/// A refusal after which the picture is certainly not billed.
struct Certain {
    behaviour: Value,
    status: u16,
    kind: &'static str,
    code: &'static str,
    calls: usize,
    retry_after: &'static str,
    should_retry: &'static str,
}

#[tokio::test]
async fn what_was_not_billed_is_told_and_forgotten() {
    let row = |behaviour, status, kind, code, calls, retry_after, should_retry| Certain {
        behaviour,
        status,
        kind,
        code,
        calls,
        retry_after,
        should_retry,
    };
    let rows = [
        row(
            json!({ "fail": "rate_limit", "times": 9, "retry_after_ms": 20 }),
            429,
            "rate_limit_error",
            "rate_limit_exceeded",
            4,
            "1",
            "",
        ),
        row(
            json!({ "fail": "rate_limit", "times": 9, "retry_after_ms": 61_000 }),
            429,
            "rate_limit_error",
            "rate_limit_exceeded",
            1,
            "61",
            "",
        ),
        row(
            json!({ "fail": "overloaded", "times": 9, "retry_after_ms": 20 }),
            503,
            "service_unavailable_error",
            "server_is_overloaded",
            4,
            "1",
            "",
        ),
        row(json!({ "fail": "quota", "times": 9 }), 429, "insufficient_quota", "insufficient_quota", 1, "", "false"),
        row(json!({ "fail": "moderation" }), 400, "image_generation_user_error", "moderation_blocked", 1, "", "false"),
        row(json!({ "fail": "unauthorized" }), 502, "server_error", "provider_unauthorized", 1, "", "false"),
        row(json!({ "fail": "unverified" }), 502, "server_error", "provider_forbidden", 1, "", "false"),
        row(json!({ "fail": "empty_404" }), 502, "server_error", "provider_refused", 1, "", "false"),
    ];
    let edge = Edge::start(&[]).unwrap();
    let pincel = edge.client().unwrap();
    for (at, row) in rows.into_iter().enumerate() {
        let prompt = format!("a refusal, number {at}");
        let asked = picture(&prompt);
        let ask = || if at % 2 == 0 { pincel.get(&asked) } else { pincel.post(&asked) };
        pincel.behave_well().await.unwrap();
        pincel.behave(row.behaviour.clone()).await.unwrap();
        let refused = fetch(ask()).await.unwrap();
        refusal(&refused, row.status, row.code);
        assert_eq!(field(&refused, "/error/type"), row.kind, "{refused:?}");
        assert_eq!(refused.header("retry-after"), row.retry_after, "{refused:?}");
        assert_eq!(refused.header("x-should-retry"), row.should_retry, "{refused:?}");
        assert_eq!(pincel.calls(&prompt).await.unwrap().len(), row.calls, "{}", row.behaviour);
        assert_eq!(pincel.bills(&prompt).await.unwrap().len(), 0, "{}", row.behaviour);

        // The failure is nobody's answer but its own.
        pincel.behave_well().await.unwrap();
        let made = fetch(ask()).await.unwrap();
        let bills = pincel.bills(&prompt).await.unwrap();
        assert_eq!((made.status, bills.len()), (200, 1), "{} {made:?}", row.behaviour);
        assert_eq!(nano(made.header("x-pincel-cost")), cost(&bills[0]));
        let receipts =
            pincel.receipts_when(made.header("x-pincel-key"), |all| states(all) == ["failed", "settled"]).await;
        let receipts = receipts.unwrap();
        assert_eq!((&receipts[0]["attempts"], &receipts[0]["cost_nano_usd"]), (&json!(row.calls), &Value::Null));
    }
    account_is_exact(&pincel).await;
}

#[tokio::test]
async fn where_waiting_helps_the_client_sees_nothing_of_it() {
    let edge = Edge::start(&[]).unwrap();
    let pincel = edge.client().unwrap();
    for (behaviour, attempts) in [
        (json!({ "fail": "rate_limit", "times": 2, "retry_after_ms": 20 }), 3),
        (json!({ "fail": "rate_limit", "times": 1 }), 2),
        (json!({ "fail": "overloaded", "times": 3, "retry_after_ms": 20 }), 4),
    ] {
        let prompt = format!("a queue of {behaviour}");
        pincel.behave_well().await.unwrap();
        pincel.behave(behaviour).await.unwrap();
        let (first, second) = tokio::join!(fetch(pincel.get(&picture(&prompt))), fetch(pincel.post(&picture(&prompt))));
        let (first, second) = (first.unwrap(), second.unwrap());
        whole_picture(&first);
        assert_eq!(second.picture().unwrap(), first.body, "{second:?}");
        assert_eq!(pincel.bills(&prompt).await.unwrap().len(), 1);
        assert_eq!(pincel.calls(&prompt).await.unwrap().len(), attempts);
        let receipts =
            pincel.receipts_when(first.header("x-pincel-key"), |all| states(all) == ["settled"]).await.unwrap();
        assert_eq!(receipts[0]["attempts"], attempts);
    }
}

#[tokio::test]
async fn what_may_have_been_billed_is_not_bought_again_before_the_hold_ends() {
    let rows = [
        // The first, which is the longest: all the holds have to overlap.
        ("hang", 504, "provider_timeout", 0),
        ("server_error", 502, "provider_error", 0),
        ("error_after_billing", 502, "provider_error", 1),
        ("cut_before_billing", 502, "provider_connection_lost", 0),
        ("cut_mid_body", 502, "provider_connection_lost", 1),
        ("garbage", 502, "provider_reply_unusable", 1),
        ("not_an_image", 502, "provider_reply_unusable", 1),
    ];
    let edge = Edge::start(&[("UNKNOWN_HOLD_SECONDS", "4"), ("GENERATION_TIMEOUT_SECONDS", "3")]).unwrap();
    let pincel = edge.client().unwrap();
    let mut retry_after = 0;
    for (fail, status, code, billed) in rows {
        let asked = picture(fail);
        pincel.behave(json!({ "fail": fail })).await.unwrap();
        let (first, second) = tokio::join!(fetch(pincel.get(&asked)), fetch(pincel.get_signed(&asked)));
        let (first, second) = (first.unwrap(), second.unwrap());
        // The second joined the first, or came after it and was held back.
        let told = if first.status == status { &first } else { &second };
        refusal(told, status, code);
        assert_eq!(told.header("x-should-retry"), "false", "{told:?}");
        let key = told.header("x-pincel-key");
        let receipts = pincel.receipts_when(key, |all| states(all) == ["unknown"]).await.unwrap();
        let id = receipts[0]["id"].as_str().unwrap();
        assert_eq!(pincel.bills(fail).await.unwrap().len(), billed, "{fail}");
        for request in [pincel.get(&asked), pincel.post(&asked), pincel.get_signed(&asked)] {
            retry_after = held(&fetch(request).await.unwrap(), 4, id);
        }
        for reply in [&first, &second] {
            assert!(field(reply, "/error/message").contains(id), "{fail}: {reply:?}");
        }
        let kept = fetch(pincel.request("GET", &format!("/v1/images/{key}"))).await.unwrap();
        refusal(&kept, 404, "picture_not_found");
        assert_eq!(pincel.calls(fail).await.unwrap().len(), 1, "{fail}: bought again");
    }
    let (mut kept, mut settled) = (0, 0);
    // What the last of them was told to wait is enough for all.
    tokio::time::sleep(Duration::from_secs(retry_after)).await;
    for (fail, _, _, billed) in rows {
        let made = fetch(pincel.get(&picture(fail))).await.unwrap();
        whole_picture(&made);
        let bills = pincel.bills(fail).await.unwrap();
        assert_eq!((bills.len(), pincel.calls(fail).await.unwrap().len()), (billed + 1, 2), "{fail}");
        let key = made.header("x-pincel-key");
        let receipts = pincel.receipts_when(key, |all| states(all) == ["unknown", "settled"]).await.unwrap();
        assert_eq!(receipts[0]["cost_nano_usd"], Value::Null, "an unknown sum is not zero: {receipts:?}");
        assert!(receipts[0]["reserve_nano_usd"].as_u64().unwrap() > 0, "{receipts:?}");
        assert_eq!(receipts[1]["cost_nano_usd"], cost(&bills[billed]));
        kept += receipts[0]["reserve_nano_usd"].as_u64().unwrap();
        settled += cost(&bills[billed]);
    }
    let day = &pincel.settled_spending().await.unwrap()["day"];
    let amount = |name: &str| nano(day[name].as_str().unwrap());
    // Of what nobody knows the reserve is kept, also where the provider did bill.
    assert_eq!((amount("kept_usd"), amount("settled_usd"), amount("reserved_usd")), (kept, settled, 0), "{day}");
}

/// What the client has spent is what was billed, and nothing else is set aside.
async fn account_is_exact(pincel: &Client) {
    let day = &pincel.settled_spending().await.unwrap()["day"];
    let amount = |name: &str| nano(day[name].as_str().unwrap());
    let billed: u64 = pincel.all_bills().await.unwrap().iter().map(cost).sum();
    assert_eq!((amount("kept_usd"), amount("settled_usd"), amount("reserved_usd")), (0, billed, 0), "{day}");
}

/// Everybody who waits for a call that never ends is let go when its time is up.
#[tokio::test]
async fn nobody_waits_for_ever() {
    let edge = Edge::start(&[("GENERATION_TIMEOUT_SECONDS", "1")]).unwrap();
    let pincel: Client = edge.client().unwrap();
    let asked = picture("a sleeping beauty");
    pincel.behave(json!({ "fail": "hang" })).await.unwrap();
    let clients = (0..20).map(|at| fetch(if at % 2 == 0 { pincel.get(&asked) } else { pincel.post(&asked) }));
    let all = tokio::time::timeout(Duration::from_secs(10), futures::future::join_all(clients)).await.unwrap();
    for reply in all {
        let reply = reply.unwrap();
        assert!(matches!(reply.status, 503 | 504), "{reply:?}");
    }
    assert_eq!(pincel.calls("a sleeping beauty").await.unwrap().len(), 1);
}

/// Refused because of an outcome that nobody knows. Gives the seconds to wait.
#[track_caller]
pub(crate) fn held(reply: &Reply, hold_s: u64, receipt: &str) -> u64 {
    refusal(reply, 503, "outcome_unknown");
    assert!(field(reply, "/error/message").contains(receipt), "{reply:?}");
    assert_eq!(reply.header("x-should-retry"), "false", "{reply:?}");
    let seconds = reply.header("retry-after").parse().unwrap();
    assert!((1..=hold_s).contains(&seconds), "{reply:?}");
    seconds
}

pub(crate) fn states(receipts: &[Value]) -> Vec<&str> {
    receipts.iter().filter_map(|receipt| receipt["state"].as_str()).collect()
}
