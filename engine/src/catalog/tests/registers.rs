//! What is told is noted once, whatever comes twice, late or in another order.

use proptest::prelude::*;

use super::*;

/// Everything of a picture's row, but for the hits.
fn row(world: &World, job: &Job) -> ImageSummary {
    world.summary(job.key()).unwrap()
}

#[test]
fn a_job_that_ends_well() {
    let world = World::with(&[Job { tags: vec!["spring".to_owned(), "a".to_owned()], ..job(1, "a red fox") }]);
    let summary = row(&world, &job(1, "a red fox"));
    assert_eq!(
        summary,
        ImageSummary {
            key: job(1, "a red fox").key(),
            prompt: "a red fox".to_owned(),
            model: "gpt-image-2.6-flare".to_owned(),
            namespace: "default".to_owned(),
            client: "shop".to_owned(),
            tags: vec!["a".to_owned(), "spring".to_owned()],
            size: "auto".to_owned(),
            quality: "low".to_owned(),
            width: Some(1_024),
            height: Some(1_536),
            format: Some(Format::Png),
            takes: 1,
            bytes: 1_000,
            cost: NanoUsd(40_000_000),
            hits: 0,
            last_hit_ms: None,
            created_ms: NOON_MS + 2_000,
        }
    );
    assert_eq!(world.images("").images, [summary]);
    assert_eq!(world.summary(job(1, "another").key()), None);
}

#[test]
fn a_job_that_is_under_way_or_failed_is_no_picture() {
    for state in [State::Claimed, State::Dispatched, State::Failed, State::Unknown] {
        let world = World::with(&[Job { state, ..job(1, "a") }]);
        assert_eq!(world.images("").images, []);
        assert_eq!(row(&world, &job(1, "a")).takes, 0);
        // It is, once another attempt made one.
        world.tell(&job(2, "a"));
        assert_eq!(world.prompts(""), ["a"]);
    }
}

#[test]
fn the_newest_take_speaks_for_the_picture() {
    let later = Job {
        takes: vec![1, 2],
        client: "other",
        claimed_ms: NOON_MS + 60_000,
        cost: None,
        bytes: 500,
        size: (512, 512),
        tags: vec!["b".to_owned()],
        ..job(2, "a")
    };
    let first = Job { tags: vec!["a".to_owned()], ..job(1, "a") };
    for order in [[&first, &later], [&later, &first]] {
        let world = World::new();
        for job in order {
            world.tell(job);
        }
        let summary = row(&world, &first);
        assert_eq!(
            (summary.client.as_str(), summary.width, summary.created_ms),
            ("other", Some(512), NOON_MS + 62_000)
        );
        assert_eq!((summary.takes, summary.bytes, summary.cost.0), (3, 2_000, 40_000_000));
        assert_eq!(summary.tags, ["a", "b"]);
    }
}

/// The receipts that came back as final, of every registration in turn.
fn finals(jobs: &[&Job]) -> Vec<usize> {
    let world = World::new();
    world.ask(CatalogAsk::Metrics);
    let register = |job: &&Job| world.catalog.register(&job.registration(), NOON_MS).unwrap().len();
    jobs.iter().map(register).collect()
}

#[test]
fn a_receipt_is_final_once() {
    let ended = Job { takes: vec![0, 1, 2], ..job(1, "a") };
    let begun = Job { state: State::Dispatched, ..ended.clone() };
    let stored = Job { state: State::Stored, ..ended.clone() };
    assert_eq!(finals(&[&begun, &ended]), [0, 3]);
    assert_eq!(finals(&[&begun, &stored, &ended, &ended]), [0, 0, 3, 0]);
    assert_eq!(finals(&[&ended, &begun, &stored, &ended]), [3, 0, 0, 0]);
    for state in [State::Failed, State::Unknown] {
        let lost = Job { state, ..ended.clone() };
        assert_eq!(finals(&[&lost, &begun, &lost]), [3, 0, 0]);
    }
    let loose = Job { takes: vec![], ..job(1, "a") };
    assert_eq!(finals(&[&loose, &loose]), [1, 0]);
}

#[test]
fn an_older_snapshot_overwrites_nothing() {
    let ended = job(1, "a");
    let world = World::with(&[ended.clone(), Job { state: State::Dispatched, ..ended.clone() }]);
    let CatalogAnswer::Receipts { receipts, .. } =
        world.ask(CatalogAsk::Receipts { from_ms: 0, to_ms: u64::MAX, after: None })
    else {
        panic!("no receipts");
    };
    assert_eq!(receipts, ended.registration().receipts);
    // A second attempt of the same job is newer than the first, and an ended one than either.
    let mut again = Job { state: State::Dispatched, ..job(2, "b") }.registration();
    again.receipts[0].attempts = 2;
    world.register(&again);
    world.tell(&Job { state: State::Dispatched, ..job(2, "b") });
    let CatalogAnswer::Receipts { receipts, .. } =
        world.ask(CatalogAsk::Receipts { from_ms: 0, to_ms: u64::MAX, after: None })
    else {
        panic!("no receipts");
    };
    assert_eq!(receipts[1].attempts, 2);
}

