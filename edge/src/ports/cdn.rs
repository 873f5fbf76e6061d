//! The caches of the zone in front of this Worker, by Cloudflare's API: `POST /zones/{zone}/purge_cache` with tags.

use serde::Deserialize;
use worker::wasm_bindgen::JsValue;
use worker::{AbortSignal, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, web_sys};

use crate::config::CdnConfig;

/// How long one call may take.
const TIMEOUT_MS: u32 = 10_000;

#[derive(Deserialize)]
struct Answer {
    success: bool,
    #[serde(default)]
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Complaint {
    code: i64,
    message: String,
}

/// Drops whatever has one of these tags. The reason of a failure is the API's, and has neither the token nor the zone.
pub async fn purge(config: &CdnConfig, tags: &[String]) -> Result<(), String> {
    let asked = async {
        let headers = Headers::new();
        headers.set("authorization", &format!("Bearer {}", config.token))?;
        headers.set("content-type", "application/json")?;
        let body = serde_json::json!({ "tags": tags }).to_string();
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(headers)
            .with_body(Some(JsValue::from_str(&body)))
            // A redirect would carry the token to another address.
            .with_redirect(RequestRedirect::Manual);
        let address = format!("{}/zones/{}/purge_cache", config.api, config.zone);
        let request = Request::new_with_init(&address, &init)?;
        let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(TIMEOUT_MS));
        let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
        let status = response.status_code();
        // A status alone is no success: what stands in the answer is.
        let answer: Option<Answer> = serde_json::from_str(&response.text().await?).ok();
        Ok::<_, worker::Error>((status, answer))
    };
    match asked.await {
        Ok((200, Some(Answer { success: true, .. }))) => Ok(()),
        Ok((status, answer)) => {
            let complaint = answer.and_then(|answer| answer.errors.into_iter().next());
            Err(match complaint {
                Some(Complaint { code, message }) => format!("status {status}, error {code}: {message}"),
                None => format!("status {status}"),
            })
        }
        Err(_) => Err("Cloudflare's API could not be reached".to_owned()),
    }
}
