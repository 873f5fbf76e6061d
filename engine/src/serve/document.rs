//! OpenAI's reply: one JSON document with the pictures in it, or with URLs to them.

use domain::ApiError;
use domain::delivery::{CacheStatus, FwdReason, NO_STORE, Outcome};
use domain::job::Want;
use domain::money::NanoUsd;
use domain::picture::{Asked, PictureKey, ResponseFormat, Take};
use serde_json::{Value, json};

use super::deliver::{Undelivered, bill_headers, kept_headers, lost};
use super::obtain::{Kept, Obtained, Wish};
use super::{Request, Service, told};
use crate::ask::{Bill, How};
use crate::ports::EdgePorts;
use crate::reply::{Headers, Piece, Reply, ReplyBody, Source, Told};

/// What the document says besides its pictures.
struct Facts<'a> {
    created_s: u64,
    background: &'a str,
    quality: &'a str,
    size: String,
}

impl<P: EdgePorts> Service<'_, P> {
    pub(super) async fn document(
        &self,
        key: &PictureKey,
        asked: &Asked,
        obtained: Obtained<P::Body>,
        request: &Request,
    ) -> Result<Reply<P::Body>, Undelivered> {
        match obtained {
            Obtained::Kept(kept) => self.kept_document(key, asked, &kept, request).await,
            Obtained::Loose { pictures, bill } => {
                let first = pictures.first().map(|(loose, _)| loose.clone()).ok_or_else(lost)?;
                let facts = Facts {
                    created_s: self.ports.now_ms() / 1_000,
                    background: &first.background,
                    quality: &first.quality,
                    size: format!("{}x{}", first.width, first.height),
                };
                let told = told::loose(key, &bill, pictures.iter().map(|(loose, _)| loose.bytes).sum());
                let sources = pictures
                    .into_iter()
                    .map(|(loose, body)| Source { body, length: loose.bytes, check: None, keep: None })
                    .collect();
                let mut headers = Headers::default();
                headers.set("cache-status", CacheStatus::new(Outcome::Fwd(FwdReason::Request)).to_string());
                bill_headers(&mut headers, key, &bill);
                Ok(reply(headers, pieces(&facts, asked, &bill, sources), told))
            }
        }
    }

    async fn kept_document(
        &self,
        key: &PictureKey,
        asked: &Asked,
        kept: &Kept,
        request: &Request,
    ) -> Result<Reply<P::Body>, Undelivered> {
        let takes: Option<Vec<&Take>> = kept.places.iter().map(|place| kept.pointer.get(place.take)).collect();
        let takes = takes.filter(|takes| !takes.is_empty()).ok_or_else(lost)?;
        let newest = takes.iter().max_by_key(|take| take.created_ms).ok_or_else(lost)?;
        let facts = Facts {
            created_s: newest.created_ms / 1_000,
            background: &newest.background,
            quality: &newest.quality,
            size: format!("{}x{}", newest.width, newest.height),
        };
        let mut headers = kept_headers(key, kept, self.settings.lifetimes);
        let list: Vec<String> = kept.places.iter().map(|place| place.take.to_string()).collect();
        headers.set("x-pincel-take", list.join(", "));
        let free = kept
            .places
            .iter()
            .filter(|place| place.how != How::Made)
            .filter_map(|place| kept.pointer.get(place.take)?.cost);
        headers.set("x-pincel-saved", NanoUsd::saturating_sum(free).to_decimal());
        if asked.response_format == ResponseFormat::Url {
            let urls = takes
                .iter()
                .map(|take| self.url(key, take, request))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(no_signer)?;
            let data: Vec<Value> = urls.into_iter().map(|url| json!({ "url": url })).collect();
            let mut document = outline(&facts, asked, &kept.bill);
            if let Some(fields) = document.as_object_mut() {
                fields.insert("data".to_owned(), Value::Array(data));
            }
            let told = told::kept(key, kept, 0);
            return Ok(reply(headers, vec![Piece::Text(document.to_string())], told));
        }
        let mut sources = Vec::with_capacity(takes.len());
        for (place, take) in kept.places.iter().zip(takes) {
            // Opened before the status is sent, so that a lost picture is an error and not a broken document.
            sources.push(self.open(take, place.how, None).await?);
        }
        let told = told::kept(key, kept, sources.iter().map(|source| source.length).sum());
        Ok(reply(headers, pieces(&facts, asked, &kept.bill, sources), told))
    }

    /// A URL can be given only for a picture that is kept, and only where there is a key to sign it.
    pub(super) fn can_give_urls(&self, wish: &Wish) -> Result<(), ApiError> {
        if matches!(wish.want, Want::Loose(_)) {
            return Err(ApiError::invalid(
                "response_format",
                "invalid_value",
                "With 'no-store' nothing is kept that a URL could point to. Use 'b64_json'.",
            ));
        }
        self.signer.map(|_| ()).ok_or_else(no_signer)
    }

    fn url(&self, key: &PictureKey, take: &Take, request: &Request) -> Option<String> {
        let path = format!("/v1/images/{key}");
        let exp_s = (self.ports.now_ms() / 1_000).saturating_add(self.settings.url_life_s);
        let query = self.signer?.sign_query(&path, &[("take".to_owned(), take.take.to_string())], exp_s);
        Some(format!("{}{path}?{query}", request.origin))
    }
}

