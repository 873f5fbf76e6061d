//! `wrk`, which asks for one address as fast as it is answered.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::server::Server;

/// Enough to keep a server busy, and few enough that none of them waits long.
const CONNECTIONS: u32 = 8;

/// What one turn showed.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub requests_per_s: f64,
    pub processor_ms_per_request: f64,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Target {
    pub url: String,
    pub authorization: Option<String>,
}

/// Asks for `seconds`. An answer that is no success, or none, fails the whole measurement.
pub fn run(server: &Server, target: &Target, seconds: u32) -> Result<Load> {
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", &CONNECTIONS.to_string(), "--duration", &format!("{seconds}s")]);
    if let Some(authorization) = &target.authorization {
        command.args(["--header", &format!("Authorization: {authorization}")]);
    }
    let before = server.processor_ms();
    let output = command.arg(&target.url).output().context("cannot start wrk (Debian: apt-get install wrk)")?;
    let spent = server.processor_ms() - before;
    let (requests, requests_per_s) = parse(&String::from_utf8_lossy(&output.stdout))?;
    Ok(Load { requests_per_s, processor_ms_per_request: spent / requests })
}

fn parse(text: &str) -> Result<(f64, f64)> {
    if let Some(line) = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors")) {
        bail!("the load met errors: {}", line.trim());
    }
    let number = |line: Option<&str>| line?.split_whitespace().next()?.parse::<f64>().ok();
    let requests = number(text.lines().find(|line| line.contains(" requests in ")));
    let rate = number(text.lines().find_map(|line| line.strip_prefix("Requests/sec:")));
    match requests.zip(rate) {
        Some((requests, rate)) if requests > 0.0 => Ok((requests, rate)),
        _ => bail!("wrk said {text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says() {
        let good =
            "Running 3s test\n  2196 requests in 3.03s, 209.79MB read\nRequests/sec:    725.76\nTransfer/sec: 69MB\n";
        assert_eq!(parse(good).unwrap(), (2196.0, 725.76));
        assert!(parse(&format!("{good}  Non-2xx or 3xx responses: 3\n")).is_err());
        assert!(parse("").is_err());
    }
}
