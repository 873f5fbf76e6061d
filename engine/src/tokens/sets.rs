//! The keys of other issuers: fetched when they are needed, and kept for a while.
//!
//! An issuer that is out of reach must not stop those whose keys are known, and tokens with made-up keys must not make this service
//! a nuisance to an issuer. So one request at a time fetches a set, the others wait for what it finds or go by what is known; the time
//! is noted before the fetch. A request may end in the middle of its fetch and say nothing more, so that wait has an end.

use std::cell::RefCell;
use std::rc::Rc;

use domain::access::issuer::Issuer;
use domain::access::jwk::{Jwk, JwkSet};
use domain::access::jwt::{Alg, JwtError};

use super::{Jose, Refusal, Tokens};
use crate::ports::Clock;

/// How long a set is not fetched again. A key that an issuer takes back is good for so long.
pub(super) const FRESH_MS: u64 = 10 * 60_000;

/// How long a set serves while the issuer is out of reach.
pub(super) const USABLE_MS: u64 = 60 * 60_000;

/// A token with a key that a fresh set lacks may be signed by a new one. Each issuer is asked for that once within this time.
pub(super) const UNKNOWN_MS: u64 = 60_000;

/// After a fetch that failed.
pub(super) const RETRY_MS: u64 = 5_000;

/// A fetch ends within five seconds, or it will not.
pub(super) const FLIGHT_MS: u64 = 6_000;

/// How often is looked whether another request's fetch has ended.
const LOOK_MS: u64 = 25;

/// What is known of an issuer's keys.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The set, and when it was asked for.
    read: Option<(Rc<JwkSet>, u64)>,
    /// Since when a request fetches.
    flight_ms: Option<u64>,
    /// When the last fetch failed; nothing after one that did not.
    failed_ms: Option<u64>,
    /// When was last fetched because of an unknown key.
    unknown_ms: Option<u64>,
}

/// What a request does next.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The key, and until when it is good.
    Use(Jwk, u64),
    /// The issuer has no such key.
    Unknown,
    Fetch,
    /// For the fetch that began then.
    Wait(u64),
    /// Nobody can say now which keys the issuer has.
    Down,
}

/// The key that must have signed a token, and until when it is good.
pub(super) async fn key<P: Jose + Clock>(
    tokens: &RefCell<Tokens>,
    ports: &P,
    issuer: &Issuer,
    kid: Option<&str>,
    alg: Alg,
) -> Result<(Jwk, u64), Refusal> {
    let began_ms = ports.now_ms();
    // What is read from then on is the last word about an unknown key.
    let mut since_ms = began_ms;
    loop {
        let step = tokens.borrow_mut().known(issuer).step(kid, alg, since_ms, ports.now_ms());
        match step {
            Step::Use(key, until_ms) => return Ok((key, until_ms)),
            Step::Unknown => return Err(JwtError::UnknownKey.into()),
            Step::Down => return Err(Refusal::Issuer("out of reach".to_owned())),
            // Fetches of requests that end in the middle could follow each other for ever.
            Step::Wait(_) if ports.now_ms().saturating_sub(began_ms) >= 2 * FLIGHT_MS => {
                return Err(Refusal::Issuer("other requests did not come to an end".to_owned()));
            }
            Step::Wait(flight_ms) => {
                since_ms = since_ms.min(flight_ms);
                ports.sleep_ms(LOOK_MS).await;
            }
            Step::Fetch => {
                let asked_ms = ports.now_ms();
                let fetched = ports.fetch_jwks(&issuer.jwks_uri).await.map_err(|error| error.0);
                let set = fetched.and_then(|bytes| JwkSet::parse(&bytes).map_err(|error| error.to_string()));
                tokens.borrow_mut().known(issuer).landed(asked_ms, set.ok(), ports.now_ms());
            }
        }
    }
}

impl Tokens {
    fn known(&mut self, issuer: &Issuer) -> &mut Known {
        // As many as are configured, so they need no bound.
        self.sets.entry(issuer.issuer.clone()).or_default()
    }
}

impl Known {
    /// Decides for a request to which a set that was asked for at `since_ms` or later is news. A fetch counts from here on.
    fn step(&mut self, kid: Option<&str>, alg: Alg, since_ms: u64, now_ms: u64) -> Step {
        let within = |at_ms: Option<u64>, ms: u64| at_ms.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) < ms);
        let read_ms = self.read.as_ref().map(|(_, read_ms)| *read_ms);
        let (fresh, usable) = (within(read_ms, FRESH_MS), within(read_ms, USABLE_MS));
        let key = self.read.as_ref().filter(|_| usable).and_then(|(set, _)| set.select(kid, alg));
        let flight_ms = self.flight_ms.filter(|at_ms| within(Some(*at_ms), FLIGHT_MS));
        let failed = within(self.failed_ms, RETRY_MS);
        if let (Some(key), Some(read_ms)) = (key, read_ms)
            && (fresh || flight_ms.is_some() || failed)
        {
            return Step::Use(key.clone(), read_ms.saturating_add(if fresh { FRESH_MS } else { USABLE_MS }));
        }
        if let Some(flight_ms) = flight_ms {
            return Step::Wait(flight_ms);
        }
        if fresh {
            if read_ms.is_some_and(|read_ms| read_ms >= since_ms) {
                return Step::Unknown;
            }
            if within(self.unknown_ms, UNKNOWN_MS) {
                let unsure = self.failed_ms.is_some() || self.flight_ms.is_some();
                return if unsure { Step::Down } else { Step::Unknown };
            }
            self.unknown_ms = Some(now_ms);
        } else if failed {
            return Step::Down;
        }
        self.flight_ms = Some(now_ms);
        Step::Fetch
    }

    /// Notes how a fetch ended that began at `asked_ms`. A new set takes the place of the old one, so that what is not in it is gone.
    fn landed(&mut self, asked_ms: u64, set: Option<JwkSet>, now_ms: u64) {
        if self.flight_ms == Some(asked_ms) {
            self.flight_ms = None;
        }
        if self.read.as_ref().is_some_and(|(_, read_ms)| *read_ms > asked_ms) {
            // So slow that another one was faster.
            return;
        }
        match set {
            Some(set) => {
                self.read = Some((Rc::new(set), asked_ms));
                self.failed_ms = None;
            }
            None => self.failed_ms = Some(now_ms),
        }
    }
}
