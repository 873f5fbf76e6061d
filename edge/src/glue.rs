//! The border to `glue.js`.

use worker::js_sys::{Array, Object, Reflect, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::*;
use worker::web_sys::{ReadableStream, Request, Response};

#[wasm_bindgen(
    module = "/src/glue.js",
    wasm_bindgen = ::worker::wasm_bindgen,
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
extern "C" {
    pub type Reader;

    #[wasm_bindgen(constructor)]
    pub fn new(stream: &ReadableStream) -> Reader;
    #[wasm_bindgen(method, catch)]
    pub async fn read(this: &Reader) -> Result<JsValue, JsValue>;

    pub type Sheet;

    #[wasm_bindgen(constructor)]
    pub fn new() -> Sheet;
    #[wasm_bindgen(method)]
    pub fn write(this: &Sheet, view: &[u8]);
    #[wasm_bindgen(method, catch)]
    pub async fn digest(this: &Sheet) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    pub fn stream(this: &Sheet) -> ReadableStream;

    pub fn lines(request: &Request) -> String;
    #[wasm_bindgen(catch)]
    pub async fn body(request: &Request, most: u32) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    pub fn respond(status: u16, head: &str, body: &JsValue) -> Result<Response, JsValue>;
    #[wasm_bindgen(catch)]
    pub async fn cached(url: &str, range: Option<String>) -> Result<JsValue, JsValue>;
    pub fn random(bytes: &mut [u8]);
    pub fn pass(context: &JsValue, source: &JsValue) -> ReadableStream;
    pub fn document(context: &JsValue, pieces: &Array, length: f64) -> ReadableStream;
    pub fn section(context: &JsValue, stream: &ReadableStream, start: f64, length: f64) -> ReadableStream;
    #[wasm_bindgen(catch)]
    pub async fn split(response: &Response, lengths: &Array) -> Result<JsValue, JsValue>;
    pub fn joined(sheets: &Array) -> ReadableStream;
    pub fn feed(context: &JsValue, socket: &JsValue) -> ReadableStream;
}

/// A plain object of these members.
pub fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        // Setting a member of a plain object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

/// A member of what `glue.js` gave.
pub fn member(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A length that came as a number.
pub fn length(value: &JsValue) -> Option<u64> {
    value.as_f64().and_then(whole)
}

/// A number of JavaScript that counts something.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole number that is not negative"
)]
pub fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && number >= 0.0).then_some(number as u64)
}

/// JavaScript numbers hold lengths exactly up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no picture and no document has 2^53 bytes")]
pub fn number(length: u64) -> f64 {
    length as f64
}

/// 32 bytes that came as a `Uint8Array`.
pub fn digest_of(value: JsValue) -> Option<[u8; 32]> {
    let bytes: Uint8Array = value.dyn_into().ok()?;
    bytes.to_vec().try_into().ok()
}
