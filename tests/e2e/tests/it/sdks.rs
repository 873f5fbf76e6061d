//! The official SDKs, unchanged but for their base address. The scripts check what the SDK gives them; here the bills are
//! counted.

use std::path::PathBuf;

use e2e::{Client, tools};
use serde_json::json;
use tokio::process::Command;

use crate::check::said;
use crate::shared::alone;

#[tokio::test]
async fn python() {
    let python = tools::python().unwrap();
    check(&*alone().await, python, "python").await;
}

#[tokio::test]
async fn node() {
    let node = tools::node().unwrap();
    check(&*alone().await, node, "node").await;
}

async fn check(pincel: &Client, interpreter: PathBuf, language: &str) {
    let script = match language {
        "python" => "tests/e2e/sdk/sdk.py",
        _ => "tests/e2e/sdk/sdk.mjs",
    };
    let broke = pincel.new_client(&format!("broke{language}"), json!({ "budget_per_day_usd": "0.01" })).await.unwrap();
    let hurried = pincel.new_client(&format!("hurried{language}"), json!({ "requests_per_minute": 30 })).await.unwrap();
    let mut command = Command::new(interpreter);
    command
        .arg(tools::workspace(script))
        .env("PINCEL_URL", &pincel.edge)
        .env("PINCEL_API_KEY", &pincel.keys.api_key)
        .env("BROKE_API_KEY", &broke.keys.api_key)
        .env("HURRIED_API_KEY", &hurried.keys.api_key)
        .env("FAKE_OPENAI_URL", &pincel.fake)
        .env("MARK", language);
    let said = said(&mut command).await;
    // So that a script that checks nothing is not taken for one that found nothing wrong.
    assert!(said.ends_with("9 checks passed\n"), "{said}");

    for (what, counts) in [("twice", vec![1]), ("two", vec![2]), ("url", vec![1]), ("parallel", vec![1])] {
        let bills = pincel.bills(&format!("{what}, {language}")).await.unwrap();
        let found: Vec<u64> = bills.iter().filter_map(|bill| bill["n"].as_u64()).collect();
        assert_eq!(found, counts, "{what}");
    }
    for (what, calls) in [("refused", 0), ("quota", 1), ("locked out", 0), ("broke", 0)] {
        let prompt = format!("{what}, {language}");
        let found = (pincel.bills(&prompt).await.unwrap().len(), pincel.calls(&prompt).await.unwrap().len());
        assert_eq!(found, (0, calls), "{what}");
    }
}
