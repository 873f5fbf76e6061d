//! What the kernel says of processes: `proc(5)`.

use std::fs;

use anyhow::{Context, Result};

/// Units of the kernel's times in a second, the same on every Linux for programs like this one.
const TICKS: f64 = 100.0;

struct Process {
    id: u32,
    parent: u32,
    name: String,
    ticks: u64,
}

/// Processor time, user and system, of a process and all that it started, in milliseconds.
pub fn processor_ms(root: u32) -> f64 {
    let ticks: u64 = family(root).iter().map(|process| process.ticks).sum();
    #[expect(clippy::cast_precision_loss, reason = "a year has fewer than 2^53 ticks")]
    let ticks = ticks as f64;
    ticks * 1_000.0 / TICKS
}

/// The process of this name among those that `root` started.
pub fn descendant(root: u32, name: &str) -> Result<u32> {
    let found = family(root).into_iter().find(|process| process.name == name);
    found.map(|process| process.id).with_context(|| format!("process {root} runs no {name}"))
}

/// Memory that a process holds now, in bytes.
pub fn resident(id: u32) -> Result<f64> {
    status(id, "VmRSS:")
}

/// The most memory that a process held since [`reset_peak`], in bytes.
pub fn peak(id: u32) -> Result<f64> {
    status(id, "VmHWM:")
}

pub fn reset_peak(id: u32) -> Result<()> {
    fs::write(format!("/proc/{id}/clear_refs"), "5").context("cannot reset the highest memory of a process")
}

fn status(id: u32, name: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/status"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)).context("no such line in a process's status")?;
    let kibibytes: f64 = value.trim().trim_end_matches("kB").trim_end().parse()?;
    Ok(kibibytes * 1_024.0)
}

fn family(root: u32) -> Vec<Process> {
    let mut rest = all();
    let (mut family, mut at): (Vec<_>, _) = (rest.extract_if(.., |process| process.id == root).collect(), 0);
    while let Some(parent) = family.get(at).map(|process| process.id) {
        family.extend(rest.extract_if(.., |process| process.parent == parent));
        at += 1;
    }
    family
}

fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        // One that ended meanwhile has nothing to say.
        .filter_map(|id: u32| parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?))
        .collect()
}

fn parse(stat: &str) -> Option<Process> {
    // The name may hold spaces and parentheses; what follows its last one may not.
    let (id, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Process {
        id: id.parse().ok()?,
        parent: fields.get(1)?.parse().ok()?,
        name: name.to_owned(),
        ticks: number(11)? + number(12)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat() {
        let process = parse("12 (a) (b c) S 7 12 12 0 -1 4194560 1 2 3 4 50 6 7 8 20").unwrap();
        assert_eq!((process.id, process.parent, process.name.as_str(), process.ticks), (12, 7, "a) (b c", 56));
        assert!(parse("12 (a").is_none());
    }
}
