//! The deployment's account, question by question.

use domain::access::Client;
use domain::access::ClientId;
use domain::access::policy::{Defaults, UnknownHold};
use domain::error::Retry;
use domain::job::JobId;
use domain::money::{NanoUsd, Outcome};
use serde_json::json;

use super::super::tests::Shelf;
use super::*;
use crate::account::{AccountAsk, Spending};

/// 2026-11-24T00:00:00Z.
const NOW_MS: u64 = 1_795_478_400_000;

/// Each time by an account that remembers nothing, as after a restart.
fn ask(shelf: &Shelf, name: &AccountName, ask: AccountAsk, now_ms: u64) -> AccountAnswer {
    Account::new(shelf, name.clone()).ask(ask, now_ms).unwrap().answer
}

fn change(
    shelf: &Shelf,
    body: &Value,
    version: impl Into<Option<u64>>,
    by: &str,
) -> Result<SettingsDocument, ApiError> {
    let version = version.into();
    let asked = AccountAsk::ChangeRuntime { body: body.as_object().unwrap().clone(), version, by: by.to_owned() };
    match ask(shelf, &AccountName::Deployment, asked, NOW_MS + version.unwrap_or_default()) {
        AccountAnswer::Runtime { document } => Ok(*document),
        AccountAnswer::Refused { error } => Err(*error),
        other => panic!("{other:?}"),
    }
}

fn current(shelf: &Shelf) -> SettingsDocument {
    match ask(shelf, &AccountName::Deployment, AccountAsk::Runtime, NOW_MS) {
        AccountAnswer::Runtime { document } => *document,
        other => panic!("{other:?}"),
    }
}

fn history(shelf: &Shelf, before: Option<u64>, limit: u32) -> (Vec<u64>, Option<u64>) {
    match ask(shelf, &AccountName::Deployment, AccountAsk::RuntimeHistory { before, limit }, NOW_MS) {
        AccountAnswer::RuntimeHistory { page } => {
            (page.history.iter().map(|document| document.version).collect(), page.next)
        }
        other => panic!("{other:?}"),
    }
}

fn versions(shelf: &Shelf) -> usize {
    AccountStore::list(&shelf, Kind::RuntimeVersion, "", u32::MAX).unwrap().len()
}

#[test]
fn a_change_is_a_version_with_who_and_when() {
    let shelf = Shelf::default();
    let nobody = current(&shelf);
    assert_eq!((nobody.version, nobody.changed_ms, nobody.by), (0, None, None));
    assert_eq!((nobody.settings, nobody.effective_within_seconds), (RuntimeSettings::default(), 60));
    assert_eq!(history(&shelf, None, 10), (vec![], None));
    let first = change(&shelf, &json!({ "generation": "off" }), 0, "admin").unwrap();
    assert_eq!((first.version, first.changed_ms, first.by.as_deref()), (1, Some(NOW_MS), Some("admin")));
    let second = change(&shelf, &json!({ "models": ["gpt-image-2"] }), 1, "client/ops").unwrap();
    assert_eq!((second.version, second.changed_ms, second.by.as_deref()), (2, Some(NOW_MS + 1), Some("client/ops")));
    assert_eq!(second.settings.generation, Generation::Off);
    assert_eq!(current(&shelf), second);
    let AccountAnswer::RuntimeHistory { page } =
        ask(&shelf, &AccountName::Deployment, AccountAsk::RuntimeHistory { before: None, limit: 10 }, NOW_MS)
    else {
        panic!("no history")
    };
    assert_eq!(*page, SettingsPage { history: vec![second, first], next: None });
}

#[test]
fn a_change_that_changes_nothing_is_no_version() {
    let shelf = Shelf::default();
    for body in [json!({}), json!({ "generation": "on", "retention": { "max_bytes": null } })] {
        let same = change(&shelf, &body, 0, "admin").unwrap();
        assert_eq!((same.version, same.by), (0, None));
    }
    assert_eq!(versions(&shelf), 0);
}

#[test]
fn two_operators_do_not_undo_each_other() {
    let shelf = Shelf::default();
    let off = json!({ "generation": "off" });
    change(&shelf, &off, 0, "client/ops").unwrap();
    for version in [0, 2] {
        let error = change(&shelf, &json!({ "generation": "on" }), version, "admin").unwrap_err();
        assert_eq!((error.status, error.code.as_deref()), (409, Some("version_conflict")));
        assert!(error.message.contains("client/ops changed them at 2026-11-24T00:00:00Z"), "{}", error.message);
    }
    let error = change(&shelf, &off, None, "admin").unwrap_err();
    assert_eq!((error.status, error.param.as_deref()), (400, Some("version")));
    let error = change(&shelf, &json!({ "generation": 1 }), 1, "admin").unwrap_err();
    assert_eq!(error.param.as_deref(), Some("generation"));
    assert_eq!((current(&shelf).version, current(&shelf).settings.generation), (1, Generation::Off));
}