#[test]
fn a_take_that_was_purged_is_not_told_back_to_life() {
    let world = World::with(&[job(1, "a")]);
    world.purge(1, soft(json!({ "all": true })));
    world.register(&job(1, "a").registration());
    assert_eq!(world.prompts(""), [""; 0]);
    world.now_ms.set(NOON_MS + 2 * DAY_MS);
    world.turn();
    world.register(&job(1, "a").registration());
    assert_eq!(world.prompts(""), [""; 0]);
    assert_eq!(world.prompts("state=purged"), [""; 0]);
}

#[test]
fn whatever_a_prompt_holds_comes_back_as_it_was() {
    let prompts = [
        "\"quoted\" 'twice' \\ ; DROP TABLE picture; --",
        "<script>alert(1)</script> &amp; <b>",
        "\u{1b}[31mred\u{1b}[0m \u{7}\u{0}after a zero",
        "🦊🍇 \u{202e}backwards\u{202c} \u{fffd}",
        "%_* NEAR(a b) AND OR NOT ^ : - +",
    ];
    let jobs: Vec<Job> = prompts.iter().zip(1..).map(|(prompt, number)| job(number, prompt)).collect();
    let world = World::with(&jobs);
    for (job, prompt) in jobs.iter().zip(prompts) {
        assert_eq!(row(&world, job).prompt, prompt);
    }
    let mut got = world.prompts("order=asc");
    got.sort_unstable();
    let mut expected = prompts;
    expected.sort_unstable();
    assert_eq!(got, expected);
}

#[test]
fn a_flush_counts_once() {
    let world = World::with(&[job(1, "a")]);
    let flush = |flush: &str, key: PictureKey, hits: u64, last_ms: u64| {
        CatalogAsk::Flush {
        flush: serde_json::from_value(json!({
            "id": flush, "cells": [], "pictures": [{ "key": key, "hits": hits, "last_ms": last_ms }], "requests": [], "unshown": 0,
        }))
        .unwrap(),
    }
    };
    let key = job(1, "a").key();
    let hits = || world.summary(key).map(|summary| (summary.hits, summary.last_hit_ms)).unwrap();
    for _ in 0..2 {
        assert_eq!(world.ask(flush("x", key, 3, 50)), CatalogAnswer::Flushed { watched: false });
        assert_eq!(hits(), (3, Some(50)));
    }
    world.catalog.watch(true);
    assert_eq!(world.ask(flush("y", key, 1, 40)), CatalogAnswer::Flushed { watched: true });
    assert_eq!(hits(), (4, Some(50)));
    world.ask(flush("z", job(1, "unknown").key(), 1, 40));
    // It is remembered for an hour and no longer, however often things are put in order.
    let retention = domain::runtime::Retention::default();
    let maintain = || world.ask(CatalogAsk::Maintain { retention, id: id(9), reach: REACH });
    world.now_ms.set(world.now_ms.get() + HOUR_MS);
    maintain();
    world.ask(flush("x", key, 3, 50));
    assert_eq!(hits(), (4, Some(50)));
    world.now_ms.set(world.now_ms.get() + 1);
    world.ask(flush("w", job(1, "unknown").key(), 1, 40));
    maintain();
    world.ask(flush("x", key, 3, 50));
    assert_eq!(hits(), (7, Some(50)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However often each snapshot of two jobs arrives, and in which order: as soon as the last ones did, all is as
    /// if told once.
    #[test]
    fn order_and_repetition_change_nothing(order in proptest::collection::vec(0_usize..6, 0..12)) {
        let one = Job { takes: vec![0, 1], tags: vec!["a".to_owned()], ..job(1, "a") };
        let two = Job { takes: vec![2], client: "other", claimed_ms: NOON_MS + 5_000, tags: vec!["b".to_owned()], ..job(2, "a") };
        let states = [State::Dispatched, State::Stored, State::Settled];
        let snapshots: Vec<Registration> = [&one, &two]
            .into_iter()
            .flat_map(|job| states.map(|state| Job { state, ..job.clone() }.registration()))
            .collect();
        let (straight, world) = (World::with(&[one.clone(), two.clone()]), World::new());
        world.ask(CatalogAsk::Metrics);
        let mut finals = 0;
        for at in order.into_iter().chain([2, 5]) {
            finals += world.catalog.register(&snapshots[at], NOON_MS).unwrap().len();
        }
        prop_assert_eq!(finals, 3);
        prop_assert_eq!(world.images("").images, straight.images("").images);
    }
}
