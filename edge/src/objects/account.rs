//! The Account object: one for each client, and one for the deployment.

use domain::access::{AccountName, ClientId};
use domain::admin::Event;
use domain::admin::events::SettingsEvent;
use engine::account::{Account as Engine, AccountAnswer, AccountAsk, Answered};
use engine::catalog::CatalogAsk;
use worker::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::log;
use crate::objects::documents::Documents;
use crate::ports::{self, NAME_HEADER};

#[durable_object(fetch)]
pub struct Account {
    state: State,
    env: Env,
}

impl DurableObject for Account {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let name = request.headers().get(NAME_HEADER)?.and_then(|name| named(&name));
        let Some(name) = name else { return Response::error("no name", 400) };
        let ask: AccountAsk = serde_json::from_slice(&request.bytes().await?)
            .map_err(|error| worker::Error::RustError(error.to_string()))?;
        // From here on nothing waits: what is read and written is one step.
        let account = Engine::new(Documents::new(&self.state.storage()), name.clone());
        let now_ms = ports::now_ms();
        let answered = account.ask(ask, now_ms);
        let Answered { answer, alarms } = answered.map_err(|error| worker::Error::RustError(error.to_string()))?;
        for alarm in &alarms {
            log::alarm(&name, alarm);
            self.note(Event::Budget(alarm.event(&name)));
        }
        if let AccountAnswer::Runtime { document } = &answer
            && let (Some(at_ms), Some(by)) = (document.changed_ms.filter(|at_ms| *at_ms == now_ms), &document.by)
        {
            self.note(Event::Settings(SettingsEvent { at_ms, version: document.version, by: by.clone() }));
        }
        Response::ok(serde_json::to_string(&answer)?)
    }
}

impl Account {
    /// For the live feed, which nobody here waits for.
    fn note(&self, event: Event) {
        let env = self.env.clone();
        self.state.wait_until(async move {
            let ask = CatalogAsk::Note { event: Box::new(event) };
            if let Err(error) = ports::ask_catalog(&env, &ask).await {
                log::port("catalog", &error.to_string());
            }
        });
    }
}

fn named(text: &str) -> Option<AccountName> {
    match text.strip_prefix("client/") {
        Some(id) => ClientId::parse(id).map(AccountName::Client),
        None => (text == AccountName::Deployment.to_string()).then_some(AccountName::Deployment),
    }
}
