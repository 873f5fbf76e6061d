use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;

use super::cells::{MAX_MINUTES, MAX_NAMED, MINUTE_MS};
use super::*;
use crate::trace::RequestId;

fn key(n: u64) -> PictureKey {
    PictureKey::parse(&format!("{n:064x}")).unwrap()
}

fn finished(at_ms: u64, client: Option<&str>, model: Option<&str>, outcome: Outcome) -> Finished {
    Finished {
        at_ms,
        request: RequestId::default(),
        outcome,
        status: 200,
        reason: None,
        client: client.map(|client| ClientId(client.to_owned())),
        model: model.map(str::to_owned),
        key: None,
        cost: None,
        saved: None,
        bytes: 10,
        ms: 4,
    }
}

/// A cell in short: its minute, client, model and outcome, how many requests, bytes and nano-dollars, how many were measured and for
/// how long together.
type Short = (u64, Option<&'static str>, Option<&'static str>, Outcome, [u64; 5]);

fn short(cell: &Cell) -> (u64, Option<&str>, Option<&str>, Outcome, [u64; 5]) {
    let Cell { minute_ms, client, model, outcome, requests, bytes, saved, latency } = cell;
    let numbers = [*requests, *bytes, saved.0, latency.count(), latency.sum_ms];
    (*minute_ms, client.as_ref().map(ClientId::as_str), model.as_deref(), *outcome, numbers)
}

#[track_caller]
fn check(all: &[Finished], expected: &[Short]) {
    let mut tally = Tally::default();
    for finished in all {
        tally.count(finished);
    }
    let flush = tally.take("f".to_owned());
    assert_eq!(flush.cells.iter().map(short).collect::<Vec<_>>(), expected);
    assert!(tally.is_empty());
}

#[test]
fn cells() {
    use Outcome::{Coalesced, Hit, Miss, Refused};
    let (shop, blog, two, three) = (Some("shop"), Some("blog"), Some("gpt-image-2"), Some("gpt-image-3"));
    check(&[], &[]);
    check(&[finished(60_000, shop, two, Hit)], &[(60_000, shop, two, Hit, [1, 10, 0, 1, 4])]);
    let saved = Finished { saved: Some(NanoUsd(7)), bytes: 5, ms: 2, ..finished(119_999, shop, two, Hit) };
    check(&[finished(60_000, shop, two, Hit), saved], &[(60_000, shop, two, Hit, [2, 15, 7, 2, 6])]);
    // Each part of the name tells cells apart, and their order is that of their names.
    check(
        &[
            finished(60_000, shop, two, Hit),
            finished(60_000, shop, two, Miss),
            finished(60_000, None, two, Hit),
            finished(60_000, shop, None, Hit),
            finished(60_000, shop, three, Hit),
            finished(60_000, blog, two, Hit),
            finished(60_000, None, None, Hit),
            finished(120_000, shop, two, Coalesced),
            finished(59_999, None, None, Refused),
        ],
        &[
            (0, None, None, Refused, [1, 10, 0, 1, 4]),
            (60_000, None, None, Hit, [1, 10, 0, 1, 4]),
            (60_000, None, two, Hit, [1, 10, 0, 1, 4]),
            (60_000, blog, two, Hit, [1, 10, 0, 1, 4]),
            (60_000, shop, None, Hit, [1, 10, 0, 1, 4]),
            (60_000, shop, two, Hit, [1, 10, 0, 1, 4]),
            (60_000, shop, three, Hit, [1, 10, 0, 1, 4]),
            (60_000, shop, two, Miss, [1, 10, 0, 1, 4]),
            (120_000, shop, two, Coalesced, [1, 10, 0, 1, 4]),
        ],
    );
}

