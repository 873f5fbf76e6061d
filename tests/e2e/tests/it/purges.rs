//! Taking pictures back: what is said before, what holds after, and that nothing comes back by itself.

use std::time::Duration;

use e2e::{Bare, PLAIN, Worker, fetch, picture, with};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::check::{cost, field, hit, nano, refusal, refusal_of, whole_picture};
use crate::shared::{alone, shared};

#[tokio::test]
async fn a_dry_run_says_what_a_purge_takes() {
    let pincel = shared().await;
    let shop = pincel.new_client("rehearsal", json!({ "tags": ["spring"] })).await.unwrap();
    let (first, second) = (picture("a rehearsed tulip"), picture("a rehearsed crocus"));
    let made =
        [fetch(shop.get(&first)).await.unwrap(), fetch(shop.post(&with(&second, json!({ "n": 2 })))).await.unwrap()];
    let keys: Vec<&str> = made.iter().map(|reply| reply.header("x-pincel-key")).collect();
    let bills =
        [shop.bills("a rehearsed tulip").await.unwrap(), shop.bills("a rehearsed crocus").await.unwrap()].concat();
    let spent: u64 = bills.iter().map(cost).sum();
    pincel
        .seen_when("images?client=rehearsal", |page| page["images"].as_array().map(Vec::len) == Some(2))
        .await
        .unwrap();

    for selector in [
        json!({ "client": "rehearsal" }),
        json!({ "tag": "spring" }),
        json!({ "keys": keys }),
        json!({ "prompt": "REHEARSED", "client": "rehearsal" }),
        json!({ "model": "gpt-image-2.6-flare", "client": "rehearsal" }),
    ] {
        let asked = json!({ "selector": selector, "dry_run": true });
        let reply = pincel.try_purge(asked).await.unwrap();
        assert_eq!(reply.status, 200, "{reply:?}");
        let purge = reply.json().unwrap();
        let plan = &purge["plan"];
        assert_eq!((&plan["pictures"], &plan["takes"]), (&json!(2), &json!(3)), "{purge:#}");
        assert_eq!(nano(plan["regeneration_usd"].as_str().unwrap()), spent, "{purge:#}");
        assert_eq!(plan["sample"].as_array().map(Vec::len), Some(2), "{purge:#}");
        assert_eq!((&purge["id"], &purge["dry_run"]), (&Value::Null, &json!(true)), "{purge:#}");
    }
    hit(&fetch(shop.get(&first)).await.unwrap());
    hit(&fetch(shop.get(&second)).await.unwrap());
}

#[tokio::test]
async fn what_would_take_everything_by_accident_is_refused() {
    let pincel = shared().await;
    let spared = fetch(pincel.get(&picture("a survivor"))).await.unwrap();
    for selector in [
        json!({}),
        json!({ "keys": [] }),
        json!({ "prompt": "" }),
        json!({ "prompt": " ... " }),
        json!({ "client": "" }),
        json!({ "tag": "" }),
        json!({ "older_than_seconds": 0 }),
        json!({ "all": false }),
        json!({ "all": true, "client": "dev" }),
        json!({ "takes": [0] }),
    ] {
        let reply = pincel.try_purge(json!({ "selector": selector })).await.unwrap();
        assert_eq!(reply.status, 400, "{selector} {reply:?}");
    }
    for body in [
        json!({ "selectors": {} }),
        json!({ "selector": { "al": true } }),
        json!([]),
        json!({ "selector": { "all": true }, "mode": "harder" }),
    ] {
        let reply = pincel.try_purge(body).await.unwrap();
        assert_eq!(reply.status, 400, "{reply:?}");
    }
    let again = fetch(pincel.get(&picture("a survivor"))).await.unwrap();
    hit(&again);
    assert_eq!(again.body, spared.body);
}

