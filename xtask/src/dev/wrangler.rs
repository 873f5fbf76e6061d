//! wrangler, which runs the Worker in workerd.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{self, Group};
use crate::workspace::Workspace;

/// What wrangler must not do: report, phone home, ask, or decorate.
const SILENCE: [(&str, &str); 6] = [
    ("WRANGLER_SEND_METRICS", "false"),
    ("WRANGLER_SEND_ERROR_REPORTS", "false"),
    ("WRANGLER_HIDE_BANNER", "true"),
    ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
    ("DO_NOT_TRACK", "1"),
    ("CI", "1"),
];

pub(crate) struct Settings<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) state: &'a Path,
    pub(crate) log_level: &'a str,
    pub(crate) vars: &'a [(String, String)],
    /// Where the stand-in is, if it is used.
    pub(crate) fake_openai: Option<&'a str>,
    /// A real key that is in this process's environment only.
    pub(crate) environment_key: Option<&'a String>,
}

pub(crate) struct Wrangler {
    // Before the file: wrangler has ended when the file goes.
    pub(crate) group: Group,
    _key: Option<KeyFile>,
}

pub(crate) fn start(workspace: &Workspace, settings: &Settings) -> Result<Wrangler> {
    let mut command = process::command(workspace.npm_bin("node"));
    command
        .arg(workspace.path("node_modules/wrangler/bin/wrangler.js"))
        .args(["dev", "--config"])
        .arg(workspace.path("wrangler.toml"))
        .args(["--ip", &settings.address.ip().to_string()])
        .args(["--port", &settings.address.port().to_string()])
        .arg("--persist-to")
        .arg(settings.state)
        .args(["--inspector-port", "0", "--show-interactive-dev-session=false"])
        .args(["--log-level", settings.log_level])
        .current_dir(workspace.root())
        .env("PATH", workspace.search_path()?)
        // Else in the user's home: traces of a development run belong to the workspace.
        .env("WRANGLER_LOG_PATH", workspace.path(".wrangler/logs"))
        .env("WRANGLER_REGISTRY_PATH", workspace.path(".wrangler/registry"))
        .envs(SILENCE);
    if let Some(url) = settings.fake_openai {
        // On the command line, which everybody on this machine can read, and over .dev.vars:
        // this key opens nothing.
        command
            .args(["--var", "OPENAI_API_KEY:sk-fake-for-the-stand-in"])
            .args(["--var", &format!("OPENAI_BASE_URL:{url}/v1")]);
    }
    for (name, value) in settings.vars {
        command.args(["--var", &format!("{name}:{value}")]);
    }
    let key = match settings.environment_key {
        None => None,
        Some(key) => {
            let file = KeyFile::write(workspace, key)?;
            // Naming a file makes wrangler leave out .dev.vars unless it is named, too.
            command.arg("--env-file").arg(workspace.path(".dev.vars")).arg("--env-file").arg(&file.0);
            Some(file)
        }
    };
    Ok(Wrangler { group: Group::spawn(&mut command, "wrangler dev")?, _key: key })
}

/// Hands a real key to wrangler without a command line that others can read.
struct KeyFile(PathBuf);

impl KeyFile {
    fn write(workspace: &Workspace, key: &str) -> Result<Self> {
        // The file's syntax would read these as something else, and no key has them.
        let awkward = |c: char| !c.is_ascii_graphic() || "'\"`$\\#".contains(c);
        if key.contains(awkward) {
            bail!("OPENAI_API_KEY in the environment does not look like a key");
        }
        let folder = workspace.path(".wrangler");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("key-{}.env", std::process::id()));
        let file = Self(path);
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&file.0)
            .and_then(|mut open| writeln!(open, "OPENAI_API_KEY='{key}'"))
            .with_context(|| format!("cannot write {}", file.0.display()))?;
        Ok(file)
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