#[test]
fn a_thousand_versions_are_kept_and_paged_through() {
    let shelf = Shelf::default();
    for version in 0..1_005_u64 {
        let switch = if version.is_multiple_of(2) { "off" } else { "on" };
        change(&shelf, &json!({ "generation": switch }), version, "admin").unwrap();
    }
    assert_eq!(versions(&shelf), 1_000);
    assert_eq!(history(&shelf, None, 2), (vec![1_005, 1_004], Some(1_004)));
    assert_eq!(history(&shelf, Some(1_004), 2), (vec![1_003, 1_002], Some(1_002)));
    assert_eq!(history(&shelf, Some(8), 5), (vec![7, 6], None));
    assert_eq!(history(&shelf, Some(8), 2), (vec![7, 6], None));
    assert_eq!(history(&shelf, Some(9), 2), (vec![8, 7], Some(7)));
    assert_eq!(history(&shelf, Some(6), 5), (vec![], None));
    assert_eq!(history(&shelf, Some(1), 5), (vec![], None));
    assert_eq!(history(&shelf, Some(0), 5), (vec![], None));
    assert_eq!(history(&shelf, Some(9_000), 0).0, [1_005]);
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let (page, next) = history(&shelf, before, 500);
        assert!(page.len() <= 100);
        seen.extend(page);
        before = next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, (6..=1_005).rev().collect::<Vec<u64>>());
}

fn reserve(shelf: &Shelf, name: &AccountName, job: u8) -> Result<(), ApiError> {
    match ask(shelf, name, AccountAsk::Reserve { job: JobId::new([job; 16]), amount: NanoUsd(7) }, NOW_MS) {
        AccountAnswer::Granted { .. } => Ok(()),
        AccountAnswer::Refused { error } => Err(*error),
        other => panic!("{other:?}"),
    }
}

fn spending(shelf: &Shelf, name: &AccountName) -> Spending {
    match ask(shelf, name, AccountAsk::Spending, NOW_MS) {
        AccountAnswer::Spending { spending, .. } => *spending,
        other => panic!("{other:?}"),
    }
}

#[test]
fn while_the_switch_is_off_nothing_is_set_aside() {
    let shelf = Shelf::default();
    let deployment = &AccountName::Deployment;
    let limits = json!({ "requests_per_minute": 5 });
    ask(&shelf, deployment, AccountAsk::Limits { body: limits.as_object().unwrap().clone() }, NOW_MS);
    assert_eq!(spending(&shelf, deployment).generation, Some(Generation::On));
    reserve(&shelf, deployment, 1).unwrap();
    let before = spending(&shelf, deployment);
    change(&shelf, &json!({ "generation": "off" }), 0, "admin").unwrap();
    // Also for a job that had its reserve, and did not hear of it.
    for job in [1, 2, 2, 3] {
        let error = reserve(&shelf, deployment, job).unwrap_err();
        assert_eq!((error.status, error.code.as_deref()), (503, Some("generation_paused")));
        assert_eq!(
            (error.retry, error.retry_after_ms, error.kind.as_ref()),
            (Retry::Never, None, "service_unavailable_error")
        );
    }
    let paused = Spending { generation: Some(Generation::Off), ..before.clone() };
    assert_eq!(spending(&shelf, deployment), paused);
    assert_eq!(paused.document()["generation"], "off");
    // What was under way ends as ever.
    let close = AccountAsk::Close { job: JobId::new([1; 16]), outcome: Outcome::Settle(NanoUsd(6)) };
    assert_eq!(ask(&shelf, deployment, close, NOW_MS), AccountAnswer::Closed);
    assert_eq!(spending(&shelf, deployment).day.sums.settled, NanoUsd(6));
    change(&shelf, &json!({ "generation": "on" }), 1, "admin").unwrap();
    // Nobody was counted: of five requests four are left.
    for job in 4..8 {
        reserve(&shelf, deployment, job).unwrap();
    }
    assert_eq!(reserve(&shelf, deployment, 8).unwrap_err().code.as_deref(), Some("rate_limit_exceeded"));
}

#[test]
fn the_accounts_of_clients_know_no_switch() {
    let shelf = Shelf::default();
    let shop = AccountName::Client(ClientId("shop".to_owned()));
    let body = json!({ "id": "shop", "policy": { "budget_per_day_usd": null, "budget_per_month_usd": null } });
    let defaults = Defaults { namespace: "n".to_owned(), unknown_hold: UnknownHold::Ms(1) };
    let client = Client::read(body.as_object().unwrap(), &defaults, 0).unwrap();
    ask(&shelf, &shop, AccountAsk::Open { client: Box::new(client) }, NOW_MS);
    // Though this store has the deployment's documents as well.
    change(&shelf, &json!({ "generation": "off" }), 0, "admin").unwrap();
    reserve(&shelf, &shop, 1).unwrap();
    assert_eq!(spending(&shelf, &shop).generation, None);
    assert_eq!(spending(&shelf, &shop).document().get("generation"), None);
    let body = Map::new();
    for asked in [
        AccountAsk::Runtime,
        AccountAsk::ChangeRuntime { body, version: Some(1), by: "admin".to_owned() },
        AccountAsk::RuntimeHistory { before: None, limit: 1 },
    ] {
        let AccountAnswer::Refused { error } = ask(&shelf, &shop, asked, NOW_MS) else { panic!("answered") };
        assert_eq!((error.status, error.code.as_deref()), (404, Some("settings_not_found")));
    }
}
