//! `cargo xtask dev`: the Worker on this machine, beside the stand-in for OpenAI.
//!
//! The Worker runs in workerd under wrangler, with KV, R2 and Durable Objects simulated and kept
//! in a state folder. Nothing is deployed and no account is needed.

mod address;
mod dev_vars;
pub(crate) mod fake_openai;
mod first_client;
mod http;
mod key_file;
mod ready;
mod secrets;
mod session;
mod signed_url;
mod state;
mod wrangler;

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};
use nix::unistd::getppid;

use crate::process::Group;
use crate::workspace::Workspace;
use crate::{bundle, lock, setup, stop};
use dev_vars::DevVars;
use fake_openai::FakeOpenai;
use http::Server;
use secrets::Secrets;
use session::Session;
use wrangler::Settings;

#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Options {
    /// The Worker's port; 0 takes any that is free.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The stand-in's port; 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    fake_port: u16,
    /// Where KV, R2 and Durable Objects are kept.
    #[arg(long, value_name = "DIR", default_value = ".wrangler/state")]
    state: PathBuf,
    /// Begin with an empty state folder.
    #[arg(long)]
    fresh: bool,
    /// Use the stand-in even where an OpenAI key is set: nothing is paid.
    #[arg(long)]
    fake: bool,
    /// A setting for the Worker, over those of wrangler.toml and .dev.vars; may be repeated.
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = setting)]
    vars: Vec<(String, String)>,
    /// Print one line of JSON when ready, for scripts, instead of the welcome.
    #[arg(long)]
    json: bool,
    /// End when the program that started this one is gone.
    #[arg(long)]
    with_parent: bool,
    /// What wrangler and the Worker may say: none, error, warn, info, log or debug.
    #[arg(long, default_value = "warn")]
    log_level: String,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let parent = getppid();
    let tools = setup::run(workspace)?;
    // Before minutes of building, where the answer is that the port is taken.
    let edge = address::free(options.port, "--port")?;
    bundle::ensure(workspace, &tools, &bundle::Options::default())?;
    let state = workspace.root().join(&options.state);
    state::prepare(&state, options.fresh)?;

    let (dev_vars, secrets) = secrets(workspace)?;
    let real_key = if options.fake { None } else { RealKey::find(&dev_vars) };
    let (fake_url, mut fake) = match real_key {
        None => Some(FakeOpenai::start(workspace, options.fake_port)?),
        Some(_) => None,
    }
    .map(|fake| (fake.url, fake.group))
    .unzip();

    let settings = Settings {
        address: edge,
        state: &state,
        log_level: &options.log_level,
        vars: &options.vars,
        fake_openai: fake_url.as_deref(),
        environment_key: match &real_key {
            Some(RealKey::Environment(key)) => Some(key),
            _ => None,
        },
    };
    let mut wrangler = wrangler::start(workspace, &settings)?;
    let mut must_run = || -> Result<()> {
        wrangler.group.must_run()?;
        fake.as_mut().map_or(Ok(()), Group::must_run)?;
        if options.with_parent && getppid() != parent {
            bail!("the program that started this one is gone");
        }
        Ok(())
    };
    ready::wait(Server { address: edge, bearer: None }, &mut must_run)?;

    let keys = first_client::ensure(edge, &state, &secrets.admin_token)?;
    let session = Session::new(edge, fake_url.as_deref(), &keys, &secrets.admin_token)?;
    session.announce(options.json)?;
    watch(&mut must_run)
}

/// One at a time: of two first runs at once, each would make its own.
fn secrets(workspace: &Workspace) -> Result<(DevVars, Secrets)> {
    let _lock = lock::acquire(&workspace.path(".wrangler/secrets.lock"), "first run")?;
    let mut dev_vars = DevVars::read(&workspace.path(".dev.vars"))?;
    let secrets = Secrets::ensure(&mut dev_vars)?;
    Ok((dev_vars, secrets))
}

/// Goes on until the user wants to end, which is a success here, or a program fails.
fn watch(must_run: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    while stop::nap().is_ok() {
        must_run()?;
    }
    eprintln!("ending");
    Ok(())
}

/// Where a key for the real API was found.
enum RealKey {
    Environment(String),
    DevVars,
}

impl RealKey {
    fn find(dev_vars: &DevVars) -> Option<Self> {
        if let Some(key) = env::var("OPENAI_API_KEY").ok().filter(|key| !key.is_empty()) {
            return Some(Self::Environment(key));
        }
        dev_vars.get("OPENAI_API_KEY").filter(|key| !key.is_empty()).map(|_| Self::DevVars)
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}
