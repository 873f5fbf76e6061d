//! `docs/openapi.json`, and replies held to it.
//!
//! In scope: is a reply one that the document lists for its operation, with the headers that it demands and a body of its schema? Also
//! what the document says of all replies in words. Out of scope: whether it is the right one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;

use anyhow::{Context, Result, anyhow, bail, ensure};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::Reply;
use crate::tools::workspace;

/// Where the document is in the workspace.
pub const DOCUMENT: &str = "docs/openapi.json";

const METHODS: [&str; 7] = ["get", "head", "options", "post", "put", "patch", "delete"];

pub struct Contract {
    document: Value,
    /// Each schema is compiled once.
    validators: RefCell<HashMap<String, Validator>>,
}

impl Contract {
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(workspace(DOCUMENT)).with_context(|| format!("cannot read {DOCUMENT}"))?;
        let document = serde_json::from_str(&text).with_context(|| format!("{DOCUMENT} is no JSON"))?;
        Ok(Self { document, validators: RefCell::default() })
    }

    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The paths as the document writes them, each with its methods in capitals.
    pub fn paths(&self) -> Vec<(&str, Vec<String>)> {
        let paths = self.document.get("paths").and_then(Value::as_object);
        let methods = |item: &Value| {
            METHODS.iter().filter(|method| item.get(**method).is_some()).map(|method| method.to_uppercase()).collect()
        };
        paths.into_iter().flatten().map(|(path, item)| (path.as_str(), methods(item))).collect()
    }

    /// What is wrong with the reply to this operation. `path` is written as in the document; a method or a path that is not in it
    /// has to be refused as the document says.
    pub fn check(&self, reply: &Reply, method: &str, path: &str) -> Result<()> {
        every_reply(reply)?;
        let at = self.response(reply.status, method, path)?;
        let response = self.document.pointer(&at).with_context(|| format!("the document has no {at}"))?;
        self.headers(reply, response, &at)?;
        self.body(reply, response, &at, method)
    }

    /// Is the value of the schema with this name?
    pub fn is_a(&self, schema: &str, value: &Value) -> Result<()> {
        self.validate(&format!("/components/schemas/{schema}"), value)
    }

    /// Where the response stands in the document.
    fn response(&self, status: u16, method: &str, path: &str) -> Result<String> {
        let common = |name: &str| format!("/components/responses/{name}");
        let escaped = path.replace('~', "~0").replace('/', "~1");
        if self.document.pointer(&format!("/paths/{escaped}")).is_none() {
            ensure!(status == 404, "{path} is not in the document, and has status {status}");
            return Ok(common("NoRoute"));
        }
        let method = method.to_lowercase();
        let Some(operation) = self.document.pointer(&format!("/paths/{escaped}/{method}")) else {
            ensure!(status == 405, "{method} of {path} is not in the document, and has status {status}");
            return Ok(common("WrongMethod"));
        };
        let responses =
            operation.get("responses").and_then(Value::as_object).context("an operation without responses")?;
        let range = format!("{}XX", status / 100);
        let listed = [status.to_string(), range].into_iter().find(|name| responses.contains_key(name));
        let Some(listed) = listed else { bail!("status {status} is not listed for {method} of {path}") };
        self.resolved(&format!("/paths/{escaped}/{method}/responses/{listed}"))
    }

    /// The same place, or the one that it refers to.
    fn resolved(&self, at: &str) -> Result<String> {
        let value = self.document.pointer(at).with_context(|| format!("the document has no {at}"))?;
        Ok(match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => reference.strip_prefix('#').context("a reference into another document")?.to_owned(),
            None => at.to_owned(),
        })
    }

    fn headers(&self, reply: &Reply, response: &Value, at: &str) -> Result<()> {
        let Some(headers) = response.get("headers").and_then(Value::as_object) else { return Ok(()) };
        for name in headers.keys() {
            let at = self.resolved(&format!("{at}/headers/{name}"))?;
            let is_required = self.document.pointer(&format!("{at}/required")) == Some(&Value::Bool(true));
            let Some(text) = reply.headers.get(name).and_then(|value| value.to_str().ok()) else {
                ensure!(!is_required, "the header {name} is missing");
                continue;
            };
            let schema = self.resolved(&format!("{at}/schema"))?;
            let is_number = self.document.pointer(&format!("{schema}/type")) == Some(&json!("integer"));
            let value = text.parse::<i64>().ok().filter(|_| is_number).map_or_else(|| json!(text), Value::from);
            self.validate(&schema, &value).with_context(|| format!("the header {name}: {text}"))?;
        }
        Ok(())
    }

    fn body(&self, reply: &Reply, response: &Value, at: &str, method: &str) -> Result<()> {
        let Some(content) = response.get("content").and_then(Value::as_object).filter(|_| method != "HEAD") else {
            ensure!(reply.body.is_empty(), "a body where none may be");
            return Ok(());
        };
        let kind = reply.header("content-type").split(';').next().unwrap_or_default().trim();
        ensure!(content.contains_key(kind), "the media type {kind:?} is not listed");
        let schema = format!("{at}/content/{}/schema", kind.replace('/', "~1"));
        match (kind, self.document.pointer(&schema)) {
            (_, None) => Ok(()),
            ("application/json", Some(_)) => self.validate(&schema, &reply.json()?),
            _ => self.validate(&schema, &json!(std::str::from_utf8(&reply.body).context("no text")?)),
        }
    }

    fn validate(&self, at: &str, value: &Value) -> Result<()> {
        let mut validators = self.validators.borrow_mut();
        let validator = match validators.entry(at.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.compiled(at)?),
        };
        let wrong: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        ensure!(wrong.is_empty(), "not as {at} demands:\n  {}", wrong.join("\n  "));
        Ok(())
    }

    fn compiled(&self, at: &str) -> Result<Validator> {
        // The references of a schema begin at the root of the document.
        let mut schema = self.document.clone();
        if let Some(members) = schema.as_object_mut() {
            members.insert("$ref".to_owned(), json!(format!("#{at}")));
        }
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        options.build(&schema).map_err(|error| anyhow!("{at} is no schema: {error}"))
    }
}

/// What the document says of all replies, and of all refusals.
fn every_reply(reply: &Reply) -> Result<()> {
    for name in ["x-request-id", "traceparent", "server-timing"] {
        ensure!(!reply.header(name).is_empty(), "the header {name} is missing");
    }
    for (name, value) in [("access-control-allow-origin", "*"), ("x-content-type-options", "nosniff")] {
        ensure!(reply.header(name) == value, "the header {name} is {:?}", reply.header(name));
    }
    ensure!(reply.status < 400 || reply.header("cache-control") == "no-store", "a refusal that may be kept");
    Ok(())
}
