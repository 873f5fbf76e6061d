//! The program around the server: scope is its arguments, what it prints and when it ends.

use std::io::{Write, stdout};

use anyhow::Context;
use clap::Parser;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for the `OpenAI` Images API that draws real pictures and counts its bills.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The port to listen on; 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Print one line of JSON with the address once the server listens.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    // Set up first: whoever reads the printed line may end the program at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind((arguments.host.as_str(), arguments.port))
        .await
        .with_context(|| format!("cannot listen on {}:{}", arguments.host, arguments.port))?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}/v1");
    let line = if arguments.json {
        json!({ "url": url, "port": address.port(), "pid": std::process::id() }).to_string()
    } else {
        format!("fake-openai draws pictures and counts bills at {url}")
    };
    writeln!(stdout(), "{line}")?;
    tokio::select! {
        () = fake_openai::serve(listener) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
