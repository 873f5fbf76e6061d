//! The store loses or damages what it was given. A damaged picture is reported or broken off; no cache ever gets it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::{Client, Scratch, fetch, picture, tools, with};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::check::{hex, refusal, whole_picture};
use crate::shared::{alone, shared};

/// Makes a picture whose bytes are in the store and in no cache, and gives their digest.
async fn stored(pincel: &Client, prompt: &str) -> String {
    let asked = with(&picture(prompt), json!({ "response_format": "url" }));
    let made = fetch(pincel.post(&asked)).await.unwrap();
    assert_eq!(made.status, 200, "{made:?}");
    let head = fetch(pincel.request("HEAD", &format!("/v1/images/{}", made.header("x-pincel-key")))).await.unwrap();
    head.header("etag").trim_matches('"').to_owned()
}

#[tokio::test]
async fn a_lost_picture_is_reported_and_not_bought_again() {
    let pincel = shared().await;
    let digest = stored(&pincel, "a lost letter").await;
    objects(&pincel.state(), &["delete", &format!("pincel-blobs/b/{digest}")]);
    for _ in 0..2 {
        for request in requests(&pincel, "a lost letter") {
            refusal(&fetch(request).await.unwrap(), 502, "picture_lost");
        }
    }
    assert_eq!(pincel.bills("a lost letter").await.unwrap().len(), 1);
    // The way out that the message names.
    let again = fetch(pincel.get(&picture("a lost letter")).header("cache-control", "no-cache")).await.unwrap();
    whole_picture(&again);
    whole_picture(&fetch(pincel.get_signed(&picture("a lost letter"))).await.unwrap());
}

#[tokio::test]
async fn other_bytes_under_the_name_of_a_picture_are_not_that_picture() {
    let pincel = shared().await;
    let digest = stored(&pincel, "a forgery").await;
    let scratch = Scratch::new().unwrap();
    let file = scratch.write("other.png", "not the picture that was paid for").unwrap();
    objects(&pincel.state(), &["put", &format!("pincel-blobs/b/{digest}"), "--file", file.to_str().unwrap()]);
    for request in requests(&pincel, "a forgery") {
        refusal(&fetch(request).await.unwrap(), 502, "picture_lost");
    }
}

#[tokio::test]
async fn a_blob_that_is_cut_short_is_never_a_whole_reply() {
    let pincel = shared().await;
    let digest = stored(&pincel, "half a loaf").await;
    let file = blob(&pincel.state(), &digest);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    never_whole(&pincel, "half a loaf").await;
    fs::write(&file, &bytes).unwrap();
    whole_picture(&fetch(pincel.get(&picture("half a loaf"))).await.unwrap());
}

#[tokio::test]
async fn a_flipped_byte_breaks_the_reply_off_and_enters_no_cache() {
    let pincel = shared().await;
    let digest = stored(&pincel, "a flipped coin").await;
    let file = blob(&pincel.state(), &digest);
    let bytes = fs::read(&file).unwrap();
    for at in [bytes.len() / 2, bytes.len() - 1, 40] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).unwrap();
        never_whole(&pincel, "a flipped coin").await;
    }
    // Had a damaged copy been cached, the mended store would not be asked.
    fs::write(&file, &bytes).unwrap();
    let part = pincel.get(&picture("a flipped coin")).header("range", "bytes=32-63");
    assert_eq!(fetch(part).await.unwrap().body, bytes[32..64]);
    for request in requests(&pincel, "a flipped coin") {
        let reply = fetch(request).await.unwrap();
        assert_eq!(reply.picture().unwrap(), bytes, "{reply:?}");
    }
    assert_eq!(pincel.bills("a flipped coin").await.unwrap().len(), 1);
}

/// Its reply is broken off, and so is the copy that was on its way into the cache.
#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_nothing_broken() {
    let pincel = alone().await;
    pincel.behave(json!({ "pad_bytes": 3_000_000 })).await.unwrap();
    for received in [1, 200_000, 1_000_000, 2_000_000] {
        let prompt = format!("a torn poster, {received}");
        let digest = stored(&pincel, &prompt).await;
        let mut reply = pincel.get(&picture(&prompt)).send().await.unwrap();
        let mut seen = 0;
        while seen < received {
            seen += reply.chunk().await.unwrap().expect("more than it is left after").len();
        }
        drop(reply);
        // Time for a broken copy to arrive, if there is one: the next whole reply would put a whole copy in its place.
        tokio::time::sleep(Duration::from_millis(200)).await;
        for request in requests(&pincel, &prompt).into_iter().chain(requests(&pincel, &prompt)) {
            let bytes = fetch(request).await.unwrap().picture().unwrap();
            assert_eq!(hex(&Sha256::digest(&bytes)), digest, "{} bytes", bytes.len());
        }
    }
}

/// Every way of asking, twice: a refusal, or a reply that is broken off; never one that looks whole.
async fn never_whole(pincel: &Client, prompt: &str) {
    for request in requests(pincel, prompt).into_iter().chain(requests(pincel, prompt)) {
        if let Ok(reply) = fetch(request).await {
            assert!(reply.status >= 500, "{prompt}: {reply:?}");
        }
    }
}

fn requests(pincel: &Client, prompt: &str) -> [reqwest::RequestBuilder; 3] {
    let asked = picture(prompt);
    [pincel.get(&asked), pincel.get_signed(&asked), pincel.post(&asked)]
}

/// The file in which the simulated bucket keeps the bytes with this digest.
fn blob(state: &Path, digest: &str) -> PathBuf {
    let folder = state.join("v3/r2/pincel-blobs/blobs");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths = files.flatten().map(|entry| entry.path());
    let found = paths.find(|path| fs::read(path).is_ok_and(|bytes| hex(&Sha256::digest(bytes)) == digest));
    found.unwrap_or_else(|| panic!("{digest} is in no file of {}", folder.display()))
}

/// `wrangler r2 object`, on the bucket of a running Worker.
fn objects(state: &Path, args: &[&str]) {
    let mut command = Command::new(tools::node().unwrap());
    command.arg(tools::workspace("node_modules/wrangler/bin/wrangler.js")).args(["r2", "object"]).args(args);
    command.args(["--local", "--persist-to"]).arg(state).args(["--config"]).arg(tools::workspace("wrangler.toml"));
    command.envs([("WRANGLER_SEND_METRICS", "false"), ("WRANGLER_SEND_ERROR_REPORTS", "false"), ("CI", "1")]);
    let output = command.current_dir(state).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
