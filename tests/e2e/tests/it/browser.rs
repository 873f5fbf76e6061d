//! An `<img>` on a page in Chromium, which is what the signed URL is for.

use std::time::Duration;

use e2e::{Scratch, picture, sign, tools};
use tokio::process::Command;

use crate::check::cost;
use crate::shared::shared;

/// When the picture has come or failed, the page writes what it sees where the test can read it.
const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>A page of a shop</title>
<img id="picture" src="PICTURE" onload="seen('loaded')" onerror="seen('failed')">
<p id="seen"></p>
<script>
function seen(how) {
  const picture = document.getElementById("picture");
  const again = new XMLHttpRequest();
  again.open("GET", picture.src, false);
  again.send();
  document.getElementById("seen").textContent = [
    how,
    `${picture.naturalWidth}x${picture.naturalHeight}`,
    again.status,
    again.getResponseHeader("cache-status"),
    again.getResponseHeader("x-pincel-saved"),
  ].join(" | ");
}
</script>
"#;

#[tokio::test]
async fn a_signed_picture_shows_and_an_expired_one_is_an_error() {
    let pincel = shared().await;
    let asked = picture("a shop window");
    let first = look(&pincel.signed(&asked)).await;
    let bills = pincel.bills("a shop window").await.unwrap();
    assert_eq!(bills.len(), 1, "{first:?}");
    assert_eq!(first[..3], ["loaded", "1024x640", "200"]);

    // Another visitor, with nothing in the cache of the browser.
    let second = look(&pincel.signed(&asked)).await;
    assert_eq!(second[..3], ["loaded", "1024x640", "200"]);
    assert!(second[3].starts_with("pincel; hit"), "{second:?}");
    assert_eq!(crate::check::nano(&second[4]), cost(&bills[0]), "a page can read what was saved");

    let expired = look(&pincel.signed_until(&asked, sign::seconds_from_now(0) - 1)).await;
    assert_eq!(expired[..3], ["failed", "0x0", "403"]);
    assert_eq!(pincel.calls("a shop window").await.unwrap().len(), 1);
}

/// What a fresh browser sees of the picture at this address.
pub(crate) async fn look(url: &str) -> Vec<String> {
    let scratch = Scratch::new().unwrap();
    let page = scratch.write("page.html", &PAGE.replace("PICTURE", &url.replace('&', "&amp;"))).unwrap();
    let mut command = Command::new(tools::chromium().unwrap());
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", scratch.path().join("profile").display()))
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_mins(1), command.output()).await.expect("Chromium hangs").unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let seen = dom.split_once("<p id=\"seen\">").and_then(|(_, rest)| Some(rest.split_once("</p>")?.0));
    let seen = seen.unwrap_or_else(|| panic!("{dom}\n{}", String::from_utf8_lossy(&output.stderr)));
    let parts: Vec<String> = seen.split(" | ").map(str::to_owned).collect();
    assert_eq!(parts.len(), 5, "{dom}");
    parts
}
