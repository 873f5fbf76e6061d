//! OAuth 2 as HTTP: the token endpoint, and what it publishes about itself.

use domain::access::oauth::{OauthError, TokenRequest, granted};
use engine::authenticate::Gate;
use engine::reply::Reply;
use engine::tokens::{Trust, mint};
use worker::web_sys::ReadableStream;

use super::{AUTHORIZATION, CONTENT_TYPE, Head};
use crate::ports::{self, Isolate};

/// `POST /oauth/token` (RFC 6749 §4.4).
pub async fn token(gate: &Gate<'_, Isolate>, issuer: &str, head: &Head, body: Option<&[u8]>) -> Reply<ReadableStream> {
    let reply = async {
        // Too long, or broken off.
        let body = body.ok_or(OauthError::invalid_request("The body cannot be read."))?;
        let request = TokenRequest::parse(head.header(AUTHORIZATION), head.header(CONTENT_TYPE), body)?;
        let who = gate.by_secret(&request.client_id, &request.client_secret, ports::now_ms()).await;
        let who =
            who.map_err(
                |error| if error.status >= 500 { OauthError::unavailable() } else { OauthError::invalid_client() },
            )?;
        let scopes = granted(request.scopes.as_deref(), &who.scopes)?;
        let trust =
            Trust { masters: &gate.credentials.masters, issuers: &gate.credentials.issuers, own_issuer: issuer };
        mint(gate.ports, trust, &who.client.id, &scopes).await
    };
    match reply.await {
        Ok(token) => {
            let mut reply = Reply::json(200, token.to_string());
            // RFC 6749 §5.1 asks for this old form as well.
            reply.headers.set("pragma", "no-cache");
            reply
        }
        Err(error) => {
            let mut reply = Reply::json(error.status, error.body());
            if error.challenge {
                reply.headers.set("www-authenticate", OauthError::CHALLENGE);
            }
            reply
        }
    }
}
