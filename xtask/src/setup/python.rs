//! A Python with the official OpenAI SDK, for the tests that hold the Worker to it.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::fingerprint::{self, Fingerprint};
use crate::workspace::Workspace;
use crate::{lock, process};

const REQUIREMENTS: &str = "tests/e2e/requirements.txt";

/// The interpreter that has the pinned requirements; `$PINCEL_PYTHON` wins where it is set.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(own) = env::var_os("PINCEL_PYTHON").filter(|path| !path.is_empty()) {
        return Ok(own.into());
    }
    let mut wanted = Fingerprint::default();
    // Only the contents: clones in different places share one environment.
    wanted.text(
        &fs::read_to_string(workspace.path(REQUIREMENTS)).with_context(|| format!("cannot read {REQUIREMENTS}"))?,
    );
    let wanted = wanted.finish();
    let short = wanted.get(..16).unwrap_or(&wanted);
    let folder = workspace.tools().join(format!("venv-{short}"));
    let python = folder.join("bin/python");
    let stamp = folder.join("complete");
    // An environment knows its own path, so it is finished by a stamp instead of a rename. A
    // Python that was removed since leaves a dangling link, for which `exists` is false.
    let ready = || python.exists() && fingerprint::is_stamped(&stamp, &wanted);
    if ready() {
        return Ok(python);
    }
    let _lock = lock::acquire(&workspace.tools().join(".venv.lock"), "Python set-up")?;
    if !ready() {
        create(workspace, &folder)?;
        fingerprint::write_stamp(&stamp, &wanted)?;
    }
    Ok(python)
}

fn create(workspace: &Workspace, folder: &PathBuf) -> Result<()> {
    if !process::on_path("python3") {
        bail!(
            "python3 is missing; the SDK tests need it. Debian and Ubuntu: sudo apt-get install \
             python3 python3-venv. Without it: cargo xtask test --native"
        );
    }
    eprintln!("making a Python environment with the OpenAI SDK (once)");
    process::run(process::command("python3").args(["-m", "venv", "--clear"]).arg(folder), "python3 -m venv")
        .context("Debian and Ubuntu: sudo apt-get install python3-venv")?;
    process::run(
        process::command(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(workspace.path(REQUIREMENTS)),
        "pip install",
    )
}
