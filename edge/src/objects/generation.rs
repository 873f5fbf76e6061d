//! The Generation object: one for each picture key, the only place that calls the provider.

use std::rc::Rc;

use domain::picture::PictureKey;
use engine::ask::{Answer, Ask};
use engine::generate::Generation as Engine;
use worker::js_sys::Array;
use worker::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::objects::store::JobStore;
use crate::ports::{NAME_HEADER, Object};
use crate::{config, glue};

/// The answer, where the body is taken by pictures.
pub const ANSWER_HEADER: &str = "x-pincel-answer";

#[durable_object(alarm)]
pub struct Generation {
    state: Rc<State>,
    env: Env,
    engine: std::cell::RefCell<Option<Rc<Engine<Object>>>>,
}

impl DurableObject for Generation {
    fn new(state: State, env: Env) -> Self {
        Self { state: Rc::new(state), env, engine: std::cell::RefCell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        // The name is the picture key.
        let key = request.headers().get(NAME_HEADER)?.and_then(|key| PictureKey::parse(&key));
        let Some(key) = key else { return Response::error("no key", 400) };
        let ask: Ask = serde_json::from_slice(&request.bytes().await?)
            .map_err(|error| worker::Error::RustError(error.to_string()))?;
        let (answer, loosely) = self.engine(key)?.ask(ask).await;
        let text = serde_json::to_string(&answer)?;
        match (answer, loosely) {
            (Answer::Loose { .. }, Some(pictures)) => {
                let sheets: Array = pictures.iter().map(|(_, sheet)| sheet.js()).collect();
                let response = glue::respond(200, &format!("{ANSWER_HEADER}\n{text}"), &glue::joined(&sheets));
                Ok(Response::from(response.map_err(worker::Error::from)?))
            }
            _ => Response::ok(text),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        // An object that never saved anything has no key, and nothing to do.
        if let Some(key) = JobStore::key(&self.state.storage()) {
            self.engine(key)?.alarm().await.map_err(|error| worker::Error::RustError(error.to_string()))?;
        }
        Response::ok("")
    }
}

impl Generation {
    fn engine(&self, key: PictureKey) -> worker::Result<Rc<Engine<Object>>> {
        if let Some(engine) = self.engine.borrow().as_ref() {
            return Ok(Rc::clone(engine));
        }
        let config = config::of(&self.env).map_err(|error| worker::Error::RustError(error.to_string()))?;
        let ports = Object::new(Rc::clone(&self.state), self.env.clone(), config);
        let engine = Engine::new(ports, key);
        *self.engine.borrow_mut() = Some(Rc::clone(&engine));
        Ok(engine)
    }
}
