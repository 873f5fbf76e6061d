//! What an operator waits for with a hundred thousand pictures in the catalog and a month of usage: overviews, lists, a purge.
//!
//! The catalog is filled by what the objects and isolates tell it (`CatalogAsk`), through an entry of its own that `run.mjs` adds. Only one
//! of the pictures was made: the objects of the others are asked by the purge as well, and answer that they have nothing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use domain::query::encode;
use domain::usage::Histogram;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::Effort;
use crate::pincel::Pincel;
use crate::report::{Report, Target};
use crate::spread::Spread;

const PICTURES: u32 = 100_000;
/// Every tenth picture is purged.
const PURGED: u32 = 10;
const OVERVIEW_MS: f64 = 50.0;
const LIST_MS: f64 = 100.0;
const PURGE_S: f64 = 60.0;

const CLIENTS: u32 = 20;
const MODELS: [&str; 4] = ["gpt-image-2", "gpt-image-2.5-flare", "gpt-image-2.6-flare", "gpt-image-2.6-sunburst"];
const HOUR_MS: u64 = 3_600_000;
const HOURS: u64 = 30 * 24;

/// How many tell the catalog at once.
const TELLERS: usize = 8;

pub fn measure(effort: Effort, report: &mut Report) -> Result<()> {
    let pincel = Pincel::start_as("operator")?;
    pincel.generate("the first of many", "fwd=uri-miss")?;
    let now_ms = now_ms()?;
    let key = loop {
        // The object tells the catalog when its answers are on their way.
        if let Some(key) = seen(&pincel, "images")?.pointer("/images/0/key").and_then(Value::as_str) {
            break key.to_owned();
        }
    };
    let made = seen(&pincel, &format!("images/{key}"))?;
    let begun = Instant::now();
    fill(&pincel, &made, now_ms)?;
    report.add(format!("Catalog: {PICTURES} pictures told"), "s", Spread::one(begun.elapsed().as_secs_f64()));
    tell(
        &pincel,
        &json!({ "ask": "maintain", "retention": { "max_bytes": null, "max_idle_days": null },
        "id": format!("purge_{}", "9".repeat(32)), "reach": { "browser_s": 300, "edge_s": 300, "cdn": false } }),
    )?;
    for window in ["1h", "24h", "7d", "30d"] {
        let times = times(&pincel, &format!("overview?window={window}"), effort.rounds)?;
        report.judge(format!("Overview of {window}"), "ms", times, Target::AtMost(OVERVIEW_MS));
    }
    let common = encode("studio photograph");
    for (name, query) in [
        ("newest", String::new()),
        ("a word that all prompts have, newest", format!("q={common}")),
        ("a word that all prompts have, by hits", format!("q={common}&sort=hits")),
        ("a word that one prompt has", "q=number77777".to_owned()),
        (
            "client and model, by cost",
            format!("client=client3&model={}&sort=cost", MODELS.get(1).copied().unwrap_or_default()),
        ),
        ("tag, by bytes, ascending", "tag=tag7&sort=bytes&order=asc".to_owned()),
        ("client that nobody has", "client=nobody".to_owned()),
    ] {
        let times = times(&pincel, &format!("images?limit=50&{query}"), effort.rounds)?;
        report.judge(format!("List of {PICTURES}: {name}"), "ms", times, Target::AtMost(LIST_MS));
    }
    let (rehearsal, took) = purge(&pincel, true)?;
    ensure!(rehearsal.pointer("/plan/pictures") == Some(&json!(PICTURES / PURGED)), "{rehearsal:#}");
    report.add(format!("Dry run of a purge of {}", PICTURES / PURGED), "s", Spread::one(took));
    let begun = Instant::now();
    let (begun_purge, _) = purge(&pincel, false)?;
    let path = format!("purges/{}", text(begun_purge.get("id"))?);
    while seen(&pincel, &path)?.get("state") != Some(&json!("done")) {
        ensure!(begun.elapsed() < Duration::from_mins(10), "the purge does not end");
        thread::sleep(Duration::from_millis(100));
    }
    let took = Spread::one(begun.elapsed().as_secs_f64());
    report.judge(format!("Purge of {} pictures", PICTURES / PURGED), "s", took, Target::AtMost(PURGE_S));
    Ok(())
}

