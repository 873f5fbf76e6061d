mod grammar;

use domain::admin::overview::Budget;
use domain::job::State;
use domain::usage::tally::Cell;

use super::super::testing::{Sqlite, catalog};
use super::super::usage::tests::{cell, flush_of, receipt};
use super::*;

/// 2026-11-24T12:00:00Z.
const NOW_MS: u64 = 1_795_521_600_000;

fn now() -> Now {
    let spent = |limit: Option<u64>| Budget {
        limit: limit.map(NanoUsd),
        spent: NanoUsd(12_340_000_000),
        reserved: NanoUsd(41_120_000),
    };
    Now { in_flight: 3, generation: Generation::Off, day: spent(Some(20_000_000_000)), month: spent(None) }
}

/// A service that has seen some of everything.
fn busy() -> Catalog<Sqlite> {
    let catalog = catalog();
    let cells: Vec<Cell> = vec![
        cell(NOW_MS, "shop", "gpt-image-2", Outcome::Hit, 7),
        cell(NOW_MS, "blog", "gpt-image-2", Outcome::Hit, 2),
        cell(NOW_MS, "shop", "gpt-image-2", Outcome::Miss, 1),
        cell(NOW_MS, "", "", Outcome::Refused, 4),
    ];
    catalog.flush(&flush_of("a", cells), NOW_MS + 1_500).unwrap();
    for (job, state, cost) in
        [(1, State::Settled, Some(41_120_000)), (2, State::Failed, None), (3, State::Unknown, None)]
    {
        catalog.ledger(&receipt(job, None, state, cost, NOW_MS), NOW_MS + 1_500).unwrap();
    }
    catalog
}

fn text(catalog: &Catalog<Sqlite>, now_ms: u64) -> String {
    let mut text = catalog.metrics(now_ms).unwrap();
    append(&mut text, &now());
    text
}

/// Written anew by `UPDATE_SNAPSHOTS=1 cargo test -p engine metrics`.
#[test]
fn the_text_is_the_one_that_is_committed() {
    let found = text(&busy(), NOW_MS + 2_000);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalog/metrics/snapshot.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    for (line, (found, committed)) in found.lines().zip(committed.lines()).enumerate() {
        assert_eq!(found, committed, "line {}", line + 1);
    }
    assert_eq!(found.lines().count(), committed.lines().count());
}

#[test]
fn the_text_is_valid() {
    grammar::check(&text(&busy(), NOW_MS + 2_000));
    grammar::check(&text(&catalog(), NOW_MS));
}

#[track_caller]
fn check(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
}

