//! The process that runs the Worker is killed while a picture is made.

use std::time::Duration;

use e2e::{Client, Edge, fetch, picture, process};
use serde_json::json;

use crate::check::{hit, nano, whole_picture};
use crate::provider::{held, states};

#[tokio::test]
async fn a_crash_leaves_an_unknown_outcome_and_nobody_waiting() {
    const HOLD_S: u64 = 8;
    let hold = HOLD_S.to_string();
    let edge = Edge::start(&[("UNKNOWN_HOLD_SECONDS", &hold), ("GENERATION_TIMEOUT_SECONDS", "5")]).unwrap();
    let policy = json!({ "budget_per_day_usd": "2.00" });
    let pincel = edge.client().unwrap().new_client("fragile", policy).await.unwrap();
    let kept = fetch(pincel.get(&picture("an archive"))).await.unwrap();
    whole_picture(&kept);

    pincel.behave(json!({ "latency_ms": 2500 })).await.unwrap();
    let asked = picture("an earthquake");
    let forgotten = picture("an aftershock");
    let requests = [pincel.get(&asked), pincel.post(&asked), pincel.get_signed(&asked), pincel.get(&forgotten)];
    let waiting: Vec<_> = requests.map(|request| tokio::spawn(fetch(request))).into();
    pincel.called("an earthquake", 1).await.unwrap();
    pincel.called("an aftershock", 1).await.unwrap();
    let crashed = edge.workerd().unwrap();
    process::end_at_once(crashed).unwrap();

    for client in waiting {
        let answer = tokio::time::timeout(Duration::from_secs(20), client).await.expect("it hangs").unwrap();
        if let Ok(reply) = answer {
            assert!(reply.status >= 500, "{reply:?}");
        }
    }
    back(&pincel).await;
    assert_ne!(edge.workerd().unwrap(), crashed);
    let first = fetch(pincel.get(&asked)).await.unwrap();
    let key = first.header("x-pincel-key").to_owned();
    let receipts = pincel.receipts(&key).await.unwrap();
    assert_eq!(states(&receipts), ["unknown"], "{receipts:?}");
    let id = receipts[0]["id"].as_str().unwrap();
    held(&first, HOLD_S, id);
    // The provider knew nothing of the crash, and bills.
    pincel.provider_idle().await.unwrap();
    assert_eq!(pincel.bills("an earthquake").await.unwrap().len(), 1);
    pincel.behave_well().await.unwrap();
    let mut seconds = 0;
    for request in [pincel.post(&asked), pincel.get_signed(&asked), pincel.get(&asked)] {
        seconds = held(&fetch(request).await.unwrap(), HOLD_S, id);
    }
    assert_eq!(pincel.calls("an earthquake").await.unwrap().len(), 1, "bought again within the hold");

    // What may be billed stays set aside, in sums that a crash can neither lose nor count twice. For the picture that nobody asks
    // for again, the alarm sees to that. Both prompts are as long, so both were reserved alike.
    let reserve = 2 * receipts[0]["reserve_nano_usd"].as_u64().filter(|reserve| *reserve > 0).unwrap();
    money(&pincel, reserve, nano(kept.header("x-pincel-cost"))).await;

    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let made = fetch(pincel.get(&asked)).await.unwrap();
    whole_picture(&made);
    assert_eq!(pincel.bills("an earthquake").await.unwrap().len(), 2);
    let receipts = pincel.receipts_when(&key, |all| states(all) == ["unknown", "settled"]).await.unwrap();
    assert_eq!(receipts[0]["id"], id);
    money(&pincel, reserve, nano(kept.header("x-pincel-cost")) + nano(made.header("x-pincel-cost"))).await;
    hit(&fetch(pincel.get(&asked)).await.unwrap());

    let found = fetch(pincel.get(&picture("an archive"))).await.unwrap();
    hit(&found);
    assert_eq!(found.body, kept.body);
}

/// Nothing is under way, and so much is kept and spent: by the client, and by everything together, since there is no other.
async fn money(pincel: &Client, kept: u64, settled: u64) {
    let own = pincel.settled_spending().await.unwrap();
    let whole = pincel.deployment().await.unwrap()["spending"].clone();
    for (spending, window) in [(&own, "day"), (&own, "month"), (&whole, "day"), (&whole, "month")] {
        let amount = |name: &str| nano(spending[window][name].as_str().unwrap());
        let found = (amount("kept_usd"), amount("settled_usd"), amount("reserved_usd"));
        assert_eq!(found, (kept, settled, 0), "{spending}");
        assert_eq!(spending["open_reserves"], 0, "{spending}");
    }
}

/// Returns once the Worker answers again.
async fn back(pincel: &Client) {
    let answers = async {
        while !fetch(pincel.anonymous("GET", "/healthz")).await.is_ok_and(|reply| reply.status == 200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), answers).await.expect("the Worker does not come back");
}
