//! The catalog against a list of everything that was told to it, added up anew each time.

use domain::access::ClientId;
use domain::admin::overview::{Figures, Generations, Latency, Quantiles};
use domain::money::NanoUsd;
use domain::usage::{Billed, Histogram};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Flush { cells: Vec<(Age, u8, u8, u8, u8, u64)>, again: bool },
    Ledger { age: Age, client: u8, model: u8, end: u8, takes: u32, cost: u64 },
    Wait(u64),
    RollUp,
    Expire,
}

/// How long ago something happened, in milliseconds; of a clock that is wrong, how far ahead.
type Age = i64;

/// What was told once.
#[derive(Debug, Clone)]
struct Told {
    minute_ms: u64,
    client: Option<String>,
    model: Option<String>,
    what: What,
    count: u64,
    bytes: u64,
    nano: u64,
    latency: Histogram,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Request(Outcome),
    Job(Billed),
}

fn age() -> impl Strategy<Value = Age> {
    prop_oneof![
        8 => 0..10_000_i64,
        4 => 0..1_000_000_i64,
        2 => 0..200_000_000_i64,
        1 => 0..80_000_000_000_i64,
        1 => -400_000..0_i64,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let cells = vec((age(), 0..4_u8, 0..3_u8, 0..6_u8, 1..5_u8, 0..400_000_u64), 0..6);
    let wait = prop_oneof![0..10_000_u64, 0..600_000_u64, 0..8_000_000_u64, 0..200_000_000_u64];
    prop_oneof![
        6 => (cells, any::<bool>()).prop_map(|(cells, again)| Step::Flush { cells, again }),
        4 => (age(), 0..3_u8, 0..2_u8, 0..4_u8, 1..4_u32, 0..1_000_u64)
            .prop_map(|(age, client, model, end, takes, cost)| Step::Ledger { age, client, model, end, takes, cost }),
        4 => wait.prop_map(Step::Wait),
        2 => Just(Step::RollUp),
        1 => Just(Step::Expire),
    ]
}

fn name(kind: char, n: u8) -> Option<String> {
    n.checked_sub(1).map(|n| format!("{kind}{n}"))
}

struct World {
    catalog: Catalog<Sqlite>,
    now_ms: u64,
    told: Vec<Told>,
    flushes: u64,
    jobs: u64,
}

impl World {
    fn run(&mut self, step: Step) {
        match step {
            Step::Flush { cells, again } => self.flush(&cells, again),
            Step::Ledger { age, client, model, end, takes, cost } => {
                self.job(age, (client, model), Billed::ALL[usize::from(end)], takes, cost);
            }
            Step::Wait(ms) => self.now_ms += ms,
            Step::RollUp => self.catalog.roll_up(self.now_ms).unwrap(),
            Step::Expire => self.catalog.expire_usage(self.now_ms).unwrap(),
        }
    }

    fn flush(&mut self, cells: &[(Age, u8, u8, u8, u8, u64)], again: bool) {
        let mut flushed = Vec::new();
        for (age, client, model, outcome, requests, ms) in cells {
            let (client, model) = (name('c', *client), name('m', *model));
            let (outcome, requests) = (Outcome::ALL[usize::from(*outcome)], u64::from(*requests));
            let at_ms = self.now_ms.saturating_add_signed(-age);
            let (client_name, model_name) = (client.as_deref().unwrap_or(""), model.as_deref().unwrap_or(""));
            let cell = slow(cell(at_ms, client_name, model_name, outcome, requests), *ms);
            self.told.push(Told {
                minute_ms: self.minute(at_ms),
                client,
                model,
                what: What::Request(outcome),
                count: requests,
                bytes: cell.bytes,
                nano: cell.saved.0,
                latency: cell.latency.clone(),
            });
            flushed.push(cell);
        }
        self.flushes += 1;
        let flush = flush_of(&format!("f{}", self.flushes), flushed);
        assert!(self.catalog.flush(&flush, self.now_ms).unwrap());
        if again {
            assert!(!self.catalog.flush(&flush, self.now_ms + 1_000).unwrap());
        }
    }

    fn job(&mut self, age: Age, (client, model): (u8, u8), billed: Billed, takes: u32, cost: u64) {
        self.jobs += 1;
        let at_ms = self.now_ms.saturating_add_signed(-age);
        let (client, model) = (format!("c{client}"), format!("m{model}"));
        let state = match billed {
            Billed::Settled | Billed::Untold => State::Settled,
            Billed::Failed => State::Failed,
            Billed::Unknown => State::Unknown,
        };
        let mut nano = 0;
        for take in 0..takes {
            let cost = cost + u64::from(take);
            nano += match billed {
                Billed::Settled => cost,
                Billed::Untold | Billed::Unknown => 900,
                Billed::Failed => 0,
            };
            let told = (billed == Billed::Settled).then_some(cost);
            let mut receipt = receipt(self.jobs, Some(take + 1), state, told, at_ms);
            (receipt.client, receipt.model) = (ClientId(client.clone()), model.clone());
            self.catalog.ledger(&receipt, self.now_ms).unwrap();
        }
        let mut latency = Histogram::default();
        latency.record(8_000);
        let (client, model, minute_ms) = (Some(client), Some(model), self.minute(at_ms));
        self.told.push(Told { minute_ms, client, model, what: What::Job(billed), count: 1, bytes: 0, nano, latency });
    }

    fn minute(&self, at_ms: u64) -> u64 {
        let at_ms = if at_ms > self.now_ms + 5 * MINUTE_MS { self.now_ms } else { at_ms };
        let oldest_ms = (self.now_ms - 800 * DAY_MS).div_ceil(DAY_MS) * DAY_MS;
        at_ms.max(oldest_ms) / MINUTE_MS * MINUTE_MS
    }

    #[expect(clippy::cast_precision_loss, reason = "as it is shown")]
    fn figures(&self, window: &Window, which: impl Fn(&Told) -> bool) -> Figures {
        let time = window.from_ms..window.to_ms;
        let all: Vec<&Told> = self.told.iter().filter(|told| time.contains(&told.minute_ms) && which(told)).collect();
        let sum = |what: &[What], of: fn(&Told) -> u64| -> u64 {
            all.iter().filter(|told| what.contains(&told.what)).map(|told| of(told)).sum()
        };
        let requests = Outcome::ALL.map(What::Request);
        let count = |what: What| sum(&[what], |told| told.count);
        let latency = |what: &[What]| {
            let mut histogram = Histogram::default();
            all.iter().filter(|told| what.contains(&told.what)).for_each(|told| histogram.merge(&told.latency));
            let [p50_ms, p95_ms, p99_ms] = [500, 950, 990].map(|permille| histogram.quantile(permille));
            Quantiles { p50_ms, p95_ms, p99_ms }
        };
        let [hits, coalesced, misses, bypassed, refused, failed] = requests.map(count);
        let [settled, untold, failures, unknown] = Billed::ALL.map(What::Job).map(count);
        let answered = hits + coalesced + misses + bypassed;
        Figures {
            requests: sum(&requests, |told| told.count),
            hits,
            coalesced,
            misses,
            bypassed,
            refused,
            failed,
            hit_ratio: (answered > 0).then(|| (hits + coalesced) as f64 / answered as f64),
            bytes: sum(&requests, |told| told.bytes),
            spent: NanoUsd(sum(&[What::Job(Billed::Settled)], |told| told.nano)),
            unknown: NanoUsd(sum(&[What::Job(Billed::Untold), What::Job(Billed::Unknown)], |told| told.nano)),
            saved: NanoUsd(sum(&requests, |told| told.nano)),
            generations: Generations { settled, untold, failed: failures, unknown },
            latency: Latency {
                all: latency(&requests),
                hits: latency(&[What::Request(Outcome::Hit)]),
                misses: latency(&[What::Request(Outcome::Miss), What::Request(Outcome::Bypass)]),
                provider: latency(&Billed::ALL.map(What::Job)),
            },
        }
    }

    /// Everything that is shown of a window, against everything that was told.
    fn check(&self, length_ms: u64, step_ms: u64) {
        let asked = Window { from_ms: self.now_ms - length_ms, to_ms: self.now_ms + 1, step_ms };
        let shown = self.catalog.overview(&asked, self.now_ms).unwrap();
        let window = shown.window;
        assert!(window.from_ms <= asked.from_ms && window.to_ms >= asked.to_ms, "{asked:?} {window:?}");
        assert_eq!(shown.totals, self.figures(&window, |_| true), "{window:?}");
        for point in &shown.series {
            let step = Window { from_ms: point.at_ms, to_ms: point.at_ms + window.step_ms, ..window };
            assert_eq!(point.figures, self.figures(&step, |_| true), "{window:?} at {}", point.at_ms);
        }
        let there = |told: &&Told| (window.from_ms..window.to_ms).contains(&told.minute_ms);
        let mut clients: Vec<Option<String>> = self.told.iter().filter(there).map(|told| told.client.clone()).collect();
        let mut models: Vec<Option<String>> = self.told.iter().filter(there).map(|told| told.model.clone()).collect();
        for (names, shares, of) in [
            (&mut clients, &shown.by_client, (|told| &told.client) as fn(&Told) -> &Option<String>),
            (&mut models, &shown.by_model, |told| &told.model),
        ] {
            names.sort();
            names.dedup();
            let mut shown: Vec<Option<String>> = shares.iter().map(|share| share.name.clone()).collect();
            shown.sort();
            assert_eq!(shown, *names, "{window:?}");
            for share in shares {
                let expected = self.figures(&window, |told| *of(told) == share.name);
                assert_eq!(share.figures, expected, "{window:?} of {:?}", share.name);
            }
        }
    }

    /// What never expires is everything that was told, and so it never falls.
    fn check_totals(&self) {
        let (mut count, mut bytes, mut nano, mut latency) = (0, 0, 0, Histogram::default());
        self.catalog
            .totals(|row| {
                count += row.count;
                bytes += row.bytes;
                nano += row.nano;
                latency.merge(&row.latency());
            })
            .unwrap();
        let sum = |of: fn(&Told) -> u64| self.told.iter().map(of).sum::<u64>();
        assert_eq!((count, bytes, nano), (sum(|told| told.count), sum(|told| told.bytes), sum(|told| told.nano)));
        let mut expected = Histogram::default();
        self.told.iter().for_each(|told| expected.merge(&told.latency));
        assert_eq!(latency, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_told_in_whatever_order(start_ms in 0..DAY_MS, steps in vec(step(), 1..40)) {
        let mut world =
            World { catalog: catalog(), now_ms: MIDNIGHT_MS + start_ms, told: Vec::new(), flushes: 0, jobs: 0 };
        for step in steps {
            world.run(step);
            world.check_totals();
        }
        world.check(20 * MINUTE_MS, MINUTE_MS);
        world.check(6 * HOUR_MS - 1, MINUTE_MS);
        world.check(47 * HOUR_MS, HOUR_MS);
        world.check(7 * DAY_MS - 1, HOUR_MS);
        world.check(61 * DAY_MS, DAY_MS);
        world.check(399 * DAY_MS, DAY_MS);
    }
}
