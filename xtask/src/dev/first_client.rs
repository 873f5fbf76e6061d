//! The first client of a local Pincel, made through the admin API as any other is made.
//!
//! In scope: one client without a budget, an API key and a signing key of it for each state folder. The folder may have been
//! emptied, or `PINCEL_SECRET` changed, since the keys were kept: then new ones take their place.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http::{Answer, Server};
use super::key_file::{KeyFile, Keys};

const ID: &str = "dev";

/// How many keys of each kind an account takes.
const API_KEYS: usize = 2;
const SIGNING_KEYS: usize = 5;

/// The keys of the client, after it was made where it is missing.
pub(crate) fn ensure(address: SocketAddr, state: &Path, admin_token: &str) -> Result<Keys> {
    let admin = Admin(Server { address, bearer: Some(admin_token) });
    let file = KeyFile::of(state);
    let kept = file.read()?;
    let found = admin.find()?;
    if let Some(keys) = kept {
        match &found {
            Some(client) if is_accepted(address, client, &keys)? => return Ok(keys),
            Some(_) => eprintln!("the keys in {} open nothing any more: making new ones", file.path().display()),
            None => eprintln!("the client of {} is gone: making another", file.path().display()),
        }
    }
    let client = found.map_or_else(|| admin.create(), Ok)?;
    let keys = admin.make_keys(&client)?;
    file.write(&keys)?;
    Ok(keys)
}

/// Whether the Worker still knows both keys. A changed master secret makes it forget the API key, whatever the account says.
fn is_accepted(address: SocketAddr, client: &Value, keys: &Keys) -> Result<bool> {
    let kid = keys.signing_key_id.as_str();
    let is_listed = list(client, "signing_keys").any(|key| key.get("kid").and_then(Value::as_str) == Some(kid));
    // Nothing is made by this, whether or not there is such a picture.
    let path = format!("/v1/images/{}", "0".repeat(64));
    let answer = Server { address, bearer: Some(&keys.api_key) }.ask("GET", &path, None)?;
    Ok(is_listed && answer.status != 401)
}

/// The admin API.
struct Admin<'a>(Server<'a>);

impl Admin<'_> {
    fn find(&self) -> Result<Option<Value>> {
        let answer = self.0.ask("GET", &path(""), None).context("cannot ask the Worker for its clients")?;
        match (answer.status, answer.code()) {
            (200, _) => Ok(Some(answer.document)),
            (404, "client_not_found") => Ok(None),
            (503, "not_configured") => bail!("the Worker is not configured: {}", self.problems()?),
            (401, _) => bail!(
                "the Worker does not know the admin token that it was started with: PINCEL_ADMIN_TOKEN is in .dev.vars, \
                 and needs at least 32 characters; a --var of that name is not supported"
            ),
            _ => bail!("cannot find the first client: {}", refusal(&answer)),
        }
    }

    fn create(&self) -> Result<Value> {
        let client = json!({
            "id": ID,
            "name": "This machine",
            "policy": { "budget_per_day_usd": null, "budget_per_month_usd": null },
        });
        self.made("/admin/v1/clients", Some(&client))
    }

    fn make_keys(&self, client: &Value) -> Result<Keys> {
        self.make_room(client, "keys", "id", API_KEYS)?;
        self.make_room(client, "signing_keys", "kid", SIGNING_KEYS)?;
        let key = self.made(&path("/keys"), None)?;
        let signing_key = self.made(&path("/signing-keys"), None)?;
        Ok(Keys {
            api_key: text(&key, "key")?,
            signing_key_id: text(&signing_key, "kid")?,
            signing_secret: text(&signing_key, "secret")?,
        })
    }

    /// Revokes the oldest key of a kind where the account takes no more. Whoever used it has lost the file with it.
    fn make_room(&self, client: &Value, kind: &str, name: &str, most: usize) -> Result<()> {
        if list(client, kind).count() < most {
            return Ok(());
        }
        let age = |key: &&Value| key.get("created_ms").and_then(Value::as_u64);
        let oldest = list(client, kind).min_by_key(age).context("no key among too many")?;
        let route = format!("/{}/{}", kind.replace('_', "-"), text(oldest, name)?);
        let answer = self.0.ask("DELETE", &path(&route), None)?;
        if answer.status != 200 {
            bail!("cannot revoke a key of the first client: {}", refusal(&answer));
        }
        Ok(())
    }

    fn made(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.0.ask("POST", path, body)?;
        if answer.status != 201 {
            bail!("cannot make the first client: POST {path}: {}", refusal(&answer));
        }
        Ok(answer.document)
    }

    /// What the Worker says is wrong with its settings.
    fn problems(&self) -> Result<String> {
        let ready = self.0.ask("GET", "/readyz", None)?;
        let problems = list(&ready.document, "problems").filter_map(Value::as_str);
        Ok(problems.collect::<Vec<_>>().join(" "))
    }
}

fn path(rest: &str) -> String {
    format!("/admin/v1/clients/{ID}{rest}")
}

fn list<'a>(document: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    document.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text(document: &Value, name: &str) -> Result<String> {
    let text = document.get(name).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("the Worker's reply has no '{name}'"))
}

/// What a refusal says; not the whole document, which may hold a key.
fn refusal(answer: &Answer) -> String {
    let message = answer.document.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason is given");
    format!("{} {}: {message}", answer.status, answer.code())
}

#[cfg(test)]
mod tests;
