//! A day of traffic: what the overview, the receipts, the accounts and the metrics say is what the provider billed.

use e2e::{Client, Edge, Reply, fetch, picture, with};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::check::{cost, field, nano, refusal, whole_picture};

const MODELS: [&str; 3] = ["gpt-image-2", "gpt-image-2.5-flare", "gpt-image-2.6-flare"];

/// What the test has seen, request by request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    requests: u64,
    hits: u64,
    coalesced: u64,
    misses: u64,
    bypassed: u64,
    refused: u64,
    failed: u64,
    spent: u64,
    saved: u64,
}

impl Seen {
    fn note(&mut self, reply: &Reply) {
        self.requests += 1;
        let amount = |name| if reply.header(name).is_empty() { 0 } else { nano(reply.header(name)) };
        self.spent += amount("x-pincel-cost");
        self.saved += amount("x-pincel-saved");
        let status = reply.header("cache-status");
        *match reply.status {
            400..500 => &mut self.refused,
            500.. => &mut self.failed,
            _ if status.contains("; hit") => &mut self.hits,
            _ if status.contains("collapsed") => &mut self.coalesced,
            _ if status.contains("stored") => &mut self.misses,
            _ => &mut self.bypassed,
        } += 1;
    }

    fn of(figures: &Value) -> Self {
        let count = |name: &str| figures[name].as_u64().unwrap_or_else(|| panic!("no {name}: {figures:#}"));
        let amount = |name: &str| nano(figures[name].as_str().unwrap_or_else(|| panic!("no {name}: {figures:#}")));
        Self {
            requests: count("requests"),
            hits: count("hits"),
            coalesced: count("coalesced"),
            misses: count("misses"),
            bypassed: count("bypassed"),
            refused: count("refused"),
            failed: count("failed"),
            spent: amount("spent_usd"),
            saved: amount("saved_usd"),
        }
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a day is long")]
async fn everything_that_counts_money_agrees_with_the_provider() {
    let edge = Edge::start(&[("GENERATION_TIMEOUT_SECONDS", "4"), ("UNKNOWN_HOLD_SECONDS", "600")]).unwrap();
    let operator = edge.client().unwrap();
    let shops = [
        operator.new_client("north", json!({})).await.unwrap(),
        operator.new_client("south", json!({})).await.unwrap(),
    ];
    let mut seen = Seen::default();

    // Misses by each client and model, of one and of several pictures, then hits on them in every form.
    for (at, model) in MODELS.iter().enumerate() {
        for shop in &shops {
            let asked = with(&picture(&format!("{} shelf {at}", shop.id())), json!({ "model": model }));
            let three = with(&asked, json!({ "n": 3 }));
            for request in
                [shop.get(&asked), shop.post(&three), shop.post(&three), shop.get(&asked), shop.get_signed(&asked)]
            {
                let reply = fetch(request).await.unwrap();
                assert_eq!(reply.status, 200, "{reply:?}");
                seen.note(&reply);
            }
            let etag = fetch(shop.get(&asked)).await.unwrap();
            seen.note(&etag);
            let fresh = fetch(shop.get(&asked).header("if-none-match", etag.header("etag"))).await.unwrap();
            assert_eq!(fresh.status, 304);
            seen.note(&fresh);
        }
    }
    // Many at once for one picture, of both clients.
    operator.behave(json!({ "latency_ms": 600 })).await.unwrap();
    let crowd = picture("a crowded square");
    let replies = join_all((0..12).map(|at| fetch(shops[at % 2].get(&crowd)))).await;
    for reply in replies {
        let reply = reply.unwrap();
        whole_picture(&reply);
        seen.note(&reply);
    }
    // Not kept, made anew, refused by the service and by the provider.
    operator.behave_well().await.unwrap();
    let [north, south] = &shops;
    let sketch = fetch(north.get(&picture("a private sketch")).header("cache-control", "no-store")).await.unwrap();
    seen.note(&sketch);
    seen.note(&fetch(north.get(&crowd).header("cache-control", "no-cache")).await.unwrap());
    let refused = fetch(south.post(&json!({ "prompt": "x", "size": "1x1" }))).await.unwrap();
    assert_eq!(refused.status, 400);
    seen.note(&refused);
    for (fail, status) in [("moderation", 400), ("quota", 429)] {
        operator.behave(json!({ "fail": fail, "times": 1 })).await.unwrap();
        let reply = fetch(south.get(&picture(&format!("refused by {fail}")))).await.unwrap();
        assert_eq!(reply.status, status, "{reply:?}");
        seen.note(&reply);
    }
    // Outcomes that nobody knows: billed and not told, billed and cut off, not billed and cut off.
    let mut unknown = Vec::new();
    for fail in ["error_after_billing", "cut_mid_body", "cut_before_billing"] {
        operator.behave(json!({ "fail": fail, "times": 1 })).await.unwrap();
        let reply = fetch(north.get(&picture(&format!("lost by {fail}")))).await.unwrap();
        assert!(reply.status >= 500, "{reply:?}");
        unknown.push(reply.header("x-pincel-key").to_owned());
        seen.note(&reply);
    }
    operator.provider_idle().await.unwrap();
    for shop in &shops {
        shop.settled_spending().await.unwrap();
    }

    let bills = operator.all_bills().await.unwrap();
    let billed: u64 = bills.iter().map(cost).sum();
    let untold: u64 = bills.iter().filter(|bill| text(bill, "prompt").starts_with("lost by")).map(cost).sum();
    assert_eq!(bills.len(), 6 * 2 + 1 + 2 + 2, "{bills:#?}");
    assert_eq!(seen.spent, billed - untold, "what the replies say");

    // The overview, once every isolate has told what it counted.
    let overview = operator
        .seen_when("overview?window=1h", |overview| overview["totals"]["requests"] == seen.requests)
        .await
        .unwrap();
    let totals = &overview["totals"];
    assert_eq!(Seen::of(totals), seen, "{overview:#}");
    assert_eq!(totals["generations"], json!({ "settled": 15, "untold": 0, "failed": 2, "unknown": 3 }), "{overview:#}");
    assert_eq!(overview["pictures"]["unknown_outcomes"], 3, "{overview:#}");
    for parts in ["series", "by_client", "by_model"] {
        let sum = |name: &str| -> u64 { rows(&overview, parts).iter().map(|row| nano(text(row, name))).sum() };
        let requests: u64 = rows(&overview, parts).iter().filter_map(|row| row["requests"].as_u64()).sum();
        assert_eq!((requests, sum("spent_usd"), sum("saved_usd")), (seen.requests, seen.spent, seen.saved), "{parts}");
    }
    for shop in &shops {
        let row = rows(&overview, "by_client").into_iter().find(|row| row["name"] == shop.id()).unwrap();
        let spending = shop.spending().await.unwrap();
        assert_eq!(row["spent_usd"], spending["day"]["settled_usd"], "{row:#} {spending:#}");
        assert_eq!(row["unknown_usd"], spending["day"]["kept_usd"], "{row:#} {spending:#}");
    }
    assert_eq!(overview["now"]["day"]["spent_usd"], totals["spent_usd"], "{overview:#}");

    // The receipts of every picture that is listed.
    let images = all_images(&operator).await;
    let mut keys: Vec<&str> = images.iter().map(|image| text(image, "key")).collect();
    assert_eq!(keys.len(), 7, "what was not kept and what failed is not listed: {images:#?}");
    keys.push(sketch.header("x-pincel-key"));
    let mut receipted = 0;
    for key in keys {
        let receipts = operator.receipts(key).await.unwrap();
        receipted += receipts.iter().filter_map(|receipt| receipt["cost_nano_usd"].as_u64()).sum::<u64>();
    }
    assert_eq!(receipted, billed - untold);

    // The provider's own list, laid beside them.
    let export: Vec<Value> = bills.iter().map(exported).collect();
    let report = reconciled(&operator, &json!({ "data": export })).await;
    assert_eq!(nano(text(&report, "billed_usd")), billed, "{report:#}");
    assert_eq!(nano(text(&report, "receipts_usd")), billed - untold, "{report:#}");
    let mut kinds: Vec<&str> = rows(&report, "differences").iter().map(|line| text(line, "kind")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["unknown_billed", "unknown_billed", "unknown_not_billed"], "{report:#}");
    // A bill that no receipt knows of is seen.
    let mut forged = export.clone();
    forged.push(json!({ "id": "req_nobody", "at": bills[0]["at"], "model": "gpt-image-2", "cost_nano_usd": 1 }));
    let report = reconciled(&operator, &json!({ "data": forged })).await;
    assert!(rows(&report, "differences").iter().any(|line| line["kind"] == "no_receipt"), "{report:#}");

    metrics(&operator, &seen, untold > 0).await;
    explained(&operator, north, &unknown[0]).await;
}

/// The same figures as Prometheus reads them.
async fn metrics(operator: &Client, seen: &Seen, some_unknown: bool) {
    let reply = fetch(operator.admin("GET", "/admin/v1/metrics")).await.unwrap();
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8", "{reply:?}");
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    let values = |prefix: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with(prefix));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.to_owned()).collect()
    };
    let count = |prefix: &str| values(prefix).iter().map(|value| value.parse::<u64>().unwrap()).sum::<u64>();
    let usd = |name: &str| values(name).iter().map(|value| dollars(value)).sum::<u64>();
    assert_eq!(count("pincel_requests_total{"), seen.requests, "{text}");
    assert_eq!(count("pincel_requests_total{outcome=\"hit\""), seen.hits, "{text}");
    assert_eq!(usd("pincel_spent_usd_total{"), seen.spent, "{text}");
    assert_eq!(usd("pincel_saved_usd_total{"), seen.saved, "{text}");
    assert_eq!(usd("pincel_unknown_usd_total{") > 0, some_unknown, "{text}");
    assert!(!text.contains("north") && !text.contains("shelf"), "a client or a prompt in a label: {text}");
}

