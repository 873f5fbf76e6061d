//! `POST /v1/images/sign`: a URL for a browser that makes and shows the picture of the body, at the cost of the client that asks.
//!
//! A request that fits into a URL is spelled out in it. One that does not is kept by its key, and the URL names the key: a short
//! address, which may have the picture made like a long one.

use domain::ApiError;
use domain::access::Principal;
use domain::picture::{Asked, PictureKey};
use serde_json::{Map, Value, json};

use super::{Request, Service, permitted};
use crate::ask::{Answer, Ask};
use crate::ports::EdgePorts;
use crate::prices;
use crate::reply::Reply;

/// Where pictures are asked for by their URL.
const PATH: &str = "/v1/image";

/// The longest address that is spelled out. Browsers and proxies on the way take more, but not all of them much more.
const LONGEST: usize = 4_096;

/// The shortest and the longest life of a URL.
const LIFE_S: std::ops::RangeInclusive<u64> = 60..=31_536_000;

/// Fields that a URL cannot carry.
const BODY_ONLY: &[&str] = &["user", "safety_identifier"];

impl<P: EdgePorts> Service<'_, P> {
    pub async fn sign(&self, who: &Principal, body: &[u8], request: &Request) -> Reply<P::Body> {
        match self.try_sign(who, body, request).await {
            Ok(signed) => Reply::json(200, signed.to_string()),
            Err(error) => Reply::refusal(&error),
        }
    }

    async fn try_sign(&self, who: &Principal, body: &[u8], request: &Request) -> Result<Value, ApiError> {
        let mut fields = Asked::fields(body)?;
        let life_s = life(fields.remove("expires_in").as_ref(), self.settings.url_life_s)?;
        carried(&fields)?;
        let asked = Asked::read(&fields, None, &self.defaults(who))?;
        if asked.n.get() != 1 {
            let message = "A URL is for one picture: 'n' must be 1. Sign one for each, with 'take' in the query.";
            return Err(ApiError::invalid("n", "invalid_value", message));
        }
        // What could never be made is refused now, and not in somebody's browser.
        who.may_buy()?;
        permitted(self.settings, who, &asked.picture)?;
        prices::most(&self.settings.runtime, &asked.picture, 1)?;
        let signer = self.signer.ok_or_else(no_signing_key)?;
        let key = PictureKey::of(&asked.picture);
        let exp_s = (self.ports.now_ms() / 1_000).saturating_add(life_s);
        let mut query = asked.picture.to_query().map(|pairs| signer.sign_query(PATH, &pairs, exp_s));
        if query.as_ref().is_none_or(|query| request.origin.len() + PATH.len() + 1 + query.len() > LONGEST) {
            self.keep(&key, &asked).await?;
            query = Some(signer.sign_query(PATH, &[("key".to_owned(), key.to_string())], exp_s));
        }
        Ok(json!({
            "url": format!("{}{PATH}?{}", request.origin, query.unwrap_or_default()),
            "expires_at": exp_s,
            "key": key.to_string(),
            "kid": signer.kid,
        }))
    }

    async fn keep(&self, key: &PictureKey, asked: &Asked) -> Result<(), ApiError> {
        match self.ask(key, &Ask::Keep(Box::new(asked.picture.clone())), 0).await? {
            (Answer::Kept { picture: Some(_) }, _) => Ok(()),
            (Answer::Refused { error }, _) => Err(error),
            _ => Err(ApiError::unavailable("object_unavailable", "The service could not keep the request. Try again.")),
        }
    }
}

fn life(given: Option<&Value>, otherwise: u64) -> Result<u64, ApiError> {
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(otherwise) };
    given.as_u64().filter(|life_s| LIFE_S.contains(life_s)).ok_or_else(|| {
        let message = format!("'expires_in' is a whole number of seconds from {} to {}.", LIFE_S.start(), LIFE_S.end());
        ApiError::invalid("expires_in", "invalid_value", message)
    })
}

fn carried(fields: &Map<String, Value>) -> Result<(), ApiError> {
    match BODY_ONLY.iter().find(|name| fields.get(**name).is_some_and(|value| !value.is_null())) {
        Some(name) => {
            let message = format!("A URL cannot carry '{name}'. Leave it out.");
            Err(ApiError::invalid(*name, "invalid_value", message))
        }
        None => Ok(()),
    }
}

fn no_signing_key() -> ApiError {
    ApiError::new(
        400,
        "invalid_request_error",
        "no_signing_key",
        "This client has no signing key. An operator can make one: POST /admin/v1/clients/{id}/signing-keys.",
    )
}
