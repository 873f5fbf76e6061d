//! Counting in this isolate: what was answered is gathered here and sent to the catalog a few seconds later, so that no reply waits
//! for it. What can be lost is what an isolate has counted since its last flush, and only with the isolate.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use domain::access::Client;
use domain::hex;
use domain::trace::RequestId;
use domain::usage::tally::Hit;
use domain::usage::{Finished, Flush, Outcome, Tally};
use engine::catalog::{CatalogAnswer, CatalogAsk};
use engine::reply::Told;
use worker::wasm_bindgen::prelude::*;
use worker::{Delay, Env};

use crate::{glue, ports};

thread_local! {
    static TALLY: RefCell<Tally> = RefCell::default();
    /// Hits that were told and whose bytes have yet to be found.
    static WAITING: RefCell<Waiting> = RefCell::default();
    /// A flush of which nobody knows whether it arrived. It is sent again under its own name, which is counted once.
    static UNHEARD: RefCell<Option<Flush>> = const { RefCell::new(None) };
    /// Until when a flush is on its way. A request that is cut off takes the flush that it carried with it, and then this lapses.
    static FLUSH_UNTIL_MS: Cell<u64> = const { Cell::new(0) };
}

/// How long counts are gathered before they are sent.
const GATHER_MS: u64 = 5_000;

/// When a flush that has not ended is given up: longer than one may be kept alive after its reply.
const FLUSH_MS: u64 = 40_000;

/// How many hits can wait for their bytes at once. One more takes the place of the oldest, which then is not counted.
const PLACES: usize = 1_024;

/// A hit that was told from memory.
struct Remembered {
    request: RequestId,
    client: Rc<Client>,
    status: u16,
    told: Told,
}

#[derive(Default)]
struct Waiting {
    next: u32,
    hits: Vec<(u32, Remembered)>,
}

impl Waiting {
    fn put(&mut self, hit: Remembered) -> u32 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        match self.hits.get_mut(number as usize % PLACES) {
            Some(place) => *place = (number, hit),
            None => self.hits.push((number, hit)),
        }
        number
    }

    fn get(&self, number: u32) -> Option<&Remembered> {
        self.hits.get(number as usize % PLACES).filter(|(of, _)| *of == number).map(|(_, hit)| hit)
    }
}

/// Keeps a hit until its bytes are found. The number is for [`counted`].
pub fn remember(request: RequestId, client: Rc<Client>, status: u16, told: Told) -> u32 {
    WAITING.with_borrow_mut(|waiting| waiting.put(Remembered { request, client, status, told }))
}

/// A request that went the long way.
pub fn count(finished: &Finished) {
    TALLY.with_borrow_mut(|tally| tally.count(finished));
}

/// Counts the hit of this number, which took `ms`; a number that is none asks only. True if it is time for a [`flush`].
#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
pub fn counted(number: f64, now_ms: f64, ms: f64) -> bool {
    let now_ms = glue::whole(now_ms).unwrap_or_default();
    TALLY.with_borrow_mut(|tally| {
        if let Some(number) = glue::whole(number).and_then(|number| u32::try_from(number).ok()) {
            WAITING.with_borrow(|waiting| {
                if let Some(hit) = waiting.get(number) {
                    hit.count(tally, now_ms, glue::whole(ms).unwrap_or_default());
                }
            });
        }
        let due = FLUSH_UNTIL_MS.get() <= now_ms && (!tally.is_empty() || UNHEARD.with_borrow(Option::is_some));
        if due {
            FLUSH_UNTIL_MS.set(now_ms.saturating_add(FLUSH_MS));
        }
        due
    })
}

impl Remembered {
    fn count(&self, tally: &mut Tally, at_ms: u64, ms: u64) {
        let Self { request, client, status, told } = self;
        let Told { model: Some(model), key: Some(key), saved, bytes, .. } = told else { return };
        if tally.is_watched() {
            tally.count(&finished(request.clone(), Some(client), *status, told, at_ms, ms));
        } else {
            tally.hit(&Hit { at_ms, client: &client.id, model, key, saved: *saved, bytes: *bytes, ms });
        }
    }
}

/// A reply as it is counted.
pub fn finished(
    request: RequestId,
    client: Option<&Client>,
    status: u16,
    told: &Told,
    at_ms: u64,
    ms: u64,
) -> Finished {
    Finished {
        at_ms,
        request,
        outcome: told.outcome,
        status,
        reason: told.reason.as_ref().map(|reason| reason.clone().into_owned()),
        client: client.map(|client| client.id.clone()),
        model: told.model.clone(),
        key: told.key,
        cost: told.cost,
        saved: told.saved,
        bytes: told.bytes,
        ms,
    }
}

/// Is it worth a line in the log?
pub fn is_plain(finished: &Finished) -> bool {
    finished.outcome == Outcome::Hit
}

/// Waits until there is something worth sending, and sends it.
#[wasm_bindgen(
    wasm_bindgen = ::worker::wasm_bindgen,
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
pub async fn flush(env: Env) {
    Delay::from(Duration::from_millis(GATHER_MS)).await;
    // Kept until it was heard: the request that carries it may be cut off in the middle.
    let flush = UNHEARD.with_borrow_mut(|unheard| unheard.get_or_insert_with(gathered).clone());
    let id = flush.id.clone();
    let ask = CatalogAsk::Flush { flush: Box::new(flush) };
    if let Ok(CatalogAnswer::Flushed { watched }) = ports::ask_catalog(&env, &ask).await {
        // Another may have been gathered while this one was slow.
        UNHEARD.with_borrow_mut(|unheard| unheard.take_if(|flush| flush.id == id));
        TALLY.with_borrow_mut(|tally| tally.set_watched(watched));
    }
    FLUSH_UNTIL_MS.set(0);
}

fn gathered() -> Flush {
    let mut random = [0; 16];
    ports::fill(&mut random);
    TALLY.with_borrow_mut(|tally| tally.take(hex::encode(&random)))
}