/// The nano-dollars of a sample, which may be a whole number.
#[track_caller]
fn dollars(value: &str) -> u64 {
    if value.contains('.') { nano(value) } else { nano(&format!("{value}.00")) }
}

async fn explained(operator: &Client, shop: &Client, held: &str) {
    let why = operator.seen(&format!("images/{held}/explain")).await.unwrap();
    assert_eq!(why["verdict"], "held", "{why:#}");
    let body = json!({ "client": shop.id(), "request": with(&picture("north shelf 0"), json!({ "model": MODELS[0], "user": "u1" })) });
    let reply = fetch(operator.admin("POST", "/admin/v1/explain").json(&body)).await.unwrap();
    assert_eq!(field(&reply, "/verdict"), "cached", "{reply:?}");
    let body = json!({ "client": shop.id(), "request": with(&picture("north shelf 0"), json!({ "model": MODELS[0], "quality": "medium" })) });
    let reply = fetch(operator.admin("POST", "/admin/v1/explain").json(&body)).await.unwrap();
    let why = reply.json().unwrap();
    assert_eq!(why["verdict"], "never_made", "{why:#}");
    assert_eq!(
        why["nearest"][0]["differences"],
        json!([{ "name": "quality", "asked": "medium", "exists": "low" }]),
        "{why:#}"
    );
    let nobody = json!({ "client": "nobody", "request": picture("x") });
    refusal(&fetch(operator.admin("POST", "/admin/v1/explain").json(&nobody)).await.unwrap(), 404, "client_not_found");
}

