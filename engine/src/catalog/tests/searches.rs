//! Lists: filters, words, sorts, pages.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::catalog::search::{Wanted, statement_for_tests};

/// Four pictures that differ in everything.
fn shop() -> World {
    let mut blue = job(3, "A blue café, seen from above");
    blue.picture.model = "gpt-image-2".to_owned();
    let jobs = [
        Job { tags: vec!["spring".to_owned(), "x".to_owned()], cost: Some(10_000_000), ..job(1, "a red fox") },
        Job { client: "other", claimed_ms: NOON_MS + 1_000, bytes: 3_000, cost: None, ..job(2, "a red car; fast") },
        Job { claimed_ms: NOON_MS + 2_000, size: (512, 512), takes: vec![0, 1], bytes: 100, ..blue },
        Job {
            claimed_ms: NOON_MS + 3_000,
            tags: vec!["x".to_owned()],
            cost: Some(50_000_000),
            ..job(4, "🦊 \"quoted\" foxglove_x")
        },
    ];
    let world = World::with(&jobs);
    let looked: Vec<_> = [(1, 9, 5_000), (2, 0, 0), (3, 4, 9_000)]
        .into_iter()
        .filter(|(_, hits, _)| *hits > 0)
        .map(|(at, hits, last)| json!({ "key": jobs[at - 1].key(), "hits": hits, "last_ms": NOON_MS + last }))
        .collect();
    let flush = json!({ "id": "f", "cells": [], "requests": [], "unshown": 0, "pictures": looked });
    world.ask(CatalogAsk::Flush { flush: serde_json::from_value(flush).unwrap() });
    world
}

/// The numbers of the pictures, in the order of the list.
#[track_caller]
fn check(world: &World, query: &str, expected: &[usize]) {
    let number = |prompt: &String| {
        ["a red fox", "a red car; fast", "A blue café, seen from above"]
            .iter()
            .position(|known| known == prompt)
            .map_or(4, |at| at + 1)
    };
    let got: Vec<usize> = world.prompts(query).iter().map(number).collect();
    assert_eq!(got, expected, "{query}");
}

#[test]
fn filters() {
    let world = shop();
    let check = |query: &str, expected: &[usize]| check(&world, query, expected);
    check("", &[4, 3, 2, 1]);
    check("client=other", &[2]);
    check("client=nobody", &[]);
    check("model=gpt-image-2", &[3]);
    check("tag=x", &[4, 1]);
    check("tag=spring", &[1]);
    check("tag=spr", &[]);
    check("size=512x512", &[3]);
    check("size=1024x1536", &[4, 2, 1]);
    check(&format!("created_after={}", NOON_MS + 4_000), &[4]);
    check(&format!("created_before={}", NOON_MS + 4_000), &[2, 1]);
    check("min_cost_usd=0.01", &[4, 3, 1]);
    check("min_cost_usd=0.05", &[4, 3]);
    check("max_cost_usd=0.01", &[2, 1]);
    check("min_hits=4", &[3, 1]);
    check("max_hits=4", &[4, 3, 2]);
    check("min_hits=1&max_hits=4", &[3]);
    check("client=shop&tag=x&q=fox", &[4, 1]);
    check("client=shop&tag=x&q=fox&max_cost_usd=0.02", &[1]);
}

#[test]
fn sorts() {
    let world = shop();
    for (sort, order) in [
        ("created", [4, 3, 2, 1]),
        ("hits", [1, 3, 4, 2]),
        ("cost", [3, 4, 1, 2]),
        ("bytes", [2, 4, 1, 3]),
        ("last_hit", [3, 1, 4, 2]),
    ] {
        check(&world, &format!("sort={sort}"), &order);
        let mut back = order;
        back.reverse();
        check(&world, &format!("sort={sort}&order=asc"), &back);
        let with_words: Vec<usize> = order.into_iter().filter(|at| *at != 3).collect();
        check(&world, &format!("sort={sort}&q=fo+size&limit=4"), &[]);
        let foxes: Vec<usize> = with_words.iter().copied().filter(|at| *at != 2).collect();
        check(&world, &format!("sort={sort}&q=fox"), &foxes);
    }
}

