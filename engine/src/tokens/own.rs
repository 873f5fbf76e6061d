//! Tokens of this deployment: made, verified, and the keys with which others can verify them.

use std::cell::RefCell;

use domain::ApiError;
use domain::access::jwk::Jwk;
use domain::access::jwt::{self, Alg, Expect, Jwt, JwtError};
use domain::access::oauth::{self, Grant, OauthError, TOKEN_LIFE_S, TokenKey};
use domain::access::{ClientId, Masters, Scope};
use serde_json::{Value, json};

use super::{Jose, Refusal, Tokens, Trust, Verified, is_signed};
use crate::ports::{Clock, Random, StoreError};

/// Of each master there are three at a time, and of masters one or two.
const MOST_KEYS: usize = 64;

/// The reply to a client that has proved itself. The scopes are those it is granted.
pub async fn mint<P: Jose + Clock + Random>(
    ports: &P,
    trust: Trust<'_>,
    client: &ClientId,
    scopes: &[Scope],
) -> Result<Value, OauthError> {
    let now_s = ports.now_ms() / 1_000;
    let key = TokenKey::current(trust.masters, now_s);
    let grant = Grant { issuer: trust.own_issuer, client, scopes, now_s, random: ports.bytes() };
    let input = grant.signing_input(&key.kid);
    let signature = ports.sign(&key.seed, &input).await.map_err(|_| OauthError::unavailable())?;
    Ok(oauth::token_reply(&oauth::token(&input, &signature), TOKEN_LIFE_S, scopes))
}

/// `/.well-known/jwks.json`.
pub async fn jwks<P: Jose + Clock>(tokens: &RefCell<Tokens>, ports: &P, masters: &Masters) -> Result<Value, ApiError> {
    let mut keys = Vec::new();
    for key in TokenKey::published(masters, ports.now_ms() / 1_000) {
        keys.push(public(tokens, ports, &key).await.map_err(Refusal::Own)?.published());
    }
    Ok(json!({ "keys": keys }))
}

pub(super) async fn verify<P: Jose + Clock>(
    tokens: &RefCell<Tokens>,
    ports: &P,
    trust: Trust<'_>,
    jwt: &Jwt<'_>,
) -> Result<Verified, Refusal> {
    if jwt.header.alg != Alg::EdDsa {
        return Err(JwtError::AlgorithmOfIssuer.into());
    }
    // RFC 9068 §4. Whatever else these keys may sign one day is not to be taken for an access token.
    if !jwt.header.is_access_token {
        return Err(JwtError::Type.into());
    }
    let now_s = ports.now_ms() / 1_000;
    let key = jwt.header.kid.as_deref().and_then(|kid| TokenKey::find(trust.masters, kid, now_s));
    let key = public(tokens, ports, &key.ok_or(JwtError::UnknownKey)?).await?;
    if !is_signed(ports, &key, jwt).await? {
        return Err(JwtError::Signature.into());
    }
    let expect = Expect { issuer: trust.own_issuer, audience: trust.own_issuer, now_s };
    let exp_s = jwt::check(&jwt.claims, &expect)?;
    let client = jwt.claims.text("client_id").and_then(ClientId::parse).ok_or(JwtError::Client)?;
    Ok(Verified { client, scopes: jwt.claims.scopes("scope"), exp_s })
}

/// The public half of a key, computed once.
async fn public<P: Jose>(tokens: &RefCell<Tokens>, ports: &P, key: &TokenKey) -> Result<Jwk, StoreError> {
    let known = tokens.borrow().own.get(&key.kid).copied();
    let x = if let Some(x) = known {
        x
    } else {
        let x = ports.public(&key.seed).await?;
        let own = &mut tokens.borrow_mut().own;
        if own.len() >= MOST_KEYS {
            own.clear();
        }
        own.insert(key.kid.clone(), x);
        x
    };
    Ok(Jwk::ed25519(&key.kid, &x))
}
