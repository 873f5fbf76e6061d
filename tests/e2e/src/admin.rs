//! The admin API: clients with their keys and policies, and what was spent. Each call carries the admin token.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::client::{AWAITED, Client, Keys};
use crate::reply::fetch;

const CLIENTS: &str = "/admin/v1/clients";

impl Client {
    /// A request with the admin token.
    pub fn admin(&self, method: &str, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.keys.admin_token)
    }

    /// The id of this client, as its key tells it.
    pub fn id(&self) -> &str {
        self.keys.api_key.split('_').nth(1).unwrap_or_default()
    }

    /// The route of this client, or one below it.
    pub fn admin_path(&self, rest: &str) -> String {
        format!("{CLIENTS}/{}{rest}", self.id())
    }

    /// Makes another client of the same edge, with an API key and a signing key. What the policy does not say of the budgets is
    /// that there are none.
    pub async fn new_client(&self, id: &str, policy: Value) -> Result<Self> {
        self.new_client_with(id, json!({}), policy).await
    }

    /// The same with more members than the policy, such as scopes.
    pub async fn new_client_with(&self, id: &str, mut members: Value, policy: Value) -> Result<Self> {
        let mut whole = json!({ "budget_per_day_usd": null, "budget_per_month_usd": null });
        extend(&mut whole, policy);
        extend(&mut members, json!({ "id": id, "policy": whole }));
        self.told(self.admin("POST", CLIENTS).json(&members), 201).await?;
        let path = format!("{CLIENTS}/{id}");
        let key = self.told(self.admin("POST", &format!("{path}/keys")), 201).await?;
        let signing_key = self.told(self.admin("POST", &format!("{path}/signing-keys")), 201).await?;
        Ok(self.acting_as(Keys {
            api_key: text(&key, "key")?,
            signing_key_id: text(&signing_key, "kid")?,
            signing_secret: text(&signing_key, "secret")?,
            admin_token: self.keys.admin_token.clone(),
        }))
    }

    /// What the operator sees of this client.
    pub async fn document(&self) -> Result<Value> {
        self.told(self.admin("GET", &self.admin_path("")), 200).await
    }

    /// Changes the members that are given.
    pub async fn change(&self, members: Value) -> Result<Value> {
        self.told(self.admin("PATCH", &self.admin_path("")).json(&members), 200).await
    }

    /// Changes the members of the policy that are given.
    pub async fn change_policy(&self, policy: Value) -> Result<Value> {
        self.change(json!({ "policy": policy })).await
    }

    /// Another API key of this client: its id, and this client with it.
    pub async fn new_key(&self) -> Result<(String, Self)> {
        let made = self.told(self.admin("POST", &self.admin_path("/keys")), 201).await?;
        let keys = Keys { api_key: text(&made, "key")?, ..self.keys.clone() };
        Ok((text(&made, "id")?, self.acting_as(keys)))
    }

    pub async fn revoke_key(&self, id: &str) -> Result<Value> {
        self.told(self.admin("DELETE", &self.admin_path(&format!("/keys/{id}"))), 200).await
    }

    /// This client with another signing key.
    pub async fn new_signing_key(&self) -> Result<Self> {
        let made = self.told(self.admin("POST", &self.admin_path("/signing-keys")), 201).await?;
        let (kid, secret) = (text(&made, "kid")?, text(&made, "secret")?);
        Ok(self.acting_as(Keys { signing_key_id: kid, signing_secret: secret, ..self.keys.clone() }))
    }

    /// Revokes the key with which this client signs.
    pub async fn revoke_signing_key(&self) -> Result<Value> {
        let path = self.admin_path(&format!("/signing-keys/{}", self.keys.signing_key_id));
        self.told(self.admin("DELETE", &path), 200).await
    }

    /// What this client has spent.
    pub async fn spending(&self) -> Result<Value> {
        self.document().await?.get("spending").cloned().context("no spending")
    }

    /// What this client has spent, once nothing is set aside any more.
    pub async fn settled_spending(&self) -> Result<Value> {
        self.spending_when(|spending| spending.get("open_reserves") == Some(&json!(0))).await
    }

    /// What this client has spent, once it is as expected.
    pub async fn spending_when(&self, expected: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        let waited = tokio::time::timeout(AWAITED, async {
            loop {
                last = self.spending().await?;
                if expected(&last) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
        waited.await.with_context(|| format!("the spending of {} did not become as expected", self.id()))??;
        Ok(last)
    }

    /// What everything together may spend, and has.
    pub async fn deployment(&self) -> Result<Value> {
        self.told(self.admin("GET", "/admin/v1/deployment"), 200).await
    }

    pub async fn change_deployment(&self, policy: Value) -> Result<Value> {
        self.told(self.admin("PATCH", "/admin/v1/deployment").json(&policy), 200).await
    }

    /// Everything together may spend and ask without a limit.
    pub async fn unlimit_deployment(&self) -> Result<()> {
        let none = json!({
            "budget_per_day_usd": null,
            "budget_per_month_usd": null,
            "requests_per_minute": null,
            "concurrent_generations": null,
        });
        self.change_deployment(none).await.map(drop)
    }

    /// What the request would cost; nothing is bought.
    pub async fn quote(&self, picture: &Value) -> Result<Value> {
        self.told(self.request("POST", "/v1/images/quote").json(picture), 200).await
    }

    async fn told(&self, request: RequestBuilder, status: u16) -> Result<Value> {
        let reply = fetch(request).await?;
        ensure!(reply.status == status, "{reply:?}");
        reply.json()
    }
}

fn extend(members: &mut Value, more: Value) {
    if let (Value::Object(members), Value::Object(more)) = (members, more) {
        members.extend(more);
    }
}

fn text(document: &Value, name: &str) -> Result<String> {
    let text = document.get(name).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("no '{name}' in what was made"))
}
