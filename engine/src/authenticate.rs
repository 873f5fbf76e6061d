//! Who asks: an API key, or a URL that a client signed. Decided before anything else is said.

use domain::ApiError;
use domain::access::api_key::{Token, bearer};
use domain::access::principal::Proof;
use domain::access::{ApiKey, ClientId, Policy, Principal, Scope, SigningKey, signature};
use domain::query::Query;

/// The credentials that this deployment accepts. One client for now; its keys are secrets of the Worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub api_key: ApiKey,
    /// Several, so that they can be rotated; the first one signs.
    pub signing_keys: Vec<SigningKey>,
    pub admin_token: Token,
    pub policy: Policy,
}

/// The part of a request that proves who sent it.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    pub authorization: Option<&'a str>,
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub now_s: u64,
}

impl Credentials {
    pub fn authenticate(&self, presented: &Presented<'_>) -> Result<Principal, ApiError> {
        if let Some(header) = presented.authorization {
            let key = bearer(header).filter(|key| self.api_key.matches(key));
            return key.map(|_| self.principal(Proof::Bearer)).ok_or_else(wrong_key);
        }
        // A query that cannot be read has no signature; only who has one learns what is wrong with the rest.
        match Query::parse(presented.query) {
            Ok(query) if query.get("sig").is_some() => {
                signature::verify(&self.signing_keys, presented.method, presented.path, &query, presented.now_s)?;
                Ok(self.principal(Proof::SignedUrl))
            }
            _ => Err(no_credentials()),
        }
    }

    /// The admin routes, whose token opens nothing else.
    pub fn authenticate_admin(&self, authorization: Option<&str>) -> Result<(), ApiError> {
        let header = authorization.ok_or_else(no_credentials)?;
        let token = bearer(header).filter(|token| self.admin_token.matches(token));
        token.map(|_| ()).ok_or_else(wrong_key)
    }

    fn principal(&self, proof: Proof) -> Principal {
        Principal {
            client: ClientId(self.api_key.id().to_owned()),
            proof,
            scopes: vec![Scope::Generate, Scope::Read],
            policy: self.policy.clone(),
        }
    }
}

fn no_credentials() -> ApiError {
    ApiError::new(
        401,
        "invalid_request_error",
        "missing_credentials",
        "This needs credentials: 'Authorization: Bearer <API key>', or a signed URL.",
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
mod tests {
    use domain::access::{Dedup, UnknownHold};

    use super::*;

    const NOW_S: u64 = 1_800_000_000;

    fn credentials() -> Credentials {
        Credentials {
            api_key: ApiKey::parse(&format!("pcl_shop_{}", "k".repeat(43))).unwrap(),
            signing_keys: vec![SigningKey::parse(&format!("a:{}", "s".repeat(43))).unwrap()],
            admin_token: Token::parse(&"t".repeat(43)).unwrap(),
            policy: Policy { namespace: "n".to_owned(), dedup: Dedup::On, unknown_hold: UnknownHold::Ms(1) },
        }
    }

    #[track_caller]
    fn check(authorization: Option<&str>, query: &str, expected: Result<Proof, (u16, &str)>) {
        let presented = Presented { authorization, method: "GET", path: "/v1/image", query, now_s: NOW_S };
        let got = credentials().authenticate(&presented);
        match expected {
            Ok(proof) => assert_eq!(got.unwrap().proof, proof),
            Err((status, code)) => {
                let error = got.unwrap_err();
                assert_eq!((error.status, error.code.as_deref()), (status, Some(code)), "{authorization:?} {query}");
            }
        }
    }

    #[test]
    fn table() {
        let key = format!("Bearer pcl_shop_{}", "k".repeat(43));
        let signed =
            credentials().signing_keys[0].sign_query("/v1/image", &[("prompt".to_owned(), "x".to_owned())], NOW_S + 1);
        check(Some(&key), "", Ok(Proof::Bearer));
        check(Some(&key), "prompt=%ff&prompt", Ok(Proof::Bearer));
        check(None, &signed, Ok(Proof::SignedUrl));
        check(Some("Bearer wrong"), &signed, Err((401, "invalid_api_key")));
        check(Some(&format!("Bearer {}", "t".repeat(43))), "", Err((401, "invalid_api_key")));
        check(Some(""), "", Err((401, "invalid_api_key")));
        check(None, "", Err((401, "missing_credentials")));
        check(None, "prompt=x", Err((401, "missing_credentials")));
        check(None, "prompt=x&prompt=x&sig=x", Err((401, "missing_credentials")));
        check(None, "sig=x", Err((403, "invalid_signature")));
        check(None, &signed.replace("prompt=x", "prompt=y"), Err((403, "invalid_signature")));
    }

    #[test]
    fn the_admin_token_is_another_kind_of_key() {
        let admin = |header: Option<&str>| credentials().authenticate_admin(header).map_err(|error| error.status);
        assert_eq!(admin(Some(&format!("Bearer {}", "t".repeat(43)))), Ok(()));
        assert_eq!(admin(Some(&format!("Bearer pcl_shop_{}", "k".repeat(43)))), Err(401));
        assert_eq!(admin(None), Err(401));
    }
}
