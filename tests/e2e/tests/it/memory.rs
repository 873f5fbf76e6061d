//! Pictures of 20 MB go through, byte by byte the same, and do not stay in memory.

use e2e::{Client, Edge, fetch, picture, process, with};
use serde_json::json;

use crate::check::{hit, whole_picture};

const SIZE: u64 = 20_000_000;

/// The process holds more than the Worker's isolate: the simulated stores run in it, too, and nothing in it collects garbage
/// before it has to. So the first pictures are for warming up, and what counts is what those after them add.
#[tokio::test]
async fn twenty_megabytes_pass_through() {
    let edge = Edge::start(&[]).unwrap();
    let pincel = edge.client().unwrap();
    let workerd = edge.workerd().unwrap();
    for at in 0..5 {
        let asked = picture(&format!("a pebble, number {at}"));
        whole_picture(&fetch(pincel.get(&asked)).await.unwrap());
        assert_eq!(fetch(pincel.post(&asked)).await.unwrap().status, 200);
    }
    let small = process::memory(workerd, "VmRSS").unwrap();
    pincel.behave(json!({ "pad_bytes": SIZE })).await.unwrap();
    let first = round(&pincel, workerd, "the first").await;
    round(&pincel, workerd, "warming up").await;
    let warm = round(&pincel, workerd, "warming up").await;
    let mut last = round(&pincel, workerd, "measured").await;
    for _ in 0..2 {
        let next = round(&pincel, workerd, "measured").await;
        last = Round { most: last.most.max(next.most), left: next.left };
    }
    let (passing, staying) = (last.most.saturating_sub(warm.left), last.left.saturating_sub(warm.left));
    eprintln!(
        "from small pictures to the first large one {:.1} MB; then {:.1} MB more while three pass, and {:.1} MB stay",
        mega(first.most.saturating_sub(small)),
        mega(passing),
        mega(staying)
    );
    assert!(passing <= 3 * SIZE, "{:.1} MB for pictures of {:.1} MB", mega(passing), mega(SIZE));
    assert!(staying < SIZE, "{:.1} MB stay of three pictures of {:.1} MB", mega(staying), mega(SIZE));
}

/// The most that was in use while a picture was made and asked for in every way, and what was in use after it.
struct Round {
    most: u64,
    left: u64,
}

async fn round(pincel: &Client, workerd: u32, what: &str) -> Round {
    process::forget_peak(workerd).unwrap();
    let number = pincel.call_count().await.unwrap();
    let asked = picture(&format!("a mountain, number {number}"));
    // By a URL, so that the bytes are only in the store.
    let made = fetch(pincel.post(&with(&asked, json!({ "response_format": "url" })))).await.unwrap();
    assert_eq!(made.status, 200, "{made:?}");
    let first = fetch(pincel.get(&asked)).await.unwrap();
    whole_picture(&first);
    assert!(first.body.len() as u64 >= SIZE);
    let second = fetch(pincel.get(&asked)).await.unwrap();
    hit(&second);
    assert!(second.body == first.body, "other bytes from the cache");
    let document = fetch(pincel.post(&asked)).await.unwrap();
    assert!(document.picture().unwrap() == first.body, "other bytes in the document");
    let round =
        Round { most: process::memory(workerd, "VmHWM").unwrap(), left: process::memory(workerd, "VmRSS").unwrap() };
    eprintln!("{what}: {:.1} MB at most, {:.1} MB after it", mega(round.most), mega(round.left));
    round
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
