//! The real Worker in workerd, beside a stand-in for OpenAI that counts bills: does it keep the contract?
//!
//! | module | what is shown |
//! |---|---|
//! | `pictures` | `GET` of a picture: miss, hit, every header, conditions, ranges, formats, `HEAD`; one bill |
//! | `generations` | `POST`: the same bytes, `n`, takes, URLs, `no-store`, reroll; usage and cost sum to the bill |
//! | `routes` | probes, CORS, unknown routes, methods, media types |
//! | `together` | 500 at once for one picture, 50 pictures at once, clients that leave |
//! | `bad_input` | every refusal of a request: status, code, `param`; the provider is never called |
//! | `clients` | clients as an operator keeps them: made, shown, changed, listed |
//! | `keys` | forged, revoked and replaced keys |
//! | `policies` | scopes, policies, suspension, namespaces |
//! | `budgets` | budgets to the nano-dollar, with two hundred at once; reserves, alarms |
//! | `limits` | requests a minute and pictures at once; only what has something made is counted |
//! | `ledger` | a day of traffic: overview, receipts, accounts, metrics and the provider's bills agree |
//! | `operating` | lists, windows, settings, the kill switch, and who may |
//! | `purges` | dry runs, what holds after a purge, in two isolates, undo, a purge while a picture is made |
//! | `cdn` | the zone in front is told of purges |
//! | `feed` | the live feed |
//! | `quote` | what a request would cost |
//! | `sign` | addresses that the Worker signs |
//! | `signing` | signatures, and the helpers of `docs/SIGNING.md` as they stand there |
//! | `oauth` | tokens of the Worker and of outside issuers |
//! | `access` | every refusal of credentials; nothing is said about what exists |
//! | `provider` | every way in which the provider fails: what is told, what is tried again, what never is |
//! | `crash` | the Worker's process is killed while a picture is made |
//! | `damage` | bytes that are lost or damaged in the store |
//! | `isolates` | two isolates with the same bindings |
//! | `stores` | without KV for pointers; without R2 for pictures |
//! | `vectors` | the golden keys, in Wasm |
//! | `sdks` | the official SDKs for Python and Node |
//! | `openapi` | `docs/openapi.json`: its routes are those that there are, and every reply is one that it lists |
//! | `browser` | an `<img>` in Chromium |
//! | `secrets` | logs and refusals hold no secret and no prompt |
//! | `memory` | a picture of 20 MB |
//!
//! Most tests share one Worker. Each has prompts of its own and counts bills by prompt, so that they do not meet; those that
//! change how the stand-in behaves run alone, see `shared`.

#[cfg(test)]
mod access;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod cdn;
#[cfg(test)]
mod check;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod generations;
#[cfg(test)]
mod isolates;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod operating;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod purges;
#[cfg(test)]
mod quote;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod sdks;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod sign;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod together;
#[cfg(test)]
mod vectors;
