//! `docs/openapi.json` is true: its routes are those that there are, every reply is one that it lists, and Schemathesis finds nothing.

mod admin;
mod calls;
mod feed;
mod pictures;

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use e2e::{Contract, DOCUMENT, Edge, Scratch, fetch, picture, tools};
use serde_json::json;
use tokio::process::Command;

use crate::check::said;
use crate::shared::{alone, shared};
use calls::{Calls, Sent, Who, sample};

#[tokio::test]
async fn the_worker_serves_the_document() {
    let pincel = shared().await;
    let reply = fetch(pincel.anonymous("GET", "/openapi.json")).await.unwrap();
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"), "{reply:?}");
    assert!(
        reply.json().unwrap() == *Contract::read().unwrap().document(),
        "another document is served than {DOCUMENT}"
    );
}

#[tokio::test]
async fn the_document_is_openapi() {
    let mut command = Command::new(tools::python().unwrap());
    said(command.args(["-m", "openapi_spec_validator"]).arg(tools::workspace(DOCUMENT))).await;
}

/// Every path of the document is a route with these methods and no others. That every route is in the document is for `edge` to
/// show, which knows them.
#[tokio::test]
async fn the_routes_are_as_they_are_listed() {
    let pincel = shared().await;
    let mut calls = Calls::new(&pincel);
    let paths: Vec<(String, Vec<String>)> =
        calls.contract.paths().into_iter().map(|(path, methods)| (path.to_owned(), methods)).collect();
    assert!(paths.len() > 20, "{paths:?}");
    for (path, methods) in paths {
        let to = sample(&path);
        let preflight = calls.call(Who::Nobody, "OPTIONS", &path, &to, Sent::default(), 204).await;
        let allowed: BTreeSet<&str> = preflight.header("allow").split(", ").collect();
        if allowed != methods.iter().map(String::as_str).collect() {
            calls.wrong.push(format!("{path} takes {allowed:?}, and {methods:?} are listed"));
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if !methods.iter().any(|listed| listed == method) {
                calls.send(Who::Nobody, method, &path, &to, json!({}), 405).await;
            }
        }
    }
    calls.get(Who::Admin, "nowhere", "/admin/v1/nowhere", 404).await;
    calls.end();
}

/// Good and bad calls of every operation.
#[tokio::test]
async fn every_reply_is_listed() {
    let pincel = alone().await;
    let mut calls = Calls::new(&pincel);
    let key = pictures::pictures(&mut calls).await;
    pictures::others(&mut calls).await;
    pictures::tokens(&mut calls).await;
    admin::clients(&mut calls).await;
    admin::settings(&mut calls).await;
    admin::usage(&mut calls).await;
    admin::catalog(&mut calls, &key).await;
    admin::purges(&mut calls, &key).await;
    feed::feed(&mut calls).await;
    let paths = calls.contract.paths().into_iter();
    let operations: BTreeSet<(String, String)> =
        paths.flat_map(|(path, methods)| methods.into_iter().map(|method| (method, path.to_owned()))).collect();
    let untried: Vec<_> =
        operations.difference(&calls.good).filter(|(method, _)| method != "OPTIONS").cloned().collect();
    calls.wrong.extend((!untried.is_empty()).then(|| format!("nobody called {untried:?}")));
    calls.end();
}

/// Schemathesis makes up requests from the document, good and bad ones, and holds the replies to it. A Worker of its own: it switches
/// off what it likes and purges what it finds.
#[tokio::test]
async fn schemathesis_finds_nothing() {
    let python = tools::python().unwrap();
    let edge = Edge::start(&[]).unwrap();
    let pincel = edge.client().unwrap();
    pincel.behave_well().await.unwrap();
    let made = fetch(pincel.post(&picture("found by a machine"))).await.unwrap();
    let scratch = Scratch::new().unwrap();
    let config = fs::read_to_string(tools::workspace("tests/e2e/openapi/schemathesis.toml")).unwrap();
    let config = scratch.write("schemathesis.toml", &config).unwrap();
    let pictures = json!({ "selector": { "prompt": "nothing of the kind" } });
    let purge = fetch(pincel.admin("POST", "/admin/v1/purge").json(&pictures)).await.unwrap();
    let purge = purge.json().ok().and_then(|purge| Some(purge["id"].as_str()?.to_owned())).unwrap_or_default();
    // Another client than the one that asks: it is suspended, limited and renamed.
    let client = pincel.new_client("guinea", json!({})).await.unwrap();
    for (name, value) in [("keys", made.header("x-pincel-key")), ("clients", client.id()), ("purges", &purge)] {
        assert!(!value.is_empty(), "there is nothing for {name}");
        scratch.write(&format!("{name}.dict"), &format!("\"{value}\"\n")).unwrap();
    }
    // The settings come last: with generation off, a 503 is right.
    for part in ["--exclude-path", "--include-path"] {
        let mut command = Command::new(&python);
        command
            .args(["-m", "schemathesis.cli", "--config-file"])
            .arg(&config)
            .arg("run")
            .arg(tools::workspace(DOCUMENT));
        command.args(["--url", &pincel.edge, "--workers", "2", part, "/admin/v1/settings"]);
        command.env("PINCEL_API_KEY", &pincel.keys.api_key).env("PINCEL_ADMIN_TOKEN", &pincel.keys.admin_token);
        command.current_dir(scratch.path()).kill_on_drop(true);
        let ran = tokio::time::timeout(Duration::from_mins(5), command.output()).await;
        let output = ran.expect("Schemathesis hangs").unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.contains("No issues found"), "{said}");
    }
}
