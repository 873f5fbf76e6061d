//! The Account object: one for each client, and one for the deployment.

use domain::access::{AccountName, ClientId};
use engine::account::{Account as Engine, AccountAsk, Answered};
use worker::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::log;
use crate::objects::documents::Documents;
use crate::ports::{self, NAME_HEADER};

#[durable_object(fetch)]
pub struct Account {
    state: State,
}

impl DurableObject for Account {
    fn new(state: State, _: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let name = request.headers().get(NAME_HEADER)?.and_then(|name| named(&name));
        let Some(name) = name else { return Response::error("no name", 400) };
        let ask: AccountAsk = serde_json::from_slice(&request.bytes().await?)
            .map_err(|error| worker::Error::RustError(error.to_string()))?;
        // From here on nothing waits: what is read and written is one step.
        let account = Engine::new(Documents::new(&self.state.storage()), name.clone());
        let answered = account.ask(ask, ports::now_ms());
        let Answered { answer, alarms } = answered.map_err(|error| worker::Error::RustError(error.to_string()))?;
        for alarm in &alarms {
            log::alarm(&name, alarm);
        }
        Response::ok(serde_json::to_string(&answer)?)
    }
}

fn named(text: &str) -> Option<AccountName> {
    match text.strip_prefix("client/") {
        Some(id) => ClientId::parse(id).map(AccountName::Client),
        None => (text == AccountName::Deployment.to_string()).then_some(AccountName::Deployment),
    }
}
