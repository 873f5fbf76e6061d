//! Who asks: an API key, an access token, or a URL that a client signed. Decided before anything else is said.
//!
//! Two steps. What a request shows is checked by itself first, with nothing but this deployment's secrets: a forgery is refused
//! here and costs nobody a question. Then the client's account says whether that client still is what it claims. An isolate
//! remembers what the account said for a minute, which is how long a revocation takes everywhere.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use domain::ApiError;
use domain::access::api_key::{KeyHash, PresentedKey, Token, bearer};
use domain::access::issuer::Issuers;
use domain::access::jwt::JwtError;
use domain::access::{AccountName, Client, ClientId, Masters, Principal, Proof, Scope, jwt, signature};
use domain::query::Query;

use crate::account::{AccountAnswer, AccountAsk};
use crate::ports::EdgePorts;
use crate::tokens::{self, Jose, Tokens, Trust, Verified};

/// What this deployment checks credentials with.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub masters: Masters,
    pub admin_token: Token,
    /// Identity providers whose tokens are taken.
    pub issuers: Issuers,
}

/// The part of a request that proves who sent it.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    pub authorization: Option<&'a str>,
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    /// The issuer of this deployment's own tokens.
    pub issuer: &'a str,
    pub now_ms: u64,
}

/// Credentials that are right in themselves, and whose they claim to be.
enum Claim<'a> {
    Shown(ClientId, Shown),
    /// Not checked yet: that takes the platform's cryptography, or what the isolate remembers.
    Token(&'a str),
}

/// What was shown, as it is held against the client's record.
enum Shown {
    Key(KeyHash),
    /// The name of the key that signed.
    Signed(String),
    /// What the token grants.
    Token(Vec<Scope>),
}

/// How long what an account said of a client is believed.
pub const PROFILE_MS: u64 = 60_000;

/// How long it is believed where the account is out of reach: pictures that exist must not vanish with it.
const STALE_PROFILE_MS: u64 = 300_000;

/// How often an account is asked about a key that it did not know: a revoked one must not cost a question with each request.
const UNKNOWN_KEY_MS: u64 = 1_000;

const CAPACITY: usize = 1_024;

/// What the accounts said of clients. Plain data: nothing that belongs to a request may live longer than it.
#[derive(Debug, Default)]
pub struct Profiles(HashMap<ClientId, Profile>);

#[derive(Debug)]
struct Profile {
    client: Rc<Client>,
    read_ms: u64,
    /// When the account was last asked about a key and did not know it.
    sought_ms: Option<u64>,
}

impl Profiles {
    fn get(&self, id: &ClientId, now_ms: u64, life_ms: u64) -> Option<Rc<Client>> {
        let profile = self.0.get(id)?;
        (now_ms.checked_sub(profile.read_ms)? < life_ms).then(|| Rc::clone(&profile.client))
    }

    pub fn put(&mut self, client: Client, now_ms: u64) -> Rc<Client> {
        if self.0.len() >= CAPACITY {
            self.0.clear();
        }
        let client = Rc::new(client);
        let sought_ms = self.0.get(&client.id).and_then(|profile| profile.sought_ms);
        self.0.insert(client.id.clone(), Profile { client: Rc::clone(&client), read_ms: now_ms, sought_ms });
        client
    }

    /// The account does not know a key that was shown.
    fn sought(&mut self, id: &ClientId, now_ms: u64) {
        if let Some(profile) = self.0.get_mut(id) {
            profile.sought_ms = Some(now_ms);
        }
    }

    /// Was it asked about one a moment ago?
    fn has_sought(&self, id: &ClientId, now_ms: u64) -> bool {
        let sought_ms = self.0.get(id).and_then(|profile| profile.sought_ms);
        sought_ms.and_then(|sought_ms| now_ms.checked_sub(sought_ms)).is_some_and(|ms| ms < UNKNOWN_KEY_MS)
    }
}

/// Lets callers in.
pub struct Gate<'a, P> {
    pub ports: &'a P,
    pub credentials: &'a Credentials,
    pub profiles: &'a RefCell<Profiles>,
    pub tokens: &'a RefCell<Tokens>,
}

