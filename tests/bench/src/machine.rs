//! The machine, in the words in which figures are quoted.

use std::fs;
use std::thread::available_parallelism;

use serde_json::Value;

use crate::server::workspace;

/// Cores, processor, system, workerd.
pub fn description() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    let cores = if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
    let processor = value_in("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unknown processor".to_owned());
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let workerd = workerd().unwrap_or_else(|| "unknown".to_owned());
    format!("{cores} of {processor}, Linux {}, workerd {workerd} under Miniflare", system.trim())
}

fn value_in(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn workerd() -> Option<String> {
    let text = fs::read_to_string(workspace().join("node_modules/workerd/package.json")).ok()?;
    let package: Value = serde_json::from_str(&text).ok()?;
    package.get("version")?.as_str().map(str::to_owned)
}
