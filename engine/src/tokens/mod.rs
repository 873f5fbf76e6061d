//! Access tokens: those of this deployment and those of the issuers it trusts.
//!
//! In scope: which key a token must be signed by, when an issuer's keys are fetched, what is remembered of a token that was verified, and
//! making tokens. Out of scope: the rules of the formats, which are in `domain::access`, and cryptography, which is the platform's
//! behind [`Jose`]. Everything that is remembered is plain data, as nothing of a request may live longer than it.

use std::cell::RefCell;
use std::collections::HashMap;

use domain::ApiError;
use domain::access::issuer::{Issuer, Issuers};
use domain::access::jwk::Jwk;
use domain::access::jwt::{self, Alg, Expect, Jwt, JwtError};
use domain::access::{ClientId, Masters, Scope};

use crate::ports::{Clock, StoreError};

mod memory;
mod own;
mod sets;

pub use own::{jwks, mint};

/// Signatures, and keys of others.
pub trait Jose {
    /// Did the key sign `message`? An error says nothing about the signature.
    async fn verify(&self, key: &Jwk, alg: Alg, message: &str, signature: &[u8]) -> Result<bool, StoreError>;

    /// Signs by Ed25519 with the key that is made from `seed`.
    async fn sign(&self, seed: &[u8; 32], message: &str) -> Result<Vec<u8>, StoreError>;

    /// The public half of that key.
    async fn public(&self, seed: &[u8; 32]) -> Result<[u8; 32], StoreError>;

    /// Reads a JWK set: within five seconds, from this address and none that it points to, `jwk::MAX_SET_BYTES` at most.
    async fn fetch_jwks(&self, address: &str) -> Result<Vec<u8>, StoreError>;
}

/// Whose tokens are accepted.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    pub masters: &'a Masters,
    pub issuers: &'a Issuers,
    /// This deployment as an issuer and as an audience.
    pub own_issuer: &'a str,
}

/// A token that is good: whom it speaks for, and what it grants before the client's own scopes limit that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub client: ClientId,
    pub scopes: Vec<Scope>,
    pub exp_s: u64,
}

/// Why a token was not accepted, for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the token: {0}")]
    Token(#[from] JwtError),
    #[error("the keys of the issuer: {0}")]
    Issuer(String),
    #[error("the keys of this deployment: {0}")]
    Own(#[from] StoreError),
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Token(error) => error.into(),
            Refusal::Issuer(_) => {
                let message = "The keys of the token's issuer cannot be had at the moment. Try again.";
                Self::unavailable("issuer_unavailable", message).retry_after_ms(sets::RETRY_MS)
            }
            Refusal::Own(_) => {
                Self::unavailable("tokens_unavailable", "Access tokens cannot be checked at the moment. Try again.")
            }
        }
    }
}

/// What an isolate knows about tokens and keys.
#[derive(Debug, Default)]
pub struct Tokens {
    verified: memory::Memory,
    /// By issuer.
    sets: HashMap<String, sets::Known>,
    /// The public halves of this deployment's keys, by their names.
    own: HashMap<String, [u8; 32]>,
}

impl Tokens {
    /// What was found out about a token within the last minute, at no cost but a hash. `own_issuer` is the one for which it was verified.
    pub fn recall(&self, own_issuer: &str, token: &str, now_ms: u64) -> Option<Verified> {
        self.verified.get(&jwt::fingerprint(own_issuer, token), now_ms)
    }
}

/// Verifies a token, and remembers it.
pub async fn verify<P: Jose + Clock>(
    tokens: &RefCell<Tokens>,
    ports: &P,
    trust: Trust<'_>,
    token: &str,
) -> Result<Verified, ApiError> {
    Ok(examine(tokens, ports, trust, token).await?)
}

/// The same, with the reason of a refusal.
pub async fn examine<P: Jose + Clock>(
    tokens: &RefCell<Tokens>,
    ports: &P,
    trust: Trust<'_>,
    token: &str,
) -> Result<Verified, Refusal> {
    let jwt = jwt::parse(token)?;
    // The issuer that the token names decides who may have signed it, and nobody else may: not even this deployment for another.
    let issuer = jwt.claims.text("iss").ok_or(JwtError::Issuer)?;
    let (verified, until_ms) = if issuer == trust.own_issuer {
        (own::verify(tokens, ports, trust, &jwt).await?, u64::MAX)
    } else {
        let issuer = trust.issuers.find(issuer).ok_or(JwtError::Issuer)?;
        by_issuer(tokens, ports, issuer, &jwt).await?
    };
    let name = jwt::fingerprint(trust.own_issuer, token);
    tokens.borrow_mut().verified.put(name, verified.clone(), until_ms, ports.now_ms());
    Ok(verified)
}

/// A token of somebody else, and until when the key that signed it is good.
async fn by_issuer<P: Jose + Clock>(
    tokens: &RefCell<Tokens>,
    ports: &P,
    issuer: &Issuer,
    jwt: &Jwt<'_>,
) -> Result<(Verified, u64), Refusal> {
    let alg = jwt.header.alg;
    if !issuer.algorithms.contains(&alg) {
        return Err(JwtError::AlgorithmOfIssuer.into());
    }
    let (key, until_ms) = sets::key(tokens, ports, issuer, jwt.header.kid.as_deref(), alg).await?;
    if !is_signed(ports, &key, jwt).await.map_err(|error| Refusal::Issuer(error.0))? {
        return Err(JwtError::Signature.into());
    }
    let expect = Expect { issuer: &issuer.issuer, audience: &issuer.audience, now_s: ports.now_ms() / 1_000 };
    let exp_s = jwt::check(&jwt.claims, &expect)?;
    let client = issuer.client_of(&jwt.claims).ok_or(JwtError::Client)?;
    Ok((Verified { client, scopes: issuer.scopes_of(&jwt.claims), exp_s }, until_ms))
}

/// Did the key sign the token? The key is one for the algorithm that the token names.
async fn is_signed<P: Jose>(ports: &P, key: &Jwk, jwt: &Jwt<'_>) -> Result<bool, StoreError> {
    // WebCrypto of workerd fails at an Ed25519 signature of another length, as if the key were at fault.
    if !jwt.header.alg.may_have(jwt.signature.len()) {
        return Ok(false);
    }
    ports.verify(key, jwt.header.alg, jwt.message, &jwt.signature).await
}

#[cfg(test)]
mod tests;