/// The caller, if this isolate can tell by itself.
pub fn recall(
    credentials: &Credentials,
    profiles: &Profiles,
    tokens: &Tokens,
    presented: &Presented<'_>,
    query: &Query,
) -> Option<Principal> {
    let now_ms = presented.now_ms;
    let (id, shown) = match credentials.claim(presented, Some(query)).ok()? {
        Claim::Shown(id, shown) => (id, shown),
        Claim::Token(token) => tokens.recall(presented.issuer, token, now_ms)?.into(),
    };
    let client = profiles.get(&id, now_ms, PROFILE_MS)?;
    // A use that the account wants to hear of takes the longer way.
    if shown.is_due(&client, now_ms) { None } else { admit(client, &shown).ok() }
}

impl<P: EdgePorts + Jose> Gate<'_, P> {
    pub async fn principal(&self, presented: &Presented<'_>) -> Result<Principal, ApiError> {
        let (id, shown) = match self.credentials.claim(presented, None)? {
            Claim::Shown(id, shown) => (id, shown),
            Claim::Token(token) => self.verified(token, presented).await?.into(),
        };
        self.admitted(&id, &shown, presented.now_ms).await
    }

    /// Lets an operator in: by the admin token, which may everything, or as a client that has the scope. Tells who it is, as it stands in
    /// histories.
    pub async fn admin(&self, presented: &Presented<'_>, scope: Scope) -> Result<String, ApiError> {
        let header = presented.authorization.ok_or_else(no_credentials)?;
        let token = bearer(header).ok_or_else(wrong_key)?;
        if self.credentials.admin_token.matches(token) {
            return Ok("admin".to_owned());
        }
        let who = self.principal(presented).await?;
        who.must(scope)?;
        Ok(AccountName::Client(who.client.id.clone()).to_string())
    }

    /// The client that shows its id and one of its API keys, as at the token endpoint.
    pub async fn by_secret(&self, id: &str, secret: &str, now_ms: u64) -> Result<Principal, ApiError> {
        let key = PresentedKey::read(&self.credentials.masters, secret).filter(|key| key.client.as_str() == id);
        let key = key.ok_or_else(wrong_key)?;
        self.admitted(&key.client, &Shown::Key(key.hash), now_ms).await
    }

    async fn admitted(&self, id: &ClientId, shown: &Shown, now_ms: u64) -> Result<Principal, ApiError> {
        let client = self.profile(id, shown, now_ms).await?;
        admit(client.ok_or_else(|| shown.refusal())?, shown)
    }

    async fn verified(&self, token: &str, presented: &Presented<'_>) -> Result<Verified, ApiError> {
        let Presented { issuer, now_ms, .. } = *presented;
        if let Some(verified) = self.tokens.borrow().recall(issuer, token, now_ms) {
            return Ok(verified);
        }
        let Credentials { masters, issuers, .. } = self.credentials;
        tokens::verify(self.tokens, self.ports, Trust { masters, issuers, own_issuer: issuer }, token).await
    }

    /// What the client's account says, or said within the last minute. `None` is no such client.
    async fn profile(&self, id: &ClientId, shown: &Shown, now_ms: u64) -> Result<Option<Rc<Client>>, ApiError> {
        let known = self.profiles.borrow().get(id, now_ms, PROFILE_MS);
        // A key whose use is due is worth a question, and so is one that came after the profile was read, but not again and again.
        let sought = self.profiles.borrow().has_sought(id, now_ms);
        let heard = |client: &Client| {
            if shown.is_known(client) { !shown.is_due(client, now_ms) } else { sought }
        };
        if let Some(client) = known.filter(|client| heard(client)) {
            return Ok(Some(client));
        }
        let key = if let Shown::Key(hash) = shown { Some(*hash) } else { None };
        let ask = AccountAsk::Profile { key };
        match self.ports.account(&AccountName::Client(id.clone()), &ask).await {
            Ok(AccountAnswer::Client { client }) => {
                let mut profiles = self.profiles.borrow_mut();
                let client = profiles.put(*client, now_ms);
                if !shown.is_known(&client) {
                    profiles.sought(id, now_ms);
                }
                Ok(Some(client))
            }
            Ok(AccountAnswer::Refused { error }) if error.status == 404 => Ok(None),
            _ => {
                let stale = self.profiles.borrow().get(id, now_ms, STALE_PROFILE_MS);
                stale.map(Some).ok_or_else(|| {
                    ApiError::unavailable(
                        "account_unavailable",
                        "The service cannot reach this client's account. Try again.",
                    )
                })
            }
        }
    }
}

