//! Is the Worker there yet?

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::http::Server;
use crate::stop;

/// A start takes two or three seconds. It takes a build more when a source changed since ours:
/// wrangler asks for one, too.
const LIMIT: Duration = Duration::from_mins(3);

/// Asks `/healthz` until it is well; `must_run` fails when there is nothing to wait for.
pub(crate) fn wait(worker: Server<'_>, must_run: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    let mut last = "nothing listens there".to_owned();
    loop {
        must_run()?;
        match worker.ask("GET", "/healthz", None) {
            Ok(answer) if answer.status == 200 => return Ok(()),
            Ok(answer) => last = format!("it answers {}", answer.status),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => last = error.to_string(),
        }
        if Instant::now() > deadline {
            let address = worker.address;
            bail!("the Worker was not ready within {} s: http://{address}/healthz: {last}", LIMIT.as_secs());
        }
        stop::nap()?;
    }
}
