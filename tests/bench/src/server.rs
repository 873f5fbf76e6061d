//! Programs that answer requests: each prints one line of JSON once it does.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::proc;

/// How long a Worker may take to end once its standard input is closed.
const GRACE: Duration = Duration::from_secs(5);

/// A folder in memory, on Linux.
const MEMORY: &str = "/dev/shm";

/// A running server; dropping it ends it.
pub struct Server {
    child: Child,
    /// Without a slash at its end.
    pub url: String,
    pub said: Value,
}

impl Server {
    /// The stand-in for OpenAI; its URL is the base address of the API.
    pub fn fake_openai() -> Result<Self> {
        let program = std::env::var_os("PINCEL_FAKE_OPENAI_BIN")
            .context("PINCEL_FAKE_OPENAI_BIN is not set; `cargo xtask bench` sets it")?;
        Self::start(Command::new(program).arg("--json"))
    }

    /// A Worker in a workerd of its own; see `miniflare/run.mjs`.
    pub fn worker(name: &str, bindings: &Value) -> Result<Self> {
        let node = std::env::var_os("PINCEL_NODE").context("PINCEL_NODE is not set; `cargo xtask bench` sets it")?;
        let script = workspace().join("tests/bench/miniflare/run.mjs");
        let settings = json!({ "worker": name, "bindings": bindings });
        let mut command = Command::new(node);
        command.arg(script).arg(settings.to_string());
        // What the simulators keep has to survive this run only, and nobody's edge has this machine's disk.
        if std::env::var_os("TMPDIR").is_none() && Path::new(MEMORY).is_dir() {
            command.env("TMPDIR", MEMORY);
        }
        Self::start(&mut command)
    }

    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().display().to_string();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let child = child.with_context(|| format!("cannot start {name}"))?;
        let mut server = Self { child, url: String::new(), said: Value::Null };
        let mut line = String::new();
        BufReader::new(server.child.stdout.as_mut().context("no standard output")?).read_line(&mut line)?;
        server.said = serde_json::from_str(&line).with_context(|| format!("{name} did not start: it said {line:?}"))?;
        let url = server.said.get("url").and_then(Value::as_str).context("a server without an address")?;
        server.url = url.trim_end_matches('/').to_owned();
        Ok(server)
    }

    /// Processor time of the server up to now, in milliseconds.
    pub fn processor_ms(&self) -> f64 {
        proc::processor_ms(self.child.id())
    }

    /// The process that runs the Worker.
    pub fn workerd(&self) -> Result<u32> {
        proc::descendant(self.child.id(), "workerd")
    }

    /// Ends by itself when nobody holds its standard input.
    fn ends_with_its_input(&self) -> bool {
        self.said.get("workerd").is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + GRACE;
        while self.ends_with_its_input() && Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        // Nothing to report to from here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of the whole project, where this program was compiled.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