fn no_signer() -> ApiError {
    ApiError::invalid(
        "response_format",
        "invalid_value",
        "This deployment has no signing key, so it cannot give out URLs. Use 'b64_json'.",
    )
}

fn reply<B>(mut headers: Headers, pieces: Vec<Piece<B>>, told: Told) -> Reply<B> {
    headers.set("content-type", "application/json");
    headers.set("cache-control", NO_STORE);
    Reply { status: 200, headers, body: ReplyBody::Pieces(pieces), told: Some(Box::new(told)) }
}

fn pieces<B>(facts: &Facts<'_>, asked: &Asked, bill: &Bill, sources: Vec<Source<B>>) -> Vec<Piece<B>> {
    let outline = outline(facts, asked, bill).to_string();
    // The outline is an object with members: its closing brace gives way to one more.
    let mut pieces = vec![Piece::Text(format!("{},\"data\":[", outline.strip_suffix('}').unwrap_or(&outline)))];
    for (at, source) in sources.into_iter().enumerate() {
        pieces.push(Piece::Text(format!("{}{{\"b64_json\":\"", if at == 0 { "" } else { "," })));
        pieces.push(Piece::Base64(source));
        pieces.push(Piece::Text("\"}".to_owned()));
    }
    pieces.push(Piece::Text("]}".to_owned()));
    pieces
}

/// Everything but the pictures. `usage` is what this request was billed: nothing for a hit or for one that joined, so that the
/// usage of all replies sums to the provider's bill.
fn outline(facts: &Facts<'_>, asked: &Asked, bill: &Bill) -> Value {
    let usage = bill.usage.as_ref();
    let input = usage.and_then(|usage| usage.input_tokens_details);
    let output = usage.and_then(|usage| usage.output_tokens_details);
    let (tokens_in, tokens_out) = usage.map_or((0, 0), |usage| (usage.input_tokens, usage.output_tokens));
    json!({
        "created": facts.created_s,
        "background": known(facts.background, &["opaque", "transparent"], "opaque"),
        "output_format": asked.picture.output_format,
        "quality": known(facts.quality, &["low", "medium", "high", "xhigh", "max"], "high"),
        "size": facts.size,
        "usage": {
            "input_tokens": tokens_in,
            "output_tokens": tokens_out,
            "total_tokens": usage.map_or(0, |usage| usage.total_tokens),
            "input_tokens_details": {
                "text_tokens": input.map_or(tokens_in, |details| details.text_tokens),
                "image_tokens": input.map_or(0, |details| details.image_tokens),
            },
            "output_tokens_details": {
                "text_tokens": output.map_or(0, |details| details.text_tokens),
                "image_tokens": output.map_or(tokens_out, |details| details.image_tokens),
            },
        },
    })
}

/// Only values that clients with closed lists know. Where the provider did not say, the nearest that is certain not to break them.
fn known<'a>(said: &'a str, allowed: &[&str], otherwise: &'a str) -> &'a str {
    if allowed.contains(&said) { said } else { otherwise }
}
