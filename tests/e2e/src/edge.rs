//! Pincel, started by `cargo xtask dev` as a developer starts it.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::client::{Client, Keys};
use crate::program::Program;
use crate::scratch::Scratch;
use crate::{process, tools};

/// A running Pincel with a state of its own; dropping it ends it.
#[derive(Debug)]
pub struct Edge {
    url: String,
    fake: String,
    keys: Keys,
    // Before the folder: nobody writes there any more when it goes.
    program: Program,
    scratch: Scratch,
}

impl Edge {
    /// With these settings over those of `wrangler.toml`.
    pub fn start(vars: &[(&str, &str)]) -> Result<Self> {
        Self::start_saying("warn", vars)
    }

    /// Also with another level of what is logged.
    pub fn start_saying(log_level: &str, vars: &[(&str, &str)]) -> Result<Self> {
        let scratch = Scratch::new()?;
        let mut command = tools::ours("PINCEL_XTASK", "xtask");
        command.args(["dev", "--json", "--fake", "--with-parent", "--port", "0", "--fake-port", "0"]);
        command.args(["--log-level", log_level, "--state"]).arg(scratch.path().join("state"));
        for (name, value) in vars {
            command.args(["--var", &format!("{name}={value}")]);
        }
        let mut program = Program::start(command.stdout(Stdio::piped()), &scratch.path().join("log"))?;
        let line = program.first_line()?;
        let text = |name: &str| -> Result<String> {
            Ok(line.get(name).and_then(Value::as_str).with_context(|| format!("{line} has no '{name}'"))?.to_owned())
        };
        let keys = Keys {
            api_key: text("api_key")?,
            signing_key_id: text("signing_key_id")?,
            signing_secret: text("signing_secret")?,
            admin_token: text("admin_token")?,
        };
        Ok(Self { url: text("edge")?, fake: text("fake_openai")?, keys, program, scratch })
    }

    pub fn client(&self) -> Result<Client> {
        Client::new(self.url.clone(), self.fake.clone(), self.keys.clone())
    }

    /// What it and the Worker logged so far.
    pub fn log(&self) -> String {
        self.program.said()
    }

    /// The process that runs the Worker.
    pub fn workerd(&self) -> Result<u32> {
        process::workerd(self.program.pid(), &self.url)
    }

    /// The folder with KV, R2 and the objects.
    pub fn state(&self) -> PathBuf {
        self.scratch.path().join("state")
    }
}
