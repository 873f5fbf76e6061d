//! `POST /v1/images/quote`: what a request would cost. Nothing is bought, nothing is counted.

use e2e::{fetch, picture, with};
use serde_json::{Value, json};

use crate::check::{cost, field, nano, refusal, refusal_of, whole_picture};
use crate::shared::{alone, shared};

#[tokio::test]
async fn a_quote_holds_the_bill_and_buys_nothing() {
    let pincel = alone().await;
    let policy = json!({ "budget_per_day_usd": "3.00", "requests_per_minute": 50, "concurrent_generations": 9 });
    let client = pincel.new_client("haggler", policy).await.unwrap();
    let before = pincel.call_count().await.unwrap();
    for (at, change) in [
        json!({}),
        json!({ "quality": "medium" }),
        json!({ "quality": "max", "size": "1536x1024" }),
        json!({ "model": "gpt-image-2", "quality": "high" }),
        json!({ "model": "gpt-image-2.5-flare", "quality": "xhigh", "size": "1024x1536" }),
        json!({ "model": "gpt-image-1.5", "quality": "low", "size": "1024x1536" }),
        json!({ "model": "gpt-image-1-mini", "quality": "medium", "size": "1024x1024" }),
        json!({ "n": 3 }),
        json!({ "quality": "auto", "size": "auto" }),
        json!({ "prompt": "a long \u{e9}".repeat(300) }),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = with(&with(&picture(&format!("a haggle, number {at}")), json!({})), change.clone());
        let n = asked["n"].as_u64().unwrap_or(1);
        let quote = client.quote(&asked).await.unwrap();
        assert_eq!(
            (&quote["cached"], &quote["pictures"], &quote["pictures_cached"]),
            (&json!(false), &json!(n), &json!(0))
        );
        assert_eq!(quote["affordable"], true, "{quote}");
        let (least, most) = (price(&quote, "least"), price(&quote, "most"));
        let calls = pincel.call_count().await.unwrap();
        assert_eq!(calls, before + at as u64, "a quote called the provider");
        let made = fetch(client.post(&asked)).await.unwrap();
        assert_eq!(made.status, 200, "{made:?}");
        assert_eq!(quote["key"], made.header("x-pincel-key"), "{quote}");
        let bills = pincel.bills(asked["prompt"].as_str().unwrap()).await.unwrap();
        let billed: u64 = bills.iter().map(cost).sum();
        assert!(least <= billed && billed <= most, "{change}: {least} <= {billed} <= {most}");

        let quote = client.quote(&asked).await.unwrap();
        assert_eq!((&quote["cached"], &quote["pictures_cached"]), (&json!(true), &json!(n)), "{quote}");
        assert_eq!((price(&quote, "least"), price(&quote, "most")), (0, 0), "{quote}");
    }
    // What is there is not paid again.
    let one = picture("a haggle, number 0");
    let three = client.quote(&with(&one, json!({ "n": 3 }))).await.unwrap();
    assert_eq!(
        (&three["cached"], &three["pictures"], &three["pictures_cached"]),
        (&json!(false), &json!(3), &json!(1)),
        "{three}"
    );
    let two = client.quote(&with(&picture("a haggle, number X"), json!({ "n": 2 }))).await.unwrap();
    assert_eq!(price(&three, "most"), price(&two, "most"), "{three} {two}");

    let spending = client.settled_spending().await.unwrap();
    let budget = client.quote(&one).await.unwrap()["budget"].clone();
    for window in ["day", "month"] {
        for name in ["limit_usd", "left_usd"] {
            assert_eq!(budget[window][name], spending[window][name], "{name} of the {window}");
        }
    }
    let reply = fetch(client.request("POST", "/v1/images/quote").json(&one)).await.unwrap();
    assert_eq!(reply.header("x-ratelimit-limit-requests"), "", "a quote is not counted");
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn what_cannot_be_paid_is_quoted_as_such() {
    let pincel = shared().await;
    let asked = json!({ "prompt": "a diamond", "model": "gpt-image-2", "quality": "high", "size": "1024x1024" });
    let client = pincel.new_client("thrifty", json!({ "budget_per_day_usd": "0.21" })).await.unwrap();
    let quote = client.quote(&asked).await.unwrap();
    assert!(price(&quote, "most") > 210_000_000, "{quote}");
    assert_eq!(quote["affordable"], false, "{quote}");
    assert_eq!(quote["budget"]["day"], json!({ "limit_usd": "0.21", "left_usd": "0.21" }), "{quote}");
    assert_eq!(quote["budget"]["month"], json!({ "limit_usd": null, "left_usd": null }), "{quote}");
    refusal(&fetch(client.post(&asked)).await.unwrap(), 402, "budget_exceeded");
    // What exists is affordable to whoever has nothing.
    whole_picture(&fetch(pincel.get(&asked)).await.unwrap());
    client.change_policy(json!({ "budget_per_day_usd": "0.00" })).await.unwrap();
    let quote = client.quote(&asked).await.unwrap();
    assert_eq!((&quote["cached"], &quote["affordable"]), (&json!(true), &json!(true)), "{quote}");
    assert_eq!(price(&quote, "most"), 0);
}

#[tokio::test]
async fn a_quote_is_refused_as_the_request_would_be() {
    let pincel = shared().await;
    let quote = |body: &Value| pincel.request("POST", "/v1/images/quote").json(body);
    refusal_of(
        &fetch(quote(&with(&picture("x"), json!({ "size": "7x7" })))).await.unwrap(),
        400,
        "invalid_value",
        "size",
    );
    refusal_of(
        &fetch(quote(&with(&picture("x"), json!({ "seed": 1 })))).await.unwrap(),
        400,
        "unknown_parameter",
        "seed",
    );
    let nothing = fetch(quote(&json!({}))).await.unwrap();
    refusal_of(&nothing, 400, "missing_required_parameter", "prompt");
    let anonymous = fetch(pincel.anonymous("POST", "/v1/images/quote").json(&picture("x"))).await.unwrap();
    refusal(&anonymous, 401, "missing_credentials");
    let text = fetch(pincel.request("POST", "/v1/images/quote").header("content-type", "text/plain").body("{}"));
    let text = text.await.unwrap();
    refusal(&text, 415, "unsupported_media_type");
    assert_eq!(field(&text, "/error/type"), "invalid_request_error");
}

#[track_caller]
fn price(quote: &Value, name: &str) -> u64 {
    nano(quote["price_usd"][name].as_str().unwrap_or_else(|| panic!("no price in {quote}")))
}
