//! One request to the Worker, and its reply.
//!
//! HTTP/1.1 as far as a local Worker speaks it (RFC 9112): a connection for each request, bodies of JSON. Not worth an HTTP
//! client: this program is compiled before anything else can happen, so it should be small.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(15);

/// No reply of the routes that are asked here is longer.
const LONGEST: u64 = 1 << 20;

/// A reply; the document is null where there is none.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) document: Value,
}

impl Answer {
    /// The code of an error in the API's shape.
    pub(crate) fn code(&self) -> &str {
        self.document.pointer("/error/code").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Who is asked, and as whom.
#[derive(Clone, Copy)]
pub(crate) struct Server<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) bearer: Option<&'a str>,
}

impl Server<'_> {
    /// Sends a request, with a body where there is one.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let mut stream = TcpStream::connect_timeout(&self.address, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(self.request(method, path, body).as_bytes())?;
        let mut reply = Vec::new();
        stream.take(LONGEST).read_to_end(&mut reply)?;
        answer(&reply).ok_or_else(|| Error::new(ErrorKind::InvalidData, "it answers nonsense"))
    }

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        let body = body.map(Value::to_string);
        let mut lines = vec![
            format!("{method} {path} HTTP/1.1"),
            format!("Host: {}", self.address),
            "Connection: close".to_owned(),
        ];
        lines.extend(self.bearer.map(|bearer| format!("Authorization: Bearer {bearer}")));
        if let Some(body) = &body {
            lines.extend(["Content-Type: application/json".to_owned(), format!("Content-Length: {}", body.len())]);
        }
        lines.join("\r\n") + "\r\n\r\n" + body.as_deref().unwrap_or_default()
    }
}

/// A whole reply, after which the connection was closed.
fn answer(reply: &[u8]) -> Option<Answer> {
    let end = reply.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = reply.split_at_checked(end + 4)?;
    let head = std::str::from_utf8(head).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let is_chunked = head.lines().any(|line| line.eq_ignore_ascii_case("transfer-encoding: chunked"));
    let body = if is_chunked { joined(body)? } else { body.to_vec() };
    Some(Answer { status, document: serde_json::from_slice(&body).unwrap_or_default() })
}

/// The chunks of a body, each behind a line with its length in hexadecimal.
fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        // What stands behind a semicolon is an extension, which nobody here uses.
        let length = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        let start = end + 2;
        body.extend(rest.get(start..start.checked_add(length)?)?);
        rest = rest.get(start + length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(reply: &str, expected: Option<(u16, Value)>) {
        let expected = expected.map(|(status, document)| Answer { status, document });
        assert_eq!(answer(reply.as_bytes()), expected, "{reply:?}");
    }

    #[test]
    fn replies() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}", Some((200, json!({ "a": 1 }))));
        check("HTTP/1.1 503 Service Unavailable\r\n\r\n", Some((503, Value::Null)));
        check("HTTP/1.1 404 Not Found\r\n\r\nno JSON", Some((404, Value::Null)));
        let chunked = "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n";
        check(&format!("{chunked}3\r\n{{\"a\r\n4;x=y\r\n\":1}}\r\n0\r\n\r\n"), Some((201, json!({ "a": 1 }))));
        for broken in ["", "9", "9\r\n{}", "x\r\n{}\r\n0\r\n\r\n", "ffffffffffffffff\r\n{}\r\n0\r\n\r\n", "2\r\n{}\r\n"]
        {
            check(&format!("{chunked}{broken}"), None);
        }
        for nonsense in ["", "HTTP/1.1", "HTTP/1.1 200 OK\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"] {
            check(nonsense, None);
        }
    }

    #[test]
    fn requests() {
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let plain = Server { address, bearer: None }.request("GET", "/healthz", None);
        assert_eq!(plain, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:9\r\nConnection: close\r\n\r\n");
        let full = Server { address, bearer: Some("t") }.request("POST", "/x", Some(&json!({ "a": "é" })));
        assert_eq!(
            full,
            "POST /x HTTP/1.1\r\nHost: 127.0.0.1:9\r\nConnection: close\r\nAuthorization: Bearer t\r\n\
             Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"a\":\"é\"}"
        );
    }
}
