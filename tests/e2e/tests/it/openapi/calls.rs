//! Calls of the service, and what the document says of their replies.

use std::collections::BTreeSet;

use e2e::{Client, Contract, Reply, fetch};
use serde_json::Value;

/// Calls of the service, each held to the document. What is wrong is gathered, so that one run shows all of it.
pub(super) struct Calls<'a> {
    pub(super) pincel: &'a Client,
    pub(super) contract: Contract,
    pub(super) good: BTreeSet<(String, String)>,
    pub(super) wrong: Vec<String>,
}

#[derive(Clone, Copy)]
pub(super) enum Who {
    Nobody,
    Client,
    Admin,
}

/// What is sent besides the address.
#[derive(Default)]
pub(super) struct Sent<'a> {
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) json: Option<Value>,
    /// With its media type.
    pub(super) text: Option<(&'a str, &'a str)>,
}

impl<'a> Calls<'a> {
    pub(super) fn new(pincel: &'a Client) -> Self {
        let (good, wrong) = (BTreeSet::new(), Vec::new());
        Self { pincel, contract: Contract::read().unwrap(), good, wrong }
    }

    /// Calls `path`, as the document writes it, at `to`. What can be got is also asked for by `HEAD`.
    pub(super) async fn call(
        &mut self,
        who: Who,
        method: &str,
        path: &str,
        to: &str,
        sent: Sent<'_>,
        status: u16,
    ) -> Reply {
        let reply = fetch(self.request(who, method, to, &sent)).await.unwrap();
        self.hold(&reply, method, path, to, status);
        if method == "GET" {
            let head = fetch(self.request(who, "HEAD", to, &sent)).await.unwrap();
            self.hold(&head, "HEAD", path, to, status);
        }
        reply
    }

    pub(super) async fn get(&mut self, who: Who, path: &str, to: &str, status: u16) -> Reply {
        self.call(who, "GET", path, to, Sent::default(), status).await
    }

    pub(super) async fn send(
        &mut self,
        who: Who,
        method: &str,
        path: &str,
        to: &str,
        body: Value,
        status: u16,
    ) -> Reply {
        self.call(who, method, path, to, Sent { json: Some(body), ..Sent::default() }, status).await
    }

    fn request(&self, who: Who, method: &str, to: &str, sent: &Sent<'_>) -> reqwest::RequestBuilder {
        let mut request = match who {
            Who::Nobody => self.pincel.anonymous(method, to),
            Who::Client => self.pincel.request(method, to),
            Who::Admin => self.pincel.admin(method, to),
        };
        for (name, value) in sent.headers {
            request = request.header(*name, *value);
        }
        if let Some((kind, text)) = sent.text {
            request = request.header("content-type", kind).body(text.to_owned());
        }
        match &sent.json {
            Some(body) => request.json(body),
            None => request,
        }
    }

    pub(super) fn hold(&mut self, reply: &Reply, method: &str, path: &str, to: &str, status: u16) {
        if reply.status != status {
            self.wrong.push(format!("{method} {to}: {status} was expected, not {}", brief(reply)));
        }
        if let Err(error) = self.contract.check(reply, method, path) {
            self.wrong.push(format!("{method} {to}: {error:#}\n  {}", brief(reply)));
        }
        if reply.status < 400 {
            self.good.insert((method.to_owned(), path.to_owned()));
        }
    }

    #[track_caller]
    pub(super) fn end(self) {
        assert!(self.wrong.is_empty(), "{} deviations:\n\n{}", self.wrong.len(), self.wrong.join("\n\n"));
    }
}

/// A reply as one line among many.
fn brief(reply: &Reply) -> String {
    let kind = reply.header("content-type");
    let shown = if kind.starts_with("image/") { 0 } else { reply.body.len().min(300) };
    let body = String::from_utf8_lossy(reply.body.get(..shown).unwrap_or_default()).into_owned();
    format!("{} {kind} {body}", reply.status)
}

/// A path of the document with names in it that nobody has.
pub(super) fn sample(path: &str) -> String {
    let id = if path.contains("/purges/") { format!("purge_{}", "0".repeat(32)) } else { "nobody".to_owned() };
    path.replace("{key}", &"0".repeat(64))
        .replace("{id}", &id)
        .replace("{key_id}", "key_00000000")
        .replace("{kid}", "nobody-00000000")
}
