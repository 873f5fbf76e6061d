//! Is the Worker there yet?

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::stop;

/// A start takes two or three seconds. It takes a build more when a source changed since ours:
/// wrangler asks for one, too.
const LIMIT: Duration = Duration::from_mins(3);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Asks `/healthz` until it is well; `must_run` fails when there is nothing to wait for.
pub(crate) fn wait(edge: SocketAddr, must_run: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    let mut last = "nothing listens there".to_owned();
    loop {
        must_run()?;
        match status(edge) {
            Ok(Some(200)) => return Ok(()),
            Ok(Some(code)) => last = format!("it answers {code}"),
            Ok(None) => "it answers nonsense".clone_into(&mut last),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => last = error.to_string(),
        }
        if Instant::now() > deadline {
            bail!("the Worker was not ready within {} s: http://{edge}/healthz: {last}", LIMIT.as_secs());
        }
        stop::nap()?;
    }
}

/// The status code of one request. Not worth an HTTP client: this program is compiled before
/// anything else can happen, so it should be small.
fn status(edge: SocketAddr) -> std::io::Result<Option<u16>> {
    let mut stream = TcpStream::connect_timeout(&edge, ANSWER_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {edge}\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    stream.take(64).read_to_end(&mut head)?;
    Ok(code(&String::from_utf8_lossy(&head)))
}

fn code(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn the_status_line_gives_the_code() {
        assert_eq!(code("HTTP/1.1 200 OK\r\n"), Some(200));
        assert_eq!(code("HTTP/1.1 503 Service Unavailable"), Some(503));
        assert_eq!(code("HTTP/1.1"), None);
        assert_eq!(code("SSH-2.0"), None);
    }
}
