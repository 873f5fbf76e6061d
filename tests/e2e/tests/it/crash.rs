//! The process that runs the Worker is killed while a picture is made.

use std::time::Duration;

use e2e::{Client, Edge, fetch, picture, process};
use serde_json::json;

use crate::check::{hit, whole_picture};
use crate::provider::{held, states};

#[tokio::test]
async fn a_crash_leaves_an_unknown_outcome_and_nobody_waiting() {
    const HOLD_S: u64 = 8;
    let edge = Edge::start(&[("UNKNOWN_HOLD_SECONDS", &HOLD_S.to_string())]).unwrap();
    let pincel = edge.client().unwrap();
    let kept = fetch(pincel.get(&picture("an archive"))).await.unwrap();
    whole_picture(&kept);

    pincel.behave(json!({ "latency_ms": 2500 })).await.unwrap();
    let asked = picture("an earthquake");
    let requests = [pincel.get(&asked), pincel.post(&asked), pincel.get_signed(&asked)];
    let waiting: Vec<_> = requests.map(|request| tokio::spawn(fetch(request))).into();
    pincel.called("an earthquake", 1).await.unwrap();
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

    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let made = fetch(pincel.get(&asked)).await.unwrap();
    whole_picture(&made);
    assert_eq!(pincel.bills("an earthquake").await.unwrap().len(), 2);
    let receipts = pincel.receipts_when(&key, |all| states(all) == ["unknown", "settled"]).await.unwrap();
    assert_eq!(receipts[0]["id"], id);
    hit(&fetch(pincel.get(&asked)).await.unwrap());

    let found = fetch(pincel.get(&picture("an archive"))).await.unwrap();
    hit(&found);
    assert_eq!(found.body, kept.body);
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
