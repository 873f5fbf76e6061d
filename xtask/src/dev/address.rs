//! Ports on the loopback address.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

/// An address that is free now; port 0 takes any. Somebody else may still be quicker before it
/// is used, in which case the program that wanted it says so.
pub(crate) fn free(port: u16, option: &str) -> Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .and_then(|listener| listener.local_addr())
        .with_context(|| format!("port {port} is in use: end what listens there, or choose another with {option}"))
}