#[test]
fn figures() {
    let text = text(&busy(), NOW_MS + 2_000);
    for line in [
        r#"pincel_requests_total{outcome="hit",model="gpt-image-2"} 9"#,
        r#"pincel_requests_total{outcome="refused",model="none"} 4"#,
        r#"pincel_requests_total{outcome="failed",model="gpt-image-2"} 0"#,
        r#"pincel_request_duration_seconds_count{outcome="hit"} 9"#,
        r#"pincel_request_duration_seconds_sum{outcome="hit"} 0.018"#,
        r#"pincel_request_duration_seconds_bucket{outcome="bypass",le="+Inf"} 0"#,
        "pincel_served_bytes_total 1400",
        r#"pincel_spent_usd_total{model="gpt-image-2"} 0.04112"#,
        r#"pincel_saved_usd_total{model="gpt-image-2"} 0.00000007"#,
        r#"pincel_unknown_usd_total{model="gpt-image-2"} 0.0000009"#,
        r#"pincel_generations_total{model="gpt-image-2",state="settled"} 1"#,
        r#"pincel_generations_total{model="gpt-image-2",state="untold"} 0"#,
        "pincel_provider_duration_seconds_sum 24",
        "pincel_unknown_outcomes 1",
        r#"pincel_purges_total{mode="soft"} 0"#,
        "pincel_last_flush_timestamp_seconds 1795521601.5",
        "pincel_generations_in_flight 3",
        "pincel_generation_enabled 0",
        r#"pincel_budget_limit_usd{window="day"} 20.00"#,
        r#"pincel_budget_spent_usd{window="month"} 12.34"#,
        r#"pincel_budget_reserved_usd{window="day"} 0.04112"#,
    ] {
        check(&text, line);
    }
    assert!(!text.contains(r#"limit_usd{window="month"}"#), "there is no limit");
    let mut on = String::new();
    append(&mut on, &Now { generation: Generation::On, ..now() });
    check(&on, "pincel_generation_enabled 1");
}

#[test]
fn a_service_that_was_never_asked() {
    let text = catalog().metrics(NOW_MS).unwrap();
    for line in [
        r#"pincel_requests_total{outcome="hit",model="none"} 0"#,
        r#"pincel_request_duration_seconds_count{outcome="failed"} 0"#,
        "pincel_provider_duration_seconds_count 0",
        "pincel_last_flush_timestamp_seconds 0",
        "pincel_unknown_outcomes 0",
    ] {
        check(&text, line);
    }
}

/// Neither rolling up nor giving up what is old changes what was counted.
#[test]
fn counters_never_fall() {
    let catalog = busy();
    let counted = |now_ms: u64| -> Vec<String> {
        catalog.expire_usage(now_ms).unwrap();
        catalog.metrics(now_ms).unwrap().lines().filter(|line| !line.contains("flush")).map(str::to_owned).collect()
    };
    let before = counted(NOW_MS + 2_000);
    for days in [1, 3, 70, 900] {
        assert_eq!(counted(NOW_MS + days * 86_400_000), before, "after {days} days");
    }
}

#[test]
fn models_without_a_name_of_their_own() {
    let catalog = catalog();
    let cells = |names: std::ops::Range<u32>| -> Vec<Cell> {
        names.map(|n| cell(NOW_MS, "shop", &format!("m{n:02}"), Outcome::Hit, 1)).collect()
    };
    catalog.flush(&flush_of("a", cells(10..65)), NOW_MS).unwrap();
    catalog.flush(&flush_of("b", cells(0..3)), NOW_MS).unwrap();
    let text = catalog.metrics(NOW_MS).unwrap();
    check(&text, r#"pincel_requests_total{outcome="hit",model="m10"} 1"#);
    check(&text, r#"pincel_requests_total{outcome="hit",model="m59"} 1"#);
    check(&text, r#"pincel_requests_total{outcome="hit",model="other"} 8"#);
    let models = text.lines().filter(|line| line.starts_with(r#"pincel_requests_total{outcome="hit""#)).count();
    assert_eq!(models, 52, "fifty, the others, and none");
    grammar::check(&text);
}

/// Whatever a model is called, the text stays one that can be read, and nobody else's name is in it.
#[test]
fn labels() {
    let catalog = catalog();
    let cells = vec![
        cell(NOW_MS, "secretclient", "we\"ird\\model\nname", Outcome::Hit, 1),
        cell(NOW_MS, "secretclient", "{}=,", Outcome::Miss, 1),
    ];
    catalog.flush(&flush_of("a", cells), NOW_MS).unwrap();
    let text = catalog.metrics(NOW_MS).unwrap();
    check(&text, r#"pincel_requests_total{outcome="hit",model="we\"ird\\model\nname"} 1"#);
    assert!(!text.contains("secretclient"));
    grammar::check(&text);
}

/// The names of metrics in an expression or a document.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    text.split(word).filter(|word| word.starts_with("pincel_")).map(str::to_owned).collect()
}

/// What the dashboard draws and the alerts watch exists, down to its labels.
#[test]
fn the_dashboard_and_the_alerts_name_what_exists() {
    let exposed = text(&busy(), NOW_MS + 2_000);
    let samples: BTreeSet<String> = exposed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| names(line.split(['{', ' ']).next().unwrap()))
        .collect();
    for file in ["grafana.json", "alerts.yml"] {
        let document = std::fs::read_to_string(format!("{}/../docs/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let used = names(&document);
        assert!(used.len() >= 8, "{file} uses {used:?}");
        let unknown: Vec<&String> = used.difference(&samples).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
        for (label, values) in grammar::labels(&document) {
            let known = grammar::values_of(&exposed, &label);
            let unknown: Vec<&String> = values.difference(&known).collect();
            assert!(unknown.is_empty(), "{file}: {label} is never {unknown:?}");
        }
    }
}

/// Every metric that the service has is drawn or watched somewhere, but for the ones that only tell what is running.
#[test]
fn nothing_is_counted_that_nobody_looks_at() {
    let documents: String = ["grafana.json", "alerts.yml"]
        .map(|file| std::fs::read_to_string(format!("{}/../docs/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap())
        .concat();
    let exposed = text(&busy(), NOW_MS + 2_000);
    let families =
        exposed.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|line| line.split(' ').next().unwrap());
    let unseen: Vec<&str> = families.filter(|family| !documents.contains(family)).collect();
    assert_eq!(unseen, [""; 0]);
}
