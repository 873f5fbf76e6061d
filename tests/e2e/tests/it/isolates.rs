//! Two isolates with the same bindings, as two data centres have them: memory of their own, one object for each picture.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use e2e::{Bare, PLAIN, Worker, fetch, picture, with};
use futures::future::join_all;
use serde_json::json;

use crate::check::{cost, hit, nano, refusal};

#[tokio::test]
async fn two_isolates_share_one_bill() {
    let second = Worker { name: "second", objects_of: Some("pincel"), ..PLAIN };
    let running = Bare::start(&[PLAIN, second]).await.unwrap();
    let client = running.client("shop").await.unwrap();
    let isolates = [client.through("pincel"), client.through("second")];
    client.behave(json!({ "latency_ms": 500 })).await.unwrap();

    let asked = picture("twins");
    let requests = (0..40).map(|at| {
        let pincel = &isolates[at % 2];
        fetch(if at % 4 < 2 { pincel.get(&asked) } else { pincel.post(&asked) })
    });
    let replies: Vec<_> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
    let bills = client.bills("twins").await.unwrap();
    assert_eq!(bills.len(), 1);
    let pictures: BTreeSet<Vec<u8>> = replies.iter().map(|reply| reply.picture().unwrap()).collect();
    assert_eq!(pictures.len(), 1);
    let paid: Vec<u64> =
        replies.iter().map(|reply| nano(reply.header("x-pincel-cost"))).filter(|cost| *cost > 0).collect();
    assert_eq!(paid, [cost(&bills[0])]);
    for pincel in &isolates {
        hit(&fetch(pincel.get(&asked)).await.unwrap());
    }

    // What one isolate remembers is older than what the other has made since; nothing is bought because of it.
    client.behave_well().await.unwrap();
    let [first, second] = &isolates;
    let key = first.document().await.unwrap()["keys"][0]["id"].as_str().unwrap().to_owned();
    let (_, successor) = first.new_key().await.unwrap();
    // What one isolate has just made is good in the others, which remember the client as it was before.
    let signer = first.new_signing_key().await.unwrap();
    for isolate in ["pincel", "second"] {
        hit(&fetch(signer.through(isolate).get_signed(&asked)).await.unwrap());
        hit(&fetch(successor.through(isolate).get(&asked)).await.unwrap());
    }
    let rolled = fetch(first.get(&asked).header("cache-control", "no-cache")).await.unwrap();
    assert_eq!(rolled.header("x-pincel-take"), "1");
    let stale = fetch(second.get(&asked)).await.unwrap();
    hit(&stale);
    let named = fetch(second.get(&asked).header("x-pincel-take", "1")).await.unwrap();
    hit(&named);
    assert_eq!(named.body, rolled.body);
    let three = with(&asked, json!({ "n": 3 }));
    let both = join_all(isolates.iter().map(|pincel| fetch(pincel.post(&three)))).await;
    let both: Vec<_> = both.into_iter().map(|reply| reply.unwrap().pictures().unwrap()).collect();
    assert_eq!(both[0].iter().collect::<BTreeSet<_>>(), both[1].iter().collect());
    let counts: Vec<u64> = client.bills("twins").await.unwrap().iter().filter_map(|bill| bill["n"].as_u64()).collect();
    assert_eq!(counts, [1, 1, 1], "one, another by the reroll, and the third for both");

    // Who revokes a key knows it at once, and the others when what they remember is a minute old: no sooner than they need to,
    // and no later than is promised.
    let since = Instant::now();
    hit(&fetch(second.get(&asked)).await.unwrap());
    let revoked = first.revoke_key(&key).await.unwrap();
    refusal(&fetch(first.get(&asked)).await.unwrap(), 401, "invalid_api_key");
    let within_s = revoked["effective_within_seconds"].as_u64().unwrap();
    let mut last = fetch(second.get(&asked)).await.unwrap();
    hit(&last);
    while last.status == 200 && since.elapsed() < Duration::from_secs(within_s + 2) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        last = fetch(second.get(&asked)).await.unwrap();
    }
    refusal(&last, 401, "invalid_api_key");
    for isolate in ["pincel", "second"] {
        hit(&fetch(successor.through(isolate).get(&asked)).await.unwrap());
    }
}
