//! Signatures by WebCrypto, and the key sets of issuers over `fetch`.

use domain::access::jwk::{Jwk, MAX_SET_BYTES};
use domain::access::jwt::Alg;
use engine::ports::StoreError;
use engine::tokens::Jose;
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::*;

use super::{Isolate, failed};

#[wasm_bindgen(
    module = "/src/jose.js",
    wasm_bindgen = ::worker::wasm_bindgen,
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn verify(alg: &str, key: &str, message: &str, signature: &[u8]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn sign(seed: &[u8], message: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = publicHalf)]
    async fn public_half(seed: &[u8]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = fetchJwks)]
    async fn fetch_jwks(address: &str, most: u32, ms: u32) -> Result<JsValue, JsValue>;
}

const FETCH_MS: u32 = 5_000;

impl Jose for Isolate {
    async fn verify(&self, key: &Jwk, alg: Alg, message: &str, signature: &[u8]) -> Result<bool, StoreError> {
        let verified = verify(alg.as_str(), &key.to_json(), message, signature).await.map_err(lost)?;
        Ok(verified.is_truthy())
    }

    async fn sign(&self, seed: &[u8; 32], message: &str) -> Result<Vec<u8>, StoreError> {
        bytes(sign(seed, message).await)
    }

    async fn public(&self, seed: &[u8; 32]) -> Result<[u8; 32], StoreError> {
        let public = bytes(public_half(seed).await)?;
        public.try_into().map_err(|_| failed("jose", "a public key is not of 32 bytes"))
    }

    async fn fetch_jwks(&self, address: &str) -> Result<Vec<u8>, StoreError> {
        let most = u32::try_from(MAX_SET_BYTES).unwrap_or(u32::MAX);
        bytes(fetch_jwks(address, most, FETCH_MS).await)
    }
}

fn bytes(result: Result<JsValue, JsValue>) -> Result<Vec<u8>, StoreError> {
    let bytes = result.map_err(lost)?.dyn_into::<Uint8Array>();
    bytes.map(|bytes| bytes.to_vec()).map_err(|_| failed("jose", "no bytes came"))
}

fn lost(error: JsValue) -> StoreError {
    failed("jose", worker::Error::from(error))
}
