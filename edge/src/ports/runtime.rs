//! The runtime settings, as this isolate last heard of them from the account of the deployment.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::access::AccountName;
use domain::runtime::{RuntimeSettings, Versioned};
use engine::account::{AccountAnswer, AccountAsk};
use engine::settings::{RUNTIME_MS, Settings};
use worker::Env;

use super::{accounts, now_ms};

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
    /// When somebody last went to ask. One question at a time is enough.
    static ASKED_MS: Cell<u64> = const { Cell::new(0) };
}

/// Plain data: what belongs to a request must not outlive it.
#[derive(Default)]
struct Known {
    read_ms: Option<u64>,
    version: u64,
    runtime: Rc<RuntimeSettings>,
    /// The deployment's settings with these in them.
    settings: Option<Rc<Settings>>,
}

/// How long others go on with what is known while one request asks.
const ASKING_MS: u64 = 5_000;

/// Believes what was heard: by a question, or by the change that came through this isolate.
pub fn believe(Versioned { version, settings }: Versioned) {
    let now_ms = now_ms();
    KNOWN.with_borrow_mut(|known| {
        if known.read_ms.is_some() && known.version == version {
            known.read_ms = Some(now_ms);
        } else {
            *known = Known { read_ms: Some(now_ms), version, runtime: Rc::new(settings), settings: None };
        }
    });
}

/// What is in force. Waits only where nothing is known yet, or where it is this request's turn to ask. An account that is out of reach
/// changes nothing.
pub async fn known(env: &Env) -> Rc<RuntimeSettings> {
    if is_due() {
        let asked = accounts::ask(env, &AccountName::Deployment, &AccountAsk::Runtime).await;
        match asked {
            Ok(AccountAnswer::Runtime { document }) => {
                believe(Versioned { version: document.version, settings: document.settings });
            }
            Ok(_) => crate::log::port("account", "it gave no answer to a question for the settings"),
            Err(error) => crate::log::port("account", &error.to_string()),
        }
        ASKED_MS.set(0);
    }
    KNOWN.with_borrow(|known| Rc::clone(&known.runtime))
}

/// The deployment's settings with what is in force in them, if that is known well enough to answer from memory.
pub fn recalled(deployment: &Settings, now_ms: u64) -> Option<Rc<Settings>> {
    let due = KNOWN.with_borrow(|known| known.is_due(now_ms)) && !is_asking(now_ms);
    if due { None } else { Some(with_known(deployment)) }
}

/// The same after [`known`] has looked.
pub fn with_known(deployment: &Settings) -> Rc<Settings> {
    KNOWN.with_borrow_mut(|known| {
        let runtime = Rc::clone(&known.runtime);
        let settings = known.settings.get_or_insert_with(|| {
            let default_model = runtime.default_model(&deployment.default_model).to_owned();
            Rc::new(Settings { default_model, runtime, ..deployment.clone() })
        });
        Rc::clone(settings)
    })
}

impl Known {
    fn is_due(&self, now_ms: u64) -> bool {
        self.read_ms.and_then(|read_ms| now_ms.checked_sub(read_ms)).is_none_or(|age_ms| age_ms >= RUNTIME_MS)
    }
}

fn is_asking(now_ms: u64) -> bool {
    now_ms.saturating_sub(ASKED_MS.get()) < ASKING_MS
}

/// Whose turn it is: the first that finds it old. Nobody goes on without ever having heard anything.
fn is_due() -> bool {
    let now_ms = now_ms();
    let (due, never) = KNOWN.with_borrow(|known| (known.is_due(now_ms), known.read_ms.is_none()));
    let mine = due && (never || !is_asking(now_ms));
    if mine {
        ASKED_MS.set(now_ms);
    }
    mine
}