#[test]
fn a_hit_is_a_finished_hit() {
    let (client, key) = (ClientId("shop".to_owned()), key(1));
    let hit = Hit {
        at_ms: 61_000,
        client: &client,
        model: "gpt-image-2",
        key: &key,
        saved: Some(NanoUsd(3)),
        bytes: 9,
        ms: 1,
    };
    let told = Finished {
        key: Some(key),
        saved: Some(NanoUsd(3)),
        bytes: 9,
        ms: 1,
        ..finished(61_000, Some("shop"), Some("gpt-image-2"), Outcome::Hit)
    };
    let (mut one, mut other) = (Tally::default(), Tally::default());
    one.hit(&hit);
    other.count(&told);
    let flush = one.take("f".to_owned());
    assert_eq!(flush, other.take("f".to_owned()));
    assert_eq!(flush.pictures, [Looked { key, hits: 1, last_ms: 61_000 }]);
}

/// Which outcomes are somebody looking at a picture that was there.
#[test]
fn looked_at() {
    for outcome in Outcome::ALL {
        let mut tally = Tally::default();
        for at_ms in [5, 9, 7] {
            tally.count(&Finished { key: Some(key(1)), ..finished(at_ms, None, None, outcome) });
        }
        let seen = matches!(outcome, Outcome::Hit | Outcome::Coalesced);
        let expected = if seen { vec![Looked { key: key(1), hits: 3, last_ms: 9 }] } else { vec![] };
        assert_eq!(tally.take("f".to_owned()).pictures, expected, "{outcome:?}");
    }
}

#[test]
fn too_many_pictures_lose_only_their_own_count() {
    let mut tally = Tally::default();
    let client = ClientId("shop".to_owned());
    let most = MAX_PICTURES as u64;
    let mut hit = |n: u64| {
        tally.hit(&Hit { at_ms: n, client: &client, model: "m", key: &key(n), saved: None, bytes: 1, ms: 1 });
    };
    (0..most + 5).for_each(&mut hit);
    hit(3);
    let flush = tally.take("f".to_owned());
    assert_eq!(flush.pictures.len(), MAX_PICTURES);
    assert_eq!(flush.pictures[3].hits, 2, "what is there goes on being counted");
    assert_eq!(flush.cells.iter().map(|cell| cell.requests).sum::<u64>(), most + 6);
}

#[test]
fn too_many_cells_are_nobodys() {
    let mut tally = Tally::default();
    let names: Vec<String> = (0..MAX_NAMED + 10).map(|n| format!("client{n}")).collect();
    for name in &names {
        tally.count(&finished(60_000, Some(name), Some("m"), Outcome::Hit));
    }
    tally.count(&finished(60_000, Some(&names[0]), Some("m"), Outcome::Hit));
    let flush = tally.take("f".to_owned());
    assert_eq!(flush.cells.len(), MAX_NAMED + 1);
    assert_eq!(short(&flush.cells[0]), (60_000, None, None, Outcome::Hit, [10, 100, 0, 10, 40]));
    let first = flush.cells.iter().find(|cell| cell.client.as_ref().is_some_and(|client| client.0 == names[0]));
    assert_eq!(first.unwrap().requests, 2, "a cell that is there goes on being counted");
}

#[test]
fn too_many_minutes_end_in_the_nearest() {
    let mut tally = Tally::default();
    let most = MAX_MINUTES as u64;
    let mut at = |minute: u64| tally.count(&finished(minute * MINUTE_MS, None, None, Outcome::Refused));
    (10..10 + most).for_each(&mut at);
    [10 + most, 10 + 2 * most, 3, 10 + most / 2].into_iter().for_each(&mut at);
    let flush = tally.take("f".to_owned());
    assert_eq!(flush.cells.len(), MAX_MINUTES);
    let requests = |minute: u64| flush.cells.iter().find(|cell| cell.minute_ms == minute * MINUTE_MS).unwrap().requests;
    assert_eq!([requests(10), requests(11), requests(10 + most / 2), requests(9 + most)], [2, 1, 2, 3]);
}

/// However much an isolate gathers, what it holds is bounded.
#[test]
fn bounds() {
    let mut tally = Tally::default();
    for n in 0..5_000_u64 {
        let name = format!("client{}", n % 1_600);
        let outcome = Outcome::ALL[usize::try_from(n % 6).unwrap()];
        tally.count(&finished(n * 20_000, Some(&name), None, outcome));
    }
    let flush = tally.take("f".to_owned());
    assert!(flush.cells.len() <= 2_000, "{}", flush.cells.len());
    assert_eq!(flush.cells.iter().map(|cell| cell.requests).sum::<u64>(), 5_000);
}