#[tokio::test]
async fn a_purge_reaches_every_isolate_within_its_bounds_and_can_be_undone() {
    let second = Worker { name: "second", objects_of: Some("pincel"), ..PLAIN };
    let running = Bare::start(&[PLAIN, second]).await.unwrap();
    let client = running.client("shop").await.unwrap();
    let isolates = [client.through("pincel"), client.through("second")];
    let asked = picture("a recalled poster");
    let made = fetch(isolates[0].get(&asked)).await.unwrap();
    whole_picture(&made);
    let key = made.header("x-pincel-key").to_owned();
    for isolate in &isolates {
        assert_eq!(fetch(isolate.get(&asked)).await.unwrap().body, made.body);
    }

    let purge = isolates[0].purge(json!({ "keys": [key] }), "soft").await.unwrap();
    assert_eq!((&purge["plan"]["pictures"], &purge["done"]), (&json!(1), &json!(1)), "{purge:#}");
    let bounds = &purge["bounds"];
    assert_eq!(bounds["object_seconds"], 0, "{purge:#}");
    // Pointers are not delayed on one machine: what is left is what isolates remember.
    let memo = Duration::from_secs(bounds["memo_seconds"].as_u64().filter(|seconds| *seconds > 0).unwrap());
    tokio::time::sleep(memo).await;
    for isolate in &isolates {
        let by_key = fetch(isolate.request("GET", &format!("/v1/images/{key}"))).await.unwrap();
        refusal(&by_key, 404, "picture_not_found");
        let named = fetch(isolate.request("GET", &format!("/v1/images/{key}?take=0"))).await.unwrap();
        refusal(&named, 410, "picture_purged");
        let named = fetch(isolate.get(&with(&asked, json!({ "take": 0 })))).await.unwrap();
        refusal(&named, 410, "picture_purged");
    }
    assert_eq!(client.bills("a recalled poster").await.unwrap().len(), 1, "asking for what was purged buys nothing");

    // Who asks without naming it gets another one, once, and under another number.
    let anew = join_all(isolates.iter().map(|isolate| fetch(isolate.get(&asked)))).await;
    let anew: Vec<_> = anew.into_iter().map(Result::unwrap).collect();
    for reply in &anew {
        whole_picture(reply);
        assert_eq!(reply.header("x-pincel-take"), "1");
        assert_ne!(reply.body, made.body);
    }
    assert_eq!(client.bills("a recalled poster").await.unwrap().len(), 2);

    isolates[0].undo(&purge).await.unwrap();
    tokio::time::sleep(memo).await;
    for isolate in &isolates {
        let back = fetch(isolate.request("GET", &format!("/v1/images/{key}?take=0"))).await.unwrap();
        whole_picture(&back);
        assert_eq!(back.body, made.body);
        assert_eq!(fetch(isolate.get(&with(&asked, json!({ "take": 1 })))).await.unwrap().body, anew[0].body);
    }
    assert_eq!(client.bills("a recalled poster").await.unwrap().len(), 2, "nothing is paid for twice");

    // Hard: there is no way back, and the bytes are gone.
    let purge = isolates[1].purge(json!({ "keys": [key] }), "hard").await.unwrap();
    assert_eq!(purge["plan"]["takes"], 2, "{purge:#}");
    refusal(&isolates[1].try_undo(&purge).await.unwrap(), 409, "not_undoable");
    tokio::time::sleep(memo).await;
    for isolate in &isolates {
        refusal(&fetch(isolate.request("GET", &format!("/v1/images/{key}"))).await.unwrap(), 404, "picture_not_found");
    }
    let detail = client.seen(&format!("images/{key}")).await.unwrap();
    assert_eq!((&detail["takes"], &detail["purged"]), (&json!([]), &json!([])), "{detail:#}");
    assert_eq!(
        detail["receipts"].as_array().map(Vec::len),
        Some(2),
        "a purge forgets pictures, never bills: {detail:#}"
    );
}

