//! The stand-in for OpenAI, `tests/fake-openai`.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{self, Group};
use crate::stop;
use crate::workspace::Workspace;

const NAME: &str = "fake-openai";
/// It has nothing to do before it listens.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct FakeOpenai {
    /// Its address, without `/v1`.
    pub(crate) url: String,
    pub(crate) group: Group,
}

impl FakeOpenai {
    /// Returns when it listens.
    pub(crate) fn start(workspace: &Workspace, port: u16) -> Result<Self> {
        let program = build(workspace, &[])?;
        let mut group = Group::spawn(
            process::command(program).args(["--port", &port.to_string(), "--json"]).stdout(Stdio::piped()),
            NAME,
        )?;
        let line = first_line(&mut group)?;
        let url = url_in(&line).with_context(|| format!("{NAME} said {line:?} instead of its address"))?;
        Ok(Self { url, group })
    }
}

/// Compiles it and returns the program; `$PINCEL_FAKE_OPENAI_BIN` is one that is there already.
pub(crate) fn build(workspace: &Workspace, flags: &[&str]) -> Result<PathBuf> {
    if let Some(program) = env::var_os("PINCEL_FAKE_OPENAI_BIN").filter(|path| !path.is_empty()) {
        return Ok(program.into());
    }
    // Cargo knows best where it put the program, whatever the target folder and profile are.
    let messages = process::capture(
        process::command("cargo")
            .args(["build", "--quiet", "-p", NAME, "--bin", NAME])
            .args(flags)
            .arg("--message-format=json-render-diagnostics")
            .current_dir(workspace.root()),
        "cargo build -p fake-openai",
    )?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .next_back()
        .context("cargo built no fake-openai")
}

/// Reads in a thread, which goes on to empty the pipe so that the program is never held up.
fn first_line(group: &mut Group) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    let mut lines = BufReader::new(group.stdout()?).lines();
    thread::spawn(move || {
        while let Some(Ok(line)) = lines.next() {
            // Only the first line finds somebody who waits for it.
            let _ = sender.send(line);
        }
    });
    let deadline = Instant::now() + LIMIT;
    loop {
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => return Ok(line),
            Err(RecvTimeoutError::Disconnected) => {
                group.must_run()?;
                bail!("{NAME} closed its output before it gave its address");
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                bail!("{NAME} gave no address within {} s", LIMIT.as_secs());
            }
            Err(RecvTimeoutError::Timeout) => stop::nap()?,
        }
    }
}

fn url_in(line: &str) -> Option<String> {
    let message: Value = serde_json::from_str(line).ok()?;
    let url = message.get("url")?.as_str()?;
    Some(url.trim_end_matches('/').trim_end_matches("/v1").to_owned())
}

#[cfg(test)]
mod tests {
    use super::url_in;

    #[test]
    fn the_address_is_without_the_version() {
        let expect = Some("http://127.0.0.1:9");
        assert_eq!(url_in(r#"{"url":"http://127.0.0.1:9"}"#).as_deref(), expect);
        assert_eq!(url_in(r#"{"url":"http://127.0.0.1:9/v1/"}"#).as_deref(), expect);
        assert_eq!(url_in("listening"), None);
    }
}