#[test]
fn single_requests_are_kept_only_while_watched() {
    let mut tally = Tally::default();
    let one = |n: u64| finished(n, None, None, Outcome::Miss);
    tally.count(&one(1));
    assert!(!tally.is_watched());
    tally.set_watched(true);
    assert!(tally.is_watched());
    (2..105).for_each(|n| tally.count(&one(n)));
    let flush = tally.take("f".to_owned());
    assert_eq!((flush.requests.len(), flush.requests[0].at_ms, flush.unshown), (MAX_REQUESTS, 5, 3));

    // What did not arrive comes before what came since, and the oldest are no longer shown.
    tally.count(&one(105));
    let (client, key) = (ClientId("shop".to_owned()), key(1));
    tally.hit(&Hit { at_ms: 106, client: &client, model: "m", key: &key, saved: None, bytes: 1, ms: 1 });
    tally.give_back(flush.clone());
    let both = tally.take("g".to_owned());
    assert_eq!((both.requests.len(), both.requests[0].at_ms, both.requests[99].at_ms), (MAX_REQUESTS, 6, 105));
    assert_eq!(both.unshown, 5, "three before, the hit, and the oldest");

    tally.count(&one(107));
    tally.set_watched(false);
    tally.give_back(flush);
    let flush = tally.take("h".to_owned());
    assert_eq!((flush.requests.len(), flush.unshown), (0, 0));
}

