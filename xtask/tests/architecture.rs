//! Who may depend on whom (`docs/ARCHITECTURE.md`), held against `cargo metadata`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first thing that is not as it should be"
)]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Each crate and the crates of this workspace that it may depend on.
const MAY: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("engine", &["domain"]),
    ("edge", &["domain", "engine"]),
    ("fake-openai", &[]),
    ("e2e", &["domain", "engine", "fake-openai"]),
    ("bench", &["domain", "engine", "fake-openai", "e2e"]),
    ("xtask", &["domain"]),
];

/// Name of each workspace member and the names of all that it depends on, for whatever purpose.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo).args(["metadata", "--no-deps", "--format-version=1"]).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| (text(package), package["dependencies"].as_array().unwrap().iter().map(text).collect()))
        .collect()
}

#[test]
fn arrows_point_inwards() {
    let all = dependencies();
    for (name, needs) in &all {
        let (_, may) =
            MAY.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("decide where {name} stands"));
        for needed in needs.iter().filter(|needed| all.contains_key(*needed)) {
            assert!(may.contains(&needed.as_str()), "{name} must not depend on {needed}");
        }
    }
}

#[test]
fn only_the_edge_knows_the_platform() {
    for (name, needs) in dependencies() {
        let platform =
            needs.iter().any(|needed| ["worker", "wasm-bindgen", "js-sys", "web-sys"].contains(&needed.as_str()));
        assert_eq!(platform, name == "edge", "{name}");
    }
}

/// The rules take time, ids and randomness as arguments.
#[test]
fn the_rules_touch_nothing() {
    let all = dependencies();
    for forbidden in ["tokio", "futures", "rand", "getrandom", "fastrand", "reqwest", "chrono", "time", "httpdate"] {
        assert!(!all["domain"].iter().any(|needed| needed == forbidden), "domain must not depend on {forbidden}");
    }
}
