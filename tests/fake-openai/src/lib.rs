//! A stand-in for the `OpenAI` Images API that draws real pictures and counts its bills.
//!
//! It speaks generations and edits, plain and streamed, with the real API's errors, headers
//! and token counts. Every call draws another picture, on which its number is written, and
//! every picture that is made is billed, even if the client has left by then. Routes under
//! `/_control` set how calls behave and read the bills.
//!
//! The scope is what a gateway in front of the API meets. Nothing here knows about the
//! gateway: the crate is an independent witness, and shares no code with it.

mod behaviour;
mod bill;
mod call;
mod connection;
mod control;
mod draw;
mod error;
mod failure;
mod headers;
mod model;
mod reply;
mod request;
mod shared;
mod size;
mod stream;
mod usage;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use shared::Shared;

/// A server that runs in the background until this is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address for clients of the API, which ends in `/v1`.
    pub fn url(&self) -> String {
        format!("{}/v1", self.origin())
    }

    /// The address in front of `/_control`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a server with its own bills on a free port of this machine.
pub async fn start() -> io::Result<Running> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(serve(listener));
    Ok(Running { address, task })
}

/// Serves on a listener with its own bills; it never ends by itself.
///
/// Dropping the future closes every connection.
pub async fn serve(listener: TcpListener) {
    let shared = Arc::new(Shared::default());
    let router = Router::new()
        .merge(call::routes())
        .merge(control::routes())
        .fallback(call::nothing_here)
        .method_not_allowed_fallback(call::nothing_here)
        .with_state(shared);
    match connection::accept(listener, router).await {}
}
