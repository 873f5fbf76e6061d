//! What an isolate stands on while it serves one request.

use domain::ApiError;
use domain::access::AccountName;
use domain::delivery::ByteRange;
use domain::picture::{Digest, PictureKey, Pointer};
use engine::account::{AccountAnswer, AccountAsk};
use engine::ask::{Answer, Ask};
use engine::catalog::{CatalogAnswer, CatalogAsk};
use engine::ports::{EdgePorts, ObjectError, Opened, StoreError};
use worker::Env;
use worker::js_sys::Array;
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::web_sys::ReadableStream;

use super::{GENERATION, accounts, blobs, cache, catalog, clock, pointers};
use crate::glue;
use crate::objects::ANSWER_HEADER;

pub struct Isolate {
    pub env: Env,
    /// The request's context: what has to outlive the reply is handed to it.
    pub context: JsValue,
    /// Scheme and host of the request.
    pub origin: String,
}

clock::platform!(Isolate);

impl EdgePorts for Isolate {
    type Body = ReadableStream;

    async fn pointer(&self, key: &PictureKey) -> Result<Option<Pointer>, StoreError> {
        pointers::get(&self.env, key).await
    }

    async fn cached(&self, digest: &Digest, range: Option<ByteRange>) -> Option<Opened<ReadableStream>> {
        cache::open(&self.origin, digest, range).await
    }

    async fn blob(
        &self,
        digest: &Digest,
        range: Option<ByteRange>,
    ) -> Result<Option<Opened<ReadableStream>>, StoreError> {
        blobs::open(&self.env, &self.context, digest, range).await
    }

    async fn ask(&self, key: &PictureKey, ask: &Ask) -> Result<(Answer, Vec<ReadableStream>), ObjectError> {
        self.try_ask(key, ask).await.map_err(|error| super::broken("generation", &error))
    }

    async fn account(&self, name: &AccountName, ask: &AccountAsk) -> Result<AccountAnswer, ObjectError> {
        accounts::ask(&self.env, name, ask).await.map_err(|error| super::broken("account", &error))
    }

    async fn catalog(&self, ask: &CatalogAsk) -> Result<CatalogAnswer, ObjectError> {
        catalog::ask(&self.env, ask).await.map_err(|error| super::broken("catalog", &error))
    }
}

impl Isolate {
    async fn try_ask(&self, key: &PictureKey, ask: &Ask) -> worker::Result<(Answer, Vec<ReadableStream>)> {
        let mut response = super::ask(&self.env, GENERATION, &key.to_string(), ask).await?;
        if let Some(text) = response.headers().get(ANSWER_HEADER)? {
            let answer: Answer = serde_json::from_str(&text)?;
            let lengths: Array = match &answer {
                Answer::Loose { pictures, .. } => {
                    pictures.iter().map(|picture| JsValue::from_f64(glue::number(picture.bytes))).collect()
                }
                _ => Array::new(),
            };
            let bodies: Array = glue::split(&response.into(), &lengths).await?.unchecked_into();
            return Ok((answer, bodies.iter().map(JsValue::unchecked_into).collect()));
        }
        Ok((serde_json::from_str(&response.text().await?)?, Vec::new()))
    }

    /// Whether each binding answers, for `/readyz`.
    pub async fn probe(&self) -> Result<(), ApiError> {
        let key = PictureKey::parse(&"0".repeat(64));
        let Some(key) = key else { return Ok(()) };
        let unready = |what: &str| ApiError::unavailable("not_ready", format!("{what} does not answer."));
        self.pointer(&key).await.map_err(|_| unready("The KV namespace POINTERS"))?;
        self.blob(&Digest([0; 32]), None).await.map_err(|_| unready("The store of pictures"))?;
        self.ask(&key, &Ask::Look).await.map_err(|_| unready("The Durable Object GENERATION"))?;
        self.account(&AccountName::Deployment, &AccountAsk::Spending)
            .await
            .map_err(|_| unready("The Durable Object ACCOUNT"))?;
        Ok(())
    }
}
