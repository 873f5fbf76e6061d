//! Workers started by wrangler itself, for deployments that `cargo xtask dev` does not know: other bindings, several Workers.
//!
//! The configurations are those of the repository with changes, so that they do not fall behind.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::client::{Client, Keys};
use crate::program::Program;
use crate::scratch::Scratch;
use crate::tools;

/// A cold start takes a few seconds; a busy machine several times that.
const LIMIT: Duration = Duration::from_secs(90);

/// One of the Workers of a deployment: what differs from the repository's `wrangler.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Worker<'a> {
    pub name: &'a str,
    /// Has a KV namespace for pointers.
    pub kv: bool,
    /// Has a bucket for pictures.
    pub bucket: bool,
    /// The Worker whose objects it uses; its own where there is none.
    pub objects_of: Option<&'a str>,
    /// Settings over those of `wrangler.toml`.
    pub vars: &'a [(&'a str, &'a str)],
}

/// A Worker as it is deployed.
pub const PLAIN: Worker<'static> = Worker { name: "pincel", kv: true, bucket: true, objects_of: None, vars: &[] };

/// Running Workers with a state and a stand-in of their own; dropping them ends them.
#[derive(Debug)]
pub struct Bare {
    client: Client,
    program: Program,
    _fake: Program,
    _scratch: Scratch,
}

impl Bare {
    /// The first Worker, alone, is the one that is reached. Several are reached by way of [`Client::through`].
    pub async fn start(workers: &[Worker<'_>]) -> Result<Self> {
        let scratch = Scratch::new()?;
        let (fake, fake_url) = start_fake(&scratch)?;
        let mut configs = Vec::new();
        if workers.len() > 1 {
            configs.push(switch(&scratch, workers)?);
        }
        for worker in workers {
            let config = configuration(worker, &fake_url)?;
            configs.push(scratch.write(&format!("{}.json", worker.name), &config.to_string())?);
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new(tools::node()?);
        command.arg(tools::workspace("node_modules/wrangler/bin/wrangler.js")).arg("dev");
        for config in &configs {
            command.arg("--config").arg(config);
        }
        command
            .args(["--ip", "127.0.0.1", "--port", &port.to_string(), "--persist-to"])
            .arg(scratch.path().join("state"))
            .args(["--inspector-port", "0", "--show-interactive-dev-session=false", "--log-level", "warn"])
            .current_dir(scratch.path())
            .env("WRANGLER_LOG_PATH", scratch.path().join("logs"))
            .env("WRANGLER_REGISTRY_PATH", scratch.path().join("registry"))
            .envs([("WRANGLER_SEND_METRICS", "false"), ("WRANGLER_SEND_ERROR_REPORTS", "false")])
            .envs([("CLOUDFLARE_CF_FETCH_ENABLED", "false"), ("CI", "1")])
            .stdout(Stdio::null());
        let program = Program::start(&mut command, &scratch.path().join("log"))?;
        let url = format!("http://127.0.0.1:{port}");
        let keys = Keys { admin_token: admin_token(), ..Keys::default() };
        let client = Client::new(url, fake_url, keys)?;
        let mut running = Self { client, program, _fake: fake, _scratch: scratch };
        running.ready().await?;
        Ok(running)
    }

    /// A new client of this deployment.
    pub async fn client(&self, id: &str) -> Result<Client> {
        self.client.new_client(id, json!({})).await
    }

    /// Nobody yet: knows the admin token and nothing else.
    pub fn operator(&self) -> &Client {
        &self.client
    }

    async fn ready(&mut self) -> Result<()> {
        let client = &self.client;
        let deadline = Instant::now() + LIMIT;
        loop {
            self.program.must_run()?;
            match client.anonymous("GET", "/healthz").send().await {
                Ok(reply) if reply.status() == 200 => return Ok(()),
                _ if Instant::now() > deadline => bail!("the Workers are not ready:\n{}", self.program.said()),
                _ => tokio::time::sleep(Duration::from_millis(30)).await,
            }
        }
    }
}

/// A Worker in front of several, each an isolate of its own: a header says which of them gets the request.
fn switch(scratch: &Scratch, workers: &[Worker<'_>]) -> Result<std::path::PathBuf> {
    let script = "export default {\n  fetch(request, env) {\n    const headers = new Headers(request.headers);\n    \
                  const to = headers.get(\"x-through\") ?? Object.keys(env)[0];\n    headers.delete(\"x-through\");\n    \
                  return env[to].fetch(new Request(request, { headers }));\n  },\n};\n";
    scratch.write("switch.mjs", script)?;
    let services: Vec<Value> =
        workers.iter().map(|worker| json!({ "binding": worker.name, "service": worker.name })).collect();
    let config =
        json!({ "name": "switch", "main": "switch.mjs", "compatibility_date": "2026-11-01", "services": services });
    scratch.write("switch.json", &config.to_string())
}

fn configuration(worker: &Worker<'_>, fake_url: &str) -> Result<Value> {
    let text = fs::read_to_string(tools::workspace("wrangler.toml")).context("cannot read wrangler.toml")?;
    let mut config: Value = toml::from_str(&text).context("wrangler.toml is no TOML")?;
    let main = fs::canonicalize(tools::workspace("edge/entry.mjs"))
        .context("the Worker is not built: run `cargo xtask build`")?;
    let fields = config.as_object_mut().context("wrangler.toml is no table")?;
    fields.remove("build");
    fields.insert("name".to_owned(), json!(worker.name));
    fields.insert("main".to_owned(), json!(main));
    if !worker.kv {
        fields.remove("kv_namespaces").context("wrangler.toml binds no KV namespace")?;
    }
    if !worker.bucket {
        fields.remove("r2_buckets").context("wrangler.toml binds no bucket")?;
    }
    if let Some(owner) = worker.objects_of {
        fields.remove("migrations");
        let objects = fields.get_mut("durable_objects").and_then(|objects| objects.get_mut("bindings"));
        let objects = objects.and_then(Value::as_array_mut).context("wrangler.toml binds no object")?;
        for object in objects.iter_mut().filter_map(Value::as_object_mut) {
            object.insert("script_name".to_owned(), json!(owner));
        }
    }
    let vars = fields.get_mut("vars").and_then(Value::as_object_mut).context("wrangler.toml has no settings")?;
    vars.insert("OPENAI_BASE_URL".to_owned(), json!(format!("{fake_url}/v1")));
    vars.insert("OPENAI_API_KEY".to_owned(), json!("sk-fake"));
    vars.insert("PINCEL_SECRET".to_owned(), json!("m".repeat(43)));
    vars.insert("PINCEL_ADMIN_TOKEN".to_owned(), json!(admin_token()));
    vars.extend(worker.vars.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    Ok(config)
}

fn admin_token() -> String {
    "t".repeat(43)
}

/// The stand-in and its address. `$PINCEL_FAKE_OPENAI_BIN` is one that is compiled already.
fn start_fake(scratch: &Scratch) -> Result<(Program, String)> {
    let mut command = tools::ours("PINCEL_FAKE_OPENAI_BIN", "fake-openai");
    command.args(["--port", "0", "--json"]).stdout(Stdio::piped());
    let log: &Path = &scratch.path().join("fake-log");
    let mut program = Program::start(&mut command, log)?;
    let line = program.first_line()?;
    let port = line.get("port").and_then(Value::as_u64).with_context(|| format!("{line} has no 'port'"))?;
    Ok((program, format!("http://127.0.0.1:{port}")))
}
