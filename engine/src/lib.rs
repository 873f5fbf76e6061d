//! What is done: the use cases of Pincel over ports.
//!
//! In scope: the way of a request from look-up to delivery ([`serve`]), the life of a job ([`generate`]), and the
//! provider's protocol ([`openai`]); who may ([`authenticate`], [`tokens`]) and what it costs ([`account`]). Out of scope: any platform. Everything that touches the world is a small trait in
//! [`ports`], so that the same code runs in the Worker and in the simulated world that tests it.

#![expect(async_fn_in_trait, reason = "the futures of a Worker stay on the thread that made them")]

pub mod account;
pub mod ask;
pub mod authenticate;
pub mod catalog;
pub mod clients;
pub mod explain;
pub mod generate;
pub mod memo;
pub mod openai;
pub mod operate;
pub mod ports;
pub mod prices;
pub mod reconcile;
pub mod reply;
pub mod serve;
pub mod settings;
pub mod tokens;
pub mod views;

#[cfg(test)]
mod desk;
#[cfg(test)]
mod sim;
