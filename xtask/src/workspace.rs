//! Where things are in this workspace and in the user's cache.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The workspace and the folder of tools that are shared by all clones on this machine.
pub(crate) struct Workspace {
    root: PathBuf,
    tools: PathBuf,
    program: PathBuf,
}

impl Workspace {
    pub(crate) fn locate() -> Result<Self> {
        // Fixed when this program was compiled: at run time the variable of the same name may be
        // that of another crate, when a test of it started this program.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask/ has no parent folder")?.to_path_buf();
        // Asked for at once: later, Cargo may have put a newer file in its place.
        let program = env::current_exe().context("this program does not know where it is")?;
        Ok(Self { root, tools: tools_folder()?, program })
    }

    /// A path inside the workspace.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// This program, for others that want to call it without Cargo.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The cache of tools that take minutes to build: `$PINCEL_TOOLS`, else in the user's cache.
    pub(crate) fn tools(&self) -> &Path {
        &self.tools
    }

    /// A program that an npm package brought.
    pub(crate) fn npm_bin(&self, name: &str) -> PathBuf {
        self.root.join("node_modules/.bin").join(name)
    }

    /// `$PATH` with the npm packages' programs first: their Node is the one that wrangler needs,
    /// the system's may be older.
    pub(crate) fn search_path(&self) -> Result<OsString> {
        let ours = self.root.join("node_modules/.bin");
        let theirs = env::var_os("PATH").unwrap_or_default();
        env::join_paths(std::iter::once(ours).chain(env::split_paths(&theirs)))
            .context("the workspace's path cannot stand in $PATH")
    }
}

fn tools_folder() -> Result<PathBuf> {
    if let Some(tools) = non_empty("PINCEL_TOOLS") {
        return std::path::absolute(tools).context("PINCEL_TOOLS is not a path");
    }
    let cache = non_empty("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| non_empty("HOME").map(|home| Path::new(&home).join(".cache")))
        .context("no folder for tools: set HOME, XDG_CACHE_HOME or PINCEL_TOOLS")?;
    Ok(cache.join("pincel/tools"))
}

fn non_empty(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
