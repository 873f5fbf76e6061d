//! How long it takes to read a month: `cargo test --release -p engine a_month -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

const CLIENTS: usize = 20;
const MODELS: usize = 4;
const OUTCOMES: [Outcome; 4] = [Outcome::Hit, Outcome::Coalesced, Outcome::Miss, Outcome::Refused];

/// What comes of each client with each model in every single minute: more than any service has of so many.
fn minute(at_ms: u64) -> Vec<Cell> {
    let mut cells = Vec::new();
    for client in 0..CLIENTS {
        for model in 0..MODELS {
            for outcome in OUTCOMES {
                let seed = (client * 31 + model * 7) as u64 + at_ms / MINUTE_MS;
                let mut cell =
                    cell(at_ms, &format!("client{client}"), &format!("model-{model}"), outcome, 1 + seed % 9);
                cell.latency = domain::usage::Histogram::default();
                (0..cell.requests).for_each(|n| cell.latency.record((seed * 37 + n * 911) % 30_000));
                cells.push(cell);
            }
        }
    }
    cells
}

#[test]
#[ignore = "measures"]
fn a_month() {
    let catalog = catalog();
    // Of the days for which only hours are kept, one minute of each hour stands for all of it.
    let hours = (2 * 24..31 * 24).rev().map(|hour| NOW_MS - hour * HOUR_MS);
    let minutes = (0..2 * 24 * 60).rev().map(|minute| NOW_MS - minute * MINUTE_MS);
    let (mut flushes, start) = (0_u32, Instant::now());
    for at_ms in hours.chain(minutes) {
        flushes += 1;
        catalog.flush(&flush_of(&flushes.to_string(), minute(at_ms)), at_ms).unwrap();
        if flushes % 60 == 0 {
            catalog.expire_usage(at_ms).unwrap();
        }
    }
    let cells = CLIENTS * MODELS * OUTCOMES.len();
    println!(
        "{flushes} flushes of {cells} cells, rolled up: {} ms each",
        start.elapsed().as_millis() / u128::from(flushes)
    );
    for (name, length_ms, step_ms) in [
        ("1 h", HOUR_MS, MINUTE_MS),
        ("6 h", 6 * HOUR_MS, MINUTE_MS),
        ("24 h", 24 * HOUR_MS, HOUR_MS),
        ("7 d", 7 * DAY_MS, HOUR_MS),
        ("30 d", 30 * DAY_MS, DAY_MS),
        // Both edges as unfavourable as can be.
        ("6 h, crooked", 6 * HOUR_MS - MINUTE_MS, MINUTE_MS),
    ] {
        let window = Window { from_ms: NOW_MS + MINUTE_MS - length_ms, to_ms: NOW_MS + MINUTE_MS, step_ms };
        let mut times: Vec<u128> = (0..15)
            .map(|_| {
                let start = Instant::now();
                catalog.overview(&window, NOW_MS).unwrap();
                start.elapsed().as_micros()
            })
            .collect();
        times.sort_unstable();
        let overview = catalog.overview(&window, NOW_MS).unwrap();
        let size = serde_json::to_string(&overview).unwrap().len() / 1_000;
        println!("{name}: {} µs, at best {}; {} points, {size} kB", times[7], times[0], overview.series.len());
    }
    for cells in [5, 20, 2_000] {
        let flush = flush_of(&format!("{cells} cells"), minute(NOW_MS).into_iter().cycle().take(cells).collect());
        let start = Instant::now();
        catalog.flush(&flush, NOW_MS).unwrap();
        println!("a flush of {cells} cells: {} µs", start.elapsed().as_micros());
    }
    let start = Instant::now();
    let text = catalog.metrics(NOW_MS).unwrap();
    println!("metrics: {} µs, {} kB", start.elapsed().as_micros(), text.len() / 1_000);
}
