//! A picture of 20 MB goes through, byte by byte the same, and does not stay in memory.

use e2e::{Edge, fetch, picture, process, with};
use serde_json::json;

use crate::check::{hit, whole_picture};

const SIZE: u64 = 20_000_000;

/// The process holds more than the Worker's isolate: the simulated stores run in it, and what they allocate for the first large
/// picture they keep. So the first is the warm-up, and the growth is that of those after it.
#[tokio::test]
async fn twenty_megabytes_pass_through() {
    let edge = Edge::start(&[]).unwrap();
    let pincel = edge.client().unwrap();
    let workerd = edge.workerd().unwrap();
    // The most since it was last asked.
    let peak = |what: &str| {
        let (now, most) = (process::memory(workerd, "VmRSS").unwrap(), process::memory(workerd, "VmHWM").unwrap());
        eprintln!("{what:20} {:6.1} MB in use, {:6.1} MB at most", mega(now), mega(most));
        process::forget_peak(workerd).unwrap();
        most
    };
    for at in 0..5 {
        let asked = picture(&format!("a pebble, number {at}"));
        whole_picture(&fetch(pincel.get(&asked)).await.unwrap());
        assert_eq!(fetch(pincel.post(&asked)).await.unwrap().status, 200);
    }
    let small = peak("small pictures");
    pincel.behave(json!({ "pad_bytes": SIZE })).await.unwrap();
    let mut peaks = Vec::new();
    for round in 0..3 {
        let asked = picture(&format!("a mountain, number {round}"));
        // By a URL, so that the bytes are only in the store.
        let made = fetch(pincel.post(&with(&asked, json!({ "response_format": "url" })))).await.unwrap();
        assert_eq!(made.status, 200, "{made:?}");
        let mut most = peak("made");
        let first = fetch(pincel.get(&asked)).await.unwrap();
        whole_picture(&first);
        assert!(first.body.len() as u64 >= SIZE);
        most = most.max(peak("GET from the store"));
        let second = fetch(pincel.get(&asked)).await.unwrap();
        hit(&second);
        assert!(second.body == first.body, "other bytes from the cache");
        most = most.max(peak("GET from the cache"));
        let document = fetch(pincel.post(&asked)).await.unwrap();
        assert!(document.picture().unwrap() == first.body, "other bytes in the document");
        peaks.push(most.max(peak("POST")));
    }
    let warm = peaks[0];
    let most = peaks[1..].iter().copied().max().unwrap();
    let (first, growth) = (warm.saturating_sub(small), most.saturating_sub(warm));
    eprintln!("the first took {:.1} MB, the others {:.1} MB more", mega(first), mega(growth));
    assert!(growth <= 3 * SIZE, "it grows by {:.1} MB for pictures of {:.1} MB", mega(growth), mega(SIZE));
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
