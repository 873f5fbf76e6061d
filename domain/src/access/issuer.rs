//! Issuers outside of this deployment whose access tokens are accepted, as an operator configures them.
//!
//! In scope: reading the configuration strictly, and what the claims of such a token say in the terms of this service. Claims are looked
//! for at the top of the token only: names of nested ones differ from issuer to issuer, and a name with a dot is a name like any other.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::jwt::{Alg, Claims};
use super::{ClientId, Scope};

const MAX_ISSUERS: usize = 20;

const FIELDS: &[&str] =
    &["issuer", "audience", "jwks_uri", "algorithms", "client_claim", "clients", "scope_claim", "scopes"];

/// None unless they are configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issuers(Vec<Issuer>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// What `iss` says, to the letter.
    pub issuer: String,
    /// What `aud` must contain.
    pub audience: String,
    pub jwks_uri: String,
    pub algorithms: Vec<Alg>,
    client_claim: String,
    /// Whose value of the claim stands for which client; without it the value is the client's id.
    clients: Option<BTreeMap<String, ClientId>>,
    scope_claim: String,
    /// What every token of this issuer grants, whatever it says itself.
    scopes: Option<Vec<Scope>>,
}

impl Issuers {
    /// Reads a JSON array. An error is a sentence that says what is wrong and where, without the values.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text)
            .map_err(|error| format!("It is no JSON from line {}, column {} on.", error.line(), error.column()))?;
        let entries = document.as_array().ok_or("It must be a JSON array with an object for each issuer.")?;
        if entries.len() > MAX_ISSUERS {
            return Err(format!("There may be {MAX_ISSUERS} issuers at most."));
        }
        let mut issuers: Vec<Issuer> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let issuer = Issuer::read(entry).map_err(|wrong| format!("Issuer {}: {wrong}", at + 1))?;
            if issuers.iter().any(|other| other.issuer == issuer.issuer) {
                return Err(format!("Issuer {}: there is one with the same 'issuer' before it.", at + 1));
            }
            issuers.push(issuer);
        }
        Ok(Self(issuers))
    }

    pub fn find(&self, issuer: &str) -> Option<&Issuer> {
        self.0.iter().find(|known| known.issuer == issuer)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Issuer> {
        self.0.iter()
    }
}

impl Issuer {
    fn read(entry: &Value) -> Result<Self, String> {
        let fields = entry.as_object().ok_or("it must be an object.")?;
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(format!("there is no field '{unknown}'."));
        }
        let issuer = text(fields, "issuer")?.ok_or("'issuer' is missing.")?;
        if !is_address(issuer) || issuer.contains('?') {
            return Err(format!("'issuer' must be {ADDRESS}, without a query."));
        }
        let jwks_uri = text(fields, "jwks_uri")?.ok_or("'jwks_uri' is missing.")?;
        if !is_address(jwks_uri) {
            return Err(format!("'jwks_uri' must be {ADDRESS}."));
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: text(fields, "audience")?.ok_or("'audience' is missing.")?.to_owned(),
            jwks_uri: jwks_uri.to_owned(),
            algorithms: list(fields, "algorithms", Alg::parse, "RS256, ES256 and EdDSA")?
                .unwrap_or_else(|| Alg::ALL.to_vec()),
            client_claim: text(fields, "client_claim")?.unwrap_or("sub").to_owned(),
            clients: clients(fields)?,
            scope_claim: text(fields, "scope_claim")?.unwrap_or("scope").to_owned(),
            scopes: list(fields, "scopes", Scope::parse, &Scope::ALL.map(Scope::as_str).join(", "))?,
        })
    }

    /// The client that a token speaks for.
    pub fn client_of(&self, claims: &Claims) -> Option<ClientId> {
        let value = claims.text(&self.client_claim)?;
        match &self.clients {
            Some(clients) => clients.get(value).cloned(),
            None => ClientId::parse(value),
        }
    }

    /// What a token grants. The client's own scopes limit it further.
    pub fn scopes_of(&self, claims: &Claims) -> Vec<Scope> {
        self.scopes.clone().unwrap_or_else(|| claims.scopes(&self.scope_claim))
    }
}

const ADDRESS: &str = "an https address (http only for this machine), without credentials and '#'";

/// Keys come from there, so nobody on the way may change them. What addresses of this machine name is reached without a network.
fn is_address(text: &str) -> bool {
    let (local_only, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return false,
    };
    let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let port_at = authority.rfind(':').filter(|at| !authority.get(*at..).is_some_and(|port| port.contains(']')));
    let (host, port) = port_at.map_or((authority, ""), |at| authority.split_at(at));
    let named =
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'[' | b':' | b']'));
    let numbered = port.strip_prefix(':').is_none_or(|port| port.parse::<u16>().is_ok());
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    plain && !host.is_empty() && named && numbered && (local || !local_only)
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    let Some(value) = fields.get(name) else { return Ok(None) };
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(Some).ok_or_else(|| format!("'{name}' must be a text that is not empty."))
}

fn list<T: PartialEq>(
    fields: &Map<String, Value>,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    known: &str,
) -> Result<Option<Vec<T>>, String> {
    let Some(value) = fields.get(name) else { return Ok(None) };
    let items = value.as_array().filter(|items| !items.is_empty());
    let read = items.and_then(|items| items.iter().map(|item| parse(item.as_str()?)).collect());
    read.map(Some).ok_or_else(|| format!("'{name}' must be an array of one or more of {known}."))
}

fn clients(fields: &Map<String, Value>) -> Result<Option<BTreeMap<String, ClientId>>, String> {
    let Some(value) = fields.get("clients") else { return Ok(None) };
    let wrong = "'clients' must be an object of client ids, one or more of them, each 1 to 32 letters and digits.";
    let pairs = value.as_object().filter(|pairs| !pairs.is_empty()).ok_or(wrong)?;
    let read = |(value, id): (&String, &Value)| Some((value.clone(), ClientId::parse(id.as_str()?)?));
    Ok(Some(pairs.iter().map(read).collect::<Option<_>>().ok_or(wrong)?))
}

#[cfg(test)]
mod tests;
