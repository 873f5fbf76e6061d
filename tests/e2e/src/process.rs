//! Running programs as Linux shows them in `/proc`.

use std::fs;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The workerd that runs the Worker below the program `root`. wrangler starts another one in front of it, which listens on
/// the port of the edge and passes requests on.
pub fn workerd(root: u32, edge: &str) -> Result<u32> {
    let port = edge.rsplit(':').next().context("an address has a port")?;
    let in_front = format!("127.0.0.1:{port}");
    let runs_it =
        |pid: &u32| command_line(*pid).is_some_and(|line| line.contains("workerd serve") && !line.contains(&in_front));
    let found: Vec<u32> = descendants(root)?.into_iter().filter(runs_it).collect();
    match found[..] {
        [pid] => Ok(pid),
        _ => bail!("one workerd was expected below {root}, and these were found: {found:?}"),
    }
}

/// Ends a program without a chance to clean up.
pub fn end_at_once(pid: u32) -> Result<()> {
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL).with_context(|| format!("cannot end process {pid}"))
}

/// A figure of `/proc/PID/status` in bytes: `VmRSS` is the memory in use now, `VmHWM` the most that ever was.
pub fn memory(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid} is gone"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.with_context(|| format!("no {name} of process {pid}"))? * 1024)
}

/// Makes the most that ever was (`VmHWM`) start again from what is in use now.
pub fn forget_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").with_context(|| format!("cannot reset the peak of process {pid}"))
}

fn descendants(root: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").context("the tests need Linux's /proc")?.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        // A process may end while the list is read.
        if let Some(pid) = pid
            && let Some(parent) = parent(pid)
        {
            parents.push((pid, parent));
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    Ok(found)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything; after it come its state and its parent.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn command_line(pid: u32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&line).replace('\0', " "))
}