#[tokio::test]
async fn a_purge_wins_over_the_picture_that_is_being_made() {
    let pincel = alone().await;
    pincel.behave(json!({ "latency_ms": 2000 })).await.unwrap();
    let asked = picture("a withdrawn portrait");
    let waiting: Vec<_> = [pincel.get(&asked), pincel.post(&asked)].map(|request| tokio::spawn(fetch(request))).into();
    pincel.called("a withdrawn portrait", 1).await.unwrap();
    let key = pincel.quote(&asked).await.unwrap()["key"].as_str().unwrap().to_owned();
    // The catalog hears of a picture when the provider is called, a moment after the stand-in does.
    let words = json!({ "prompt": "withdrawn portrait" });
    loop {
        let rehearsal = pincel.try_purge(json!({ "selector": words, "dry_run": true })).await.unwrap().json().unwrap();
        if rehearsal["plan"]["pictures"] == 1 {
            break;
        }
    }
    let purge = pincel.purge(words, "soft").await.unwrap();
    assert_eq!(purge["done"], 1, "{purge:#}");
    for client in waiting {
        refusal(&client.await.unwrap().unwrap(), 410, "picture_purged");
    }
    let bills = pincel.bills("a withdrawn portrait").await.unwrap();
    assert_eq!(bills.len(), 1);
    refusal(&fetch(pincel.request("GET", &format!("/v1/images/{key}"))).await.unwrap(), 404, "picture_not_found");
    // It was paid for, so it is on the receipt and can be had back.
    let receipts = pincel.receipts(&key).await.unwrap();
    assert_eq!(receipts[0]["cost_nano_usd"], cost(&bills[0]), "{receipts:?}");
    pincel.behave_well().await.unwrap();
    pincel.undo(&purge).await.unwrap();
    let back = fetch(pincel.get(&asked)).await.unwrap();
    whole_picture(&back);
    assert_eq!(back.header("x-pincel-take"), "0");
    assert_eq!(pincel.bills("a withdrawn portrait").await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_operators_purge_at_once_and_each_undoes_their_own() {
    let pincel = shared().await;
    let shop = pincel.new_client("duel", json!({})).await.unwrap();
    let prompts: Vec<String> = (0..12).map(|at| format!("duelling scene {at}")).collect();
    let made = join_all(prompts.iter().map(|prompt| fetch(shop.get(&picture(prompt))))).await;
    let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();
    pincel
        .seen_when("images?client=duel&limit=100", |page| page["images"].as_array().map(Vec::len) == Some(12))
        .await
        .unwrap();
    let selectors = [json!({ "client": "duel" }), json!({ "prompt": "duelling scene" })];
    let purges = join_all(selectors.map(|selector| pincel.purge(selector, "soft"))).await;
    let purges: Vec<Value> = purges.into_iter().map(Result::unwrap).collect();
    let page = pincel.seen("images?client=duel").await.unwrap();
    assert_eq!(page["images"], json!([]), "{page:#}");
    for purge in &purges {
        pincel.undo(purge).await.unwrap();
    }
    let page = pincel.seen("images?client=duel&limit=100").await.unwrap();
    assert_eq!(page["images"].as_array().map(Vec::len), Some(12), "{page:#}");
    for (prompt, made) in prompts.iter().zip(&made) {
        let key = made.header("x-pincel-key");
        assert_eq!(fetch(shop.request("GET", &format!("/v1/images/{key}?take=0"))).await.unwrap().body, made.body);
        assert_eq!(shop.bills(prompt).await.unwrap().len(), 1);
    }
    // Again is nothing more.
    let again = pincel.try_undo(&purges[0]).await.unwrap();
    assert_eq!(field(&again, "/state"), "undone", "{again:?}");
}

#[tokio::test]
async fn one_take_is_rejected_and_the_others_stay() {
    let pincel = shared().await;
    let asked = picture("a disliked draft");
    let three = fetch(pincel.post(&with(&asked, json!({ "n": 3 })))).await.unwrap();
    let key = three.header("x-pincel-key").to_owned();
    let pictures = three.pictures().unwrap();
    pincel.purge(json!({ "keys": [key], "takes": [0] }), "soft").await.unwrap();
    // This isolate may remember it for a while.
    let path = format!("/v1/images/{key}");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let shown = fetch(pincel.request("GET", &path)).await.unwrap();
    assert_eq!((shown.header("x-pincel-take"), shown.body.as_ref()), ("1", pictures[1].as_slice()), "{shown:?}");
    let two = fetch(pincel.post(&with(&asked, json!({ "n": 2 })))).await.unwrap();
    hit(&two);
    assert_eq!(two.pictures().unwrap(), pictures[1..]);
    assert_eq!(pincel.bills("a disliked draft").await.unwrap().len(), 1);
}

#[tokio::test]
async fn purges_are_listed_and_unknown_ones_are_not_found() {
    let pincel = shared().await;
    let made = fetch(pincel.get(&picture("a listed regret"))).await.unwrap();
    let purge = pincel.purge(json!({ "keys": [made.header("x-pincel-key")] }), "hard").await.unwrap();
    let page = pincel.seen("purges?limit=200").await.unwrap();
    let listed = page["purges"].as_array().unwrap().iter().find(|listed| listed["id"] == purge["id"]);
    assert_eq!(listed, Some(&purge));
    assert_eq!(purge["by"], "admin");
    let nobody = format!("/admin/v1/purges/purge_{}", "0".repeat(32));
    refusal(&fetch(pincel.admin("GET", &nobody)).await.unwrap(), 404, "purge_not_found");
    refusal(&fetch(pincel.admin("POST", &format!("{nobody}/undo"))).await.unwrap(), 404, "purge_not_found");
    let reply = fetch(pincel.admin("GET", "/admin/v1/purges?limit=0")).await.unwrap();
    refusal_of(&reply, 400, "invalid_value", "limit");
}