impl From<Verified> for (ClientId, Shown) {
    fn from(Verified { client, scopes, .. }: Verified) -> Self {
        (client, Shown::Token(scopes))
    }
}

impl Shown {
    /// Is it the client's, still?
    fn is_known(&self, client: &Client) -> bool {
        match self {
            Self::Key(hash) => client.key(hash).is_some(),
            Self::Signed(kid) => client.signs_with(kid),
            Self::Token(_) => true,
        }
    }

    /// Does the account want to hear of this use?
    fn is_due(&self, client: &Client, now_ms: u64) -> bool {
        match self {
            Self::Key(hash) => client.key(hash).is_some_and(|key| key.is_use_due(now_ms)),
            Self::Signed(_) | Self::Token(_) => false,
        }
    }

    /// What is said where it is nobody's.
    fn refusal(&self) -> ApiError {
        match self {
            Self::Key(_) => wrong_key(),
            Self::Signed(_) => signature::wrong(),
            Self::Token(_) => JwtError::Client.into(),
        }
    }
}

fn admit(client: Rc<Client>, shown: &Shown) -> Result<Principal, ApiError> {
    if !shown.is_known(&client) {
        return Err(shown.refusal());
    }
    let allowed = |may: &dyn Fn(Scope) -> bool| client.scopes.iter().copied().filter(|scope| may(*scope)).collect();
    let (proof, scopes) = match shown {
        Shown::Key(_) => (Proof::Bearer, client.scopes.clone()),
        // A URL makes and shows pictures, whatever else its client may.
        Shown::Signed(_) => (Proof::SignedUrl, allowed(&|scope| matches!(scope, Scope::Generate | Scope::Read))),
        Shown::Token(granted) => (Proof::Bearer, allowed(&|scope| granted.contains(&scope))),
    };
    Principal::new(client, proof, scopes)
}

impl Credentials {
    /// `query` is the parsed one, where the caller has it.
    fn claim<'p>(&self, presented: &Presented<'p>, query: Option<&Query>) -> Result<Claim<'p>, ApiError> {
        if let Some(header) = presented.authorization {
            let secret = bearer(header).ok_or_else(wrong_key)?;
            if jwt::may_be(secret) {
                return Ok(Claim::Token(secret));
            }
            let key = PresentedKey::read(&self.masters, secret).ok_or_else(wrong_key)?;
            return Ok(Claim::Shown(key.client, Shown::Key(key.hash)));
        }
        let parsed;
        let query = if let Some(query) = query {
            query
        } else {
            // A query that cannot be read has no signature; only who has one learns what is wrong with the rest.
            parsed = Query::parse(presented.query).map_err(|_| no_credentials())?;
            &parsed
        };
        query.get("sig").ok_or_else(no_credentials)?;
        let Presented { method, path, now_ms, .. } = *presented;
        let (client, kid) = signature::verify(&self.masters, method, path, query, now_ms / 1_000)?;
        Ok(Claim::Shown(client, Shown::Signed(kid.to_owned())))
    }
}

fn no_credentials() -> ApiError {
    ApiError::new(
        401,
        "invalid_request_error",
        "missing_credentials",
        "This needs credentials: 'Authorization: Bearer <API key or access token>', or a signed URL.",
    )
}

fn wrong_key() -> ApiError {
    ApiError::new(
        401,
        "invalid_request_error",
        "invalid_api_key",
        "The API key is not one of this deployment's. Check it, or ask the operator for one.",
    )
}

#[cfg(test)]
mod tests;