#[test]
fn empty() {
    let mut tally = Tally::default();
    assert!(tally.is_empty());
    tally.give_back(Tally::default().take("f".to_owned()));
    assert!(tally.is_empty());
    tally.count(&finished(1, None, None, Outcome::Failed));
    assert!(!tally.is_empty());
    let flush = tally.take("f".to_owned());
    assert!(tally.is_empty());
    tally.give_back(flush);
    assert!(!tally.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Hit {
        at_ms: u64,
        client: u8,
        model: u8,
        key: u8,
        saved: Option<u64>,
        bytes: u64,
        ms: u64,
    },
    Count(Finished),
    Take,
    /// Of the flushes that were taken and neither arrived nor were given back, the one at this place.
    GiveBack(usize),
    Arrive(usize),
}

fn request() -> impl Strategy<Value = Finished> {
    let who = (prop::option::of(0..3_u8), prop::option::of(0..2_u8), prop::option::of(0..4_u64));
    let what = (0..300_000_u64, 0..6_usize, prop::option::of(0..9_u64), 0..9_u64, 0..400_000_u64);
    (who, what).prop_map(|((client, model, picture), (at_ms, outcome, saved, bytes, ms))| Finished {
        client: client.map(|n| ClientId(format!("c{n}"))),
        model: model.map(|n| format!("m{n}")),
        key: picture.map(key),
        saved: saved.map(NanoUsd),
        bytes,
        ms,
        ..finished(at_ms, None, None, Outcome::ALL[outcome])
    })
}

fn step() -> impl Strategy<Value = Step> {
    let hit = (0..300_000_u64, 0..3_u8, 0..2_u8, 0..4_u8, prop::option::of(0..9_u64), 0..9_u64, 0..400_000_u64);
    prop_oneof![
        4 => hit.prop_map(|(at_ms, client, model, key, saved, bytes, ms)| {
            Step::Hit { at_ms, client, model, key, saved, bytes, ms }
        }),
        4 => request().prop_map(Step::Count),
        2 => Just(Step::Take),
        1 => any::<prop::sample::Index>().prop_map(|at| Step::GiveBack(at.index(4))),
        1 => any::<prop::sample::Index>().prop_map(|at| Step::Arrive(at.index(4))),
    ]
}

/// Minute, client, model and outcome.
type Name = (u64, Option<String>, Option<String>, Outcome);

/// What was counted, added up by hand.
#[derive(Debug, Default, PartialEq)]
struct Sums {
    /// Requests, bytes and nano-dollars with their latencies.
    cells: BTreeMap<Name, (u64, u64, u64, Histogram)>,
    pictures: BTreeMap<PictureKey, (u64, u64)>,
    shown: u64,
}

impl Sums {
    fn request(&mut self, finished: &Finished) {
        let minute_ms = finished.at_ms / MINUTE_MS * MINUTE_MS;
        let client = finished.client.as_ref().map(|client| client.0.clone());
        let cell = self.cells.entry((minute_ms, client, finished.model.clone(), finished.outcome)).or_default();
        cell.0 += 1;
        cell.1 += finished.bytes;
        cell.2 += finished.saved.map_or(0, |saved| saved.0);
        cell.3.record(finished.ms);
        if let (Some(key), Outcome::Hit | Outcome::Coalesced) = (finished.key, finished.outcome) {
            self.look(key, 1, finished.at_ms);
        }
        self.shown += 1;
    }

    fn flush(&mut self, flush: Flush) {
        for cell in flush.cells {
            let client = cell.client.map(|client| client.0);
            let sums = self.cells.entry((cell.minute_ms, client, cell.model, cell.outcome)).or_default();
            sums.0 += cell.requests;
            sums.1 += cell.bytes;
            sums.2 += cell.saved.0;
            sums.3.merge(&cell.latency);
        }
        for looked in flush.pictures {
            self.look(looked.key, looked.hits, looked.last_ms);
        }
        self.shown += flush.requests.len() as u64 + flush.unshown;
    }

    fn look(&mut self, key: PictureKey, hits: u64, at_ms: u64) {
        let picture = self.pictures.entry(key).or_default();
        *picture = (picture.0 + hits, picture.1.max(at_ms));
    }
}

proptest! {
    #[test]
    fn everything_arrives_once(steps in vec(step(), 0..60)) {
        let (mut tally, mut sent, mut arrived, mut expected) =
            (Tally::default(), Vec::new(), Sums::default(), Sums::default());
        tally.set_watched(true);
        for step in steps {
            match step {
                Step::Hit { at_ms, client, model, key: picture, saved, bytes, ms } => {
                    let (client, model) = (ClientId(format!("c{client}")), format!("m{model}"));
                    let (key, saved) = (key(u64::from(picture)), saved.map(NanoUsd));
                    tally.hit(&Hit { at_ms, client: &client, model: &model, key: &key, saved, bytes, ms });
                    let told = finished(at_ms, Some(&client.0), Some(&model), Outcome::Hit);
                    expected.request(&Finished { key: Some(key), saved, bytes, ms, ..told });
                }
                Step::Count(finished) => {
                    tally.count(&finished);
                    expected.request(&finished);
                }
                Step::Take => sent.push(tally.take("f".to_owned())),
                Step::GiveBack(at) if at < sent.len() => tally.give_back(sent.remove(at)),
                Step::Arrive(at) if at < sent.len() => arrived.flush(sent.remove(at)),
                Step::GiveBack(_) | Step::Arrive(_) => {}
            }
        }
        sent.drain(..).for_each(|flush| tally.give_back(flush));
        arrived.flush(tally.take("f".to_owned()));
        prop_assert!(tally.is_empty());
        prop_assert_eq!(arrived, expected);
    }
}

/// `cargo test --release -p domain tally -- --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn what_a_hit_costs() {
    let mut tally = Tally::default();
    let clients: Vec<ClientId> = (0..20).map(|n| ClientId(format!("client{n}"))).collect();
    let keys: Vec<PictureKey> = (0..2_000).map(|n| key(n * 0x9e37_79b9_7f4a_7c15)).collect();
    let hits = |tally: &mut Tally, count: usize| {
        for n in 0..count {
            let (client, key) = (&clients[n % clients.len()], &keys[n % keys.len()]);
            tally.hit(black_box(&Hit {
                at_ms: 60_000,
                client,
                model: "gpt-image-2",
                key,
                saved: Some(NanoUsd(5)),
                bytes: 100_000,
                ms: 2,
            }));
        }
    };
    hits(&mut tally, keys.len());
    let (rounds, start) = (1_000_000, Instant::now());
    hits(&mut tally, rounds);
    println!("a hit is counted in {} ns", start.elapsed().as_nanos() / rounds as u128);
    assert!(!tally.is_empty());
}