#[test]
fn words() {
    let world = shop();
    let find = |text: &str, expected: &[usize]| check(&world, &format!("q={}", domain::query::encode(text)), expected);
    find("fox", &[4, 1]);
    find("FOX", &[4, 1]);
    find("fo", &[4, 1]);
    find("ox", &[]);
    find("red fox", &[1]);
    find("fox red", &[1]);
    find("red blue", &[]);
    find("cafe", &[3]);
    find("CAFÉ", &[3]);
    find("cafe\u{301}", &[3]);
    find("café, above", &[3]);
    // Nothing is syntax.
    find("\"quoted\"", &[4]);
    find("\"red fox", &[1]);
    find("fox*", &[4, 1]);
    find("red OR blue", &[]);
    find("red NOT fox", &[]);
    find("NEAR(red fox)", &[]);
    find("prompt:fox", &[]);
    find("-fox", &[4, 1]);
    find("^a", &[3, 2, 1]);
    find("{fox}", &[4, 1]);
    find("fox\u{0}red", &[1]);
    find("<fox>", &[4, 1]);
    find("\u{1b}[31mfox", &[]);
    find("foxglove_x", &[4]);
    // Where there is no word, what is written is looked for.
    find("🦊", &[4]);
    find("🦊 \"", &[4]);
    find(";", &[2]);
    find("%", &[]);
    find("_", &[4]);
    find("🍇", &[]);
    // The store knows no such letters; it finds nothing rather than everything.
    find("Ⓐ", &[]);
    find("fox Ⓐ", &[]);
}

#[test]
fn a_page_goes_on_where_the_last_one_ended() {
    let world = World::new();
    for number in 0..25_u8 {
        let cost = Some(u64::from(number % 3));
        world.tell(&Job {
            cost,
            bytes: 7,
            claimed_ms: NOON_MS + u64::from(number / 5),
            ..job(number, &format!("fox {number}"))
        });
    }
    for query in
        ["", "sort=cost", "sort=bytes&order=asc", "sort=hits", "sort=last_hit&order=asc", "q=fox&sort=cost&order=asc"]
    {
        let whole = world.prompts(query);
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 25, "{query}");
        let (mut pages, mut after) = (Vec::new(), String::new());
        for _ in 0..6 {
            let page = world.images(&format!("{query}&limit=5{after}"));
            pages.extend(page.images.into_iter().map(|image| image.prompt));
            let Some(next) = page.next else { break };
            after = format!("&after={next}");
        }
        assert_eq!(pages, whole, "{query}");
        // A page that is exactly full is the last one.
        assert_eq!(world.images(&format!("{query}&limit=25")).next, None, "{query}");
    }
}

#[test]
fn the_ways_through_the_table() {
    let world = World::with(&[job(1, "a")]);
    let plan = |text: &str| {
        let query = query(text);
        let statement = statement_for_tests(&query, &Wanted::of(query.prompt.as_deref()));
        world.db.plan(&statement).join("\n")
    };
    for query in ["", "order=asc", "q=x&client=y"] {
        let plan = plan(query);
        assert!(plan.contains("SEARCH p USING INDEX picture_created"), "{query}: {plan}");
        // The page is in order as it is found: only the one page is sorted, to be shown.
        let inner = plan.split("SCAN found").next().unwrap();
        assert!(!inner.contains("TEMP B-TREE"), "{query}: {plan}");
    }
    for query in ["sort=hits", "sort=last_hit&client=x", "sort=cost"] {
        let plan = plan(query);
        assert!(plan.contains("SCAN p\n"), "{query}: {plan}");
    }
    // In the order of the rows, as the full-text index has them.
    assert!(plan("sort=bytes&q=x").contains("SEARCH p USING INTEGER PRIMARY KEY"));
    assert!(plan("state=purged").contains("picture_purged"));
}

#[test]
fn what_was_purged_and_can_be_put_back() {
    let world = shop();
    world.purge(1, soft(json!({ "prompt": "red" })));
    check(&world, "state=purged", &[2, 1]);
    check(&world, "", &[4, 3]);
    check(&world, "state=purged&sort=cost", &[1, 2]);
    check(&world, "state=purged&sort=bytes&order=asc", &[1, 2]);
    check(&world, "state=purged&q=fox", &[1]);
    check(&world, "state=purged&min_cost_usd=0.01", &[1]);
    check(&world, "state=purged&sort=hits&client=shop", &[1]);
    let shown = &world.images("state=purged&q=fox").images[0];
    assert_eq!((shown.takes, shown.bytes, shown.cost.0, shown.width), (1, 1_000, 10_000_000, Some(1_024)));
    world.undo(1).unwrap();
    check(&world, "state=purged", &[]);
    check(&world, "", &[4, 3, 2, 1]);
    world.purge(2, hard(json!({ "prompt": "red" })));
    check(&world, "state=purged", &[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_search_is_an_error(text in "[a-z\"'*(){}:^+-]{1,20}|\\PC{1,20}|(AND|OR|NOT|NEAR|[\"( ])+", sort in 0_usize..5, purged in any::<bool>()) {
        thread_local!(static WORLD: World = shop());
        prop_assume!(!text.trim().is_empty());
        let sort = domain::admin::images::Sort::ALL[sort].1;
        let state = if purged { "purged" } else { "live" };
        let query = format!("q={}&sort={sort}&state={state}", domain::query::encode(&text));
        WORLD.with(|world| world.images(&query));
    }
}