/// Pictures, with their receipts, and counts of every hour of a month, at the pace at which the catalog takes them.
fn fill(pincel: &Pincel, made: &Value, now_ms: u64) -> Result<()> {
    let next = AtomicU32::new(1);
    thread::scope(|scope| {
        let tellers: Vec<_> = (0..TELLERS)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= PICTURES {
                            return anyhow::Ok(());
                        }
                        tell(pincel, &registration(made, at, now_ms)?)?;
                    }
                })
            })
            .collect();
        tellers.into_iter().try_for_each(|teller| teller.join().map_err(|_| anyhow::anyhow!("a teller broke"))?)
    })?;
    for hour in 0..HOURS {
        let minute_ms = (now_ms / HOUR_MS - hour) * HOUR_MS;
        let cells: Vec<Value> =
            (0..CLIENTS).flat_map(|client| MODELS.map(|model| cells(minute_ms, client, model))).flatten().collect();
        let flush =
            json!({ "id": format!("{hour:032x}"), "cells": cells, "pictures": [], "requests": [], "unshown": 0 });
        tell(pincel, &json!({ "ask": "flush", "flush": flush }))?;
    }
    Ok(())
}

fn cells(minute_ms: u64, client: u32, model: &str) -> [Value; 2] {
    let mut latency = Histogram::default();
    latency.record(12);
    ["hit", "miss"].map(|outcome| {
        json!({ "minute_ms": minute_ms, "client": format!("client{client}"), "model": model, "outcome": outcome, "requests": 1,
            "bytes": 100_000, "saved": 5_000_000, "latency": latency })
    })
}

/// What the object of another picture would tell, made of what one has told.
fn registration(made: &Value, at: u32, now_ms: u64) -> Result<Value> {
    let model = MODELS.iter().cycle().nth(at as usize % MODELS.len()).context("no model")?;
    let tenth = if at.is_multiple_of(PURGED) { "doomed" } else { "kept" };
    let job = format!("job_{at:032x}");
    let at_ms = now_ms - u64::from(at) * (HOURS * HOUR_MS / u64::from(PICTURES));
    let client = format!("client{}", at % CLIENTS);
    let (mut picture, mut take, mut receipt) = (
        made.get("picture").context("no picture")?.clone(),
        made.pointer("/takes/0").context("no take")?.clone(),
        made.pointer("/receipts/0").context("no receipt")?.clone(),
    );
    set(
        &mut picture,
        json!({ "model": model, "prompt": format!("studio photograph of a {tenth} product, number{at}, on a white ground, soft light") }),
    );
    set(&mut take, json!({ "digest": format!("{at:064x}"), "created_ms": at_ms, "bytes": 50_000 + at }));
    set(
        &mut receipt,
        json!({ "id": job, "client": client, "model": model, "digest": format!("{at:064x}"), "claimed_ms": at_ms, "dispatched_ms": at_ms,
        "ended_ms": at_ms + 9_000, "cost_nano_usd": 5_000_000 + at }),
    );
    Ok(json!({ "ask": "register", "registration": {
        "key": format!("{at:064x}"), "picture": picture, "tags": [format!("tag{}", at % 50)], "preferred": 0,
        "receipts": [receipt], "takes": [take], "purged": [],
    } }))
}

fn set(document: &mut Value, members: Value) {
    if let (Value::Object(document), Value::Object(members)) = (document, members) {
        document.extend(members);
    }
}

fn purge(pincel: &Pincel, dry_run: bool) -> Result<(Value, f64)> {
    let body = json!({ "selector": { "prompt": "doomed" }, "mode": "soft", "dry_run": dry_run });
    let begun = Instant::now();
    let request = Pincel::admin(pincel.client.post(format!("{}/admin/v1/purge", pincel.worker.url)).json(&body));
    Ok((answer(request)?, begun.elapsed().as_secs_f64()))
}

fn times(pincel: &Pincel, path: &str, rounds: usize) -> Result<Spread> {
    let mut times = Vec::new();
    for _ in 0..rounds * 3 {
        let begun = Instant::now();
        seen(pincel, path)?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(Spread::of(times))
}

fn seen(pincel: &Pincel, path: &str) -> Result<Value> {
    answer(Pincel::admin(pincel.client.get(format!("{}/admin/v1/{path}", pincel.worker.url))))
}

/// Tells the catalog something as an object does.
fn tell(pincel: &Pincel, ask: &Value) -> Result<()> {
    let client: &Client = &pincel.client;
    let answer = answer(client.post(format!("{}/__catalog", pincel.worker.url)).json(ask))?;
    ensure!(matches!(answer.get("answer").and_then(Value::as_str), Some("done" | "flushed")), "{answer}");
    Ok(())
}

fn answer(request: RequestBuilder) -> Result<Value> {
    let reply = request.send()?;
    let status = reply.status();
    let text = reply.text()?;
    ensure!(status.is_success(), "answered {status}: {text}");
    Ok(serde_json::from_str(&text)?)
}

fn text(value: Option<&Value>) -> Result<String> {
    Ok(value.and_then(Value::as_str).context("a text is missing")?.to_owned())
}

fn now_ms() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?)
}