async fn reconciled(operator: &Client, export: &Value) -> Value {
    // The export is of the whole day, also of the part after its last bill.
    let now_s = e2e::sign::seconds_from_now(0);
    let path = format!("/admin/v1/reconcile?from={}&to={}", now_s - 3_600, now_s + 60);
    let reply = fetch(operator.admin("POST", &path).json(export)).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json().unwrap()
}

fn exported(bill: &Value) -> Value {
    json!({ "id": bill["id"], "at": bill["at"], "model": bill["model"], "cost_nano_usd": bill["cost_nano_usd"] })
}

/// Every page of the list.
async fn all_images(operator: &Client) -> Vec<Value> {
    let mut images = Vec::new();
    let mut path = "images?limit=4".to_owned();
    loop {
        let page = operator.seen(&path).await.unwrap();
        images.extend(rows(&page, "images").into_iter().cloned());
        match page["next"].as_str() {
            Some(next) => path = format!("images?limit=4&after={next}"),
            None => return images,
        }
    }
}

#[track_caller]
fn rows<'v>(document: &'v Value, name: &str) -> Vec<&'v Value> {
    document[name].as_array().unwrap_or_else(|| panic!("no {name}: {document:#}")).iter().collect()
}

#[track_caller]
fn text<'v>(document: &'v Value, name: &str) -> &'v str {
    document[name].as_str().unwrap_or_else(|| panic!("no {name}: {document:#}"))
}
