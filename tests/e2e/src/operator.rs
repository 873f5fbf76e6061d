//! The operator's side of the admin API: what is to be seen, and what is taken back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::{AWAITED, Client};
use crate::reply::{Reply, fetch};

impl Client {
    /// What the operator sees at this path below `/admin/v1/`.
    pub async fn seen(&self, path: &str) -> Result<Value> {
        let reply = fetch(self.admin("GET", &format!("/admin/v1/{path}"))).await?;
        ensure!(reply.status == 200, "{reply:?}");
        reply.json()
    }

    /// The same, once it is as expected: counts arrive some seconds after what they count.
    pub async fn seen_when(&self, path: &str, expected: impl Fn(&Value) -> bool) -> Result<Value> {
        self.seen_within(AWAITED, path, expected).await
    }

    /// The same with another patience.
    pub async fn seen_within(
        &self,
        patience: Duration,
        path: &str,
        expected: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let mut last = Value::Null;
        let waited = tokio::time::timeout(patience, async {
            loop {
                last = self.seen(path).await?;
                if expected(&last) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        match waited.await {
            Ok(done) => done.map(|()| last),
            Err(_) => anyhow::bail!("{path} did not become as expected: {last:#}"),
        }
    }

    /// Asks for a purge, whatever is said to it.
    pub async fn try_purge(&self, body: Value) -> Result<Reply> {
        fetch(self.admin("POST", "/admin/v1/purge").json(&body)).await
    }

    /// Takes pictures back, and waits until it is done.
    pub async fn purge(&self, selector: Value, mode: &str) -> Result<Value> {
        let reply = self.try_purge(json!({ "selector": selector, "mode": mode })).await?;
        ensure!(matches!(reply.status, 200 | 202), "{reply:?}");
        let id = purge_id(&reply.json()?)?;
        self.seen_when(&format!("purges/{id}"), |purge| purge["state"] == "done").await
    }

    pub async fn try_undo(&self, purge: &Value) -> Result<Reply> {
        let path = format!("/admin/v1/purges/{}/undo", purge_id(purge)?);
        fetch(self.admin("POST", &path)).await
    }

    /// Puts back what a purge took, and waits until it is done.
    pub async fn undo(&self, purge: &Value) -> Result<Value> {
        let reply = self.try_undo(purge).await?;
        ensure!(matches!(reply.status, 200 | 202), "{reply:?}");
        self.seen_when(&format!("purges/{}", purge_id(purge)?), |purge| purge["state"] == "undone").await
    }
}

fn purge_id(purge: &Value) -> Result<String> {
    purge.get("id").and_then(Value::as_str).map(str::to_owned).context("a purge without an id")
}
