//! The zone in front of the Worker is told of purges by tag.

use std::time::Duration;

use e2e::{Bare, Cdn, PLAIN, Worker, fetch, picture};
use serde_json::{Value, json};

use crate::check::whole_picture;

const ZONE: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn the_zone_drops_what_was_purged_and_is_asked_again_where_it_failed() {
    let cdn = Cdn::start().await.unwrap();
    let vars = [("CLOUDFLARE_API_URL", cdn.url.as_str()), ("CDN_ZONE", ZONE), ("CDN_PURGE_TOKEN", Cdn::TOKEN)];
    let running = Bare::start(&[Worker { vars: &vars, ..PLAIN }]).await.unwrap();
    let shop = running.client("shop").await.unwrap();
    let made = fetch(shop.get_signed(&picture("a poster on the zone"))).await.unwrap();
    whole_picture(&made);
    let key = made.header("x-pincel-key");
    let tag = format!("pincel-{}", &key[..32]);
    assert_eq!(made.header("cache-tag"), format!("pincel,{tag}"), "{made:?}");

    cdn.fail(true);
    let purge = shop.purge(json!({ "keys": [key] }), "soft").await.unwrap();
    // The picture is gone whatever the zone says; what its caches have is said.
    assert_eq!(purge["bounds"]["cdn"]["state"], "failing", "{purge:#}");
    let path = format!("purges/{}", purge["id"].as_str().unwrap());
    cdn.fail(false);
    // It is asked again half a minute later.
    let told = |purge: &Value| purge["bounds"]["cdn"]["state"] == "done";
    let purge = shop.seen_within(Duration::from_mins(1), &path, told).await.unwrap();
    assert_eq!(cdn.calls(), [(ZONE.to_owned(), vec![tag])], "{purge:#}");
    assert_eq!(purge["bounds"]["cdn_seconds"], 0, "{purge:#}");

    // Of everything there is one tag.
    whole_picture(&fetch(shop.get(&picture("another on the zone"))).await.unwrap());
    let listed = |page: &Value| page["images"].as_array().map(Vec::len) == Some(1);
    shop.seen_when("images", listed).await.unwrap();
    let purge = shop.purge(json!({ "all": true }), "soft").await.unwrap();
    shop.seen_when(&format!("purges/{}", purge["id"].as_str().unwrap()), told).await.unwrap();
    assert_eq!(cdn.calls().last(), Some(&(ZONE.to_owned(), vec!["pincel".to_owned()])));
}
