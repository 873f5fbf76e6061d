//! The Worker: Rust to Wasm by worker-build, into `edge/build/`.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fingerprint::{self, Fingerprint};
use crate::setup::Tools;
use crate::workspace::Workspace;
use crate::{lock, process};

/// What the Worker may weigh when compressed. The platform takes more; start-up time and the
/// free plan's limit are why it should stay far below.
const LIMIT: usize = 1536 * 1024;

/// Relative to the workspace; what wrangler uploads.
const OUTPUT: [&str; 2] = ["edge/build/index.js", "edge/build/index_bg.wasm"];

/// Files and folders of the crates that do not end up in the Worker: what a build made, and what is
/// compiled for tests only. wasm-opt takes half a minute, which no change of a test should cost.
const NOT_THE_WORKER: [&str; 4] = ["build", "sim", "tests", "tests.rs"];

const STAMP: &str = "edge/build/.pincel-stamp";

#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Build even when nothing changed.
    #[arg(long)]
    force: bool,
}

/// Builds where something changed, and says what the Worker weighs.
pub(crate) fn run(workspace: &Workspace, tools: &Tools, options: &Options) -> Result<()> {
    ensure(workspace, tools, options)?;
    weigh(workspace)
}

/// Builds where something changed.
pub(crate) fn ensure(workspace: &Workspace, tools: &Tools, options: &Options) -> Result<()> {
    // The terminal, wrangler's watcher and the tests may all want the Worker at once.
    let _lock = lock::acquire(&workspace.path(".wrangler/build.lock"), "build")?;
    let wanted = fingerprint(workspace, tools)?;
    if options.force || !is_fresh(workspace, &wanted) {
        eprintln!("building the Worker");
        build(workspace, tools)?;
        fingerprint::write_stamp(&workspace.path(STAMP), &wanted)?;
    }
    Ok(())
}

fn is_fresh(workspace: &Workspace, wanted: &str) -> bool {
    OUTPUT.iter().all(|file| workspace.path(file).exists()) && fingerprint::is_stamped(&workspace.path(STAMP), wanted)
}

fn build(workspace: &Workspace, tools: &Tools) -> Result<()> {
    process::run(
        process::command(&tools.worker_build)
            .arg("--release")
            // worker-build builds the crate that it stands in.
            .current_dir(workspace.path("edge"))
            .env("PATH", workspace.search_path()?)
            .env("WASM_BINDGEN_BIN", &tools.wasm_bindgen)
            .env("WASM_OPT_BIN", workspace.npm_bin("wasm-opt"))
            .env("ESBUILD_BIN", workspace.npm_bin("esbuild")),
        "worker-build",
    )
}

/// Prints what the Worker weighs; too much is a failure.
fn weigh(workspace: &Workspace) -> Result<()> {
    let (mut raw, mut compressed) = (0, 0);
    for file in OUTPUT {
        let bytes = read(&workspace.path(file))?;
        raw += bytes.len();
        compressed += gzip_size(&bytes)?;
    }
    eprintln!("the Worker weighs {}, {} with gzip (limit {})", kibibytes(raw), kibibytes(compressed), kibibytes(LIMIT));
    if compressed > LIMIT {
        bail!("the Worker is too heavy; `cargo bloat` or `twiggy top {}` show by what", OUTPUT.join(" "));
    }
    Ok(())
}

fn fingerprint(workspace: &Workspace, tools: &Tools) -> Result<String> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.text(&tools.versions);
    for file in ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml", "package-lock.json"] {
        fingerprint.file(&workspace.path(file))?;
    }
    for crate_folder in ["domain", "engine", "edge"] {
        fingerprint.folder(&workspace.path(crate_folder), &NOT_THE_WORKER)?;
    }
    Ok(fingerprint.finish())
}

fn gzip_size(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("worker-build left no {}", path.display()))
}

fn kibibytes(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
