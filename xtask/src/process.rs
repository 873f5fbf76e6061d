//! Programs that never outlive this one.
//!
//! Each runs in a process group of its own, which ends as a whole: wrangler's workerd is a
//! grandchild that nobody else would end. On Linux the kernel also ends a child when this
//! process is killed without a chance to clean up; see [`Tied`].

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getppid};

use crate::stop;

/// How long a group may take to end politely.
const GRACE: Duration = Duration::from_secs(3);

/// A command that is tied to this process; see [`Tied`]. It reads nothing from the terminal and
/// says everything on standard error, since standard output belongs to what the user asked for.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = tied(program.as_ref());
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    command
}

/// Runs to the end; fails when the command does.
pub(crate) fn run(command: &mut Command, name: &str) -> Result<()> {
    let status = Group::spawn(command, name)?.wait()?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

/// Runs to the end and returns what was printed on standard output.
pub(crate) fn capture(command: &mut Command, name: &str) -> Result<String> {
    let mut group = Group::spawn(command.stdout(Stdio::piped()), name)?;
    let mut stdout = group.stdout()?;
    // In a thread: a full pipe would hold the program up, a read here would not hear Ctrl-C.
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let status = group.wait()?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    match reader.join() {
        Ok(text) => text.with_context(|| format!("cannot read what {name} said")),
        Err(_) => bail!("cannot read what {name} said"),
    }
}

/// Runs to the end and returns what was printed, without a group: for short questions only.
pub(crate) fn ask(command: &mut Command, name: &str) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{name} failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program of this name can be started.
pub(crate) fn on_path(name: &str) -> bool {
    let Some(path) = env::var_os("PATH") else {
        return false;
    };
    env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// A running program with all that it starts; dropping it ends them.
pub(crate) struct Group {
    name: String,
    child: Child,
    id: Pid,
}

impl Group {
    pub(crate) fn spawn(command: &mut Command, name: &str) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let id = i32::try_from(child.id()).context("a process id out of range")?;
        Ok(Self { name: name.to_owned(), child, id: Pid::from_raw(id) })
    }

    /// The pipe, where standard output was made one.
    pub(crate) fn stdout(&mut self) -> Result<ChildStdout> {
        self.child.stdout.take().with_context(|| format!("{} has no standard output to read", self.name))
    }

    /// Waits for the end of the program, or of this one.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            stop::nap()?;
        }
    }

    /// Fails when the program, which should go on for ever, has ended.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself ({status})", self.name),
        }
    }

    fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Whether any process of the group is alive. The leader must have been waited for, since a
    /// process that nobody waits for still counts.
    fn alive(&mut self) -> bool {
        let _ = self.child.try_wait();
        killpg(self.id, None) != Err(Errno::ESRCH)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nothing to report to from here: a group that is gone already is the usual case.
        if killpg(self.id, Signal::SIGTERM).is_err() {
            return;
        }
        let deadline = Instant::now() + GRACE;
        while self.alive() {
            if Instant::now() > deadline {
                let _ = killpg(self.id, Signal::SIGKILL);
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// `xtask tied PARENT PROGRAM ARGS…`: asks the kernel for SIGTERM at the parent's death and then
/// becomes the program. A request of this kind survives `exec`; making it between `fork` and
/// `exec` of the standard library would take `unsafe` code.
#[derive(clap::Args)]
pub(crate) struct Tied {
    parent: i32,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

impl Tied {
    /// Does not return unless it fails.
    pub(crate) fn exec(self) -> Result<()> {
        #[cfg(target_os = "linux")]
        nix::sys::prctl::set_pdeathsig(Signal::SIGTERM).context("cannot tie to the parent")?;
        // The parent may have died before the line above.
        if getppid() != Pid::from_raw(self.parent) {
            bail!("the process that wanted this program is gone");
        }
        let Some((program, args)) = self.program.split_first() else {
            bail!("no program to start");
        };
        let error = Command::new(program).args(args).exec();
        Err(error).with_context(|| format!("cannot start {}", program.to_string_lossy()))
    }
}

#[cfg(target_os = "linux")]
fn tied(program: &OsStr) -> Command {
    // Not `current_exe`: cargo may have replaced that file by a newer one since this one started.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("xtask").arg("tied").arg(std::process::id().to_string()).arg(program);
    command
}

#[cfg(not(target_os = "linux"))]
fn tied(program: &OsStr) -> Command {
    Command::new(program)
}
