use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use super::*;

/// A request that is expected next, and how it is answered.
type Step = (&'static str, u16, Value);

/// Plays the Worker for these steps, in a state folder with or without keys. Gives the API key that comes out, or the error.
fn play(name: &str, kept: Option<&str>, steps: Vec<Step>) -> Result<String> {
    let folder = std::env::temp_dir().join(format!("pincel-first-client-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = KeyFile::of(&folder);
    if let Some(key) = kept {
        file.write(&Keys {
            api_key: key.to_owned(),
            signing_key_id: "dev-1".to_owned(),
            signing_secret: "s".to_owned(),
        })?;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let worker = thread::spawn(move || {
        for (expected, status, document) in steps {
            let (mut stream, _) = listener.accept().unwrap();
            assert_eq!(request(&mut BufReader::new(&stream)), expected);
            write!(stream, "HTTP/1.1 {status} X\r\n\r\n{document}").unwrap();
        }
    });
    let keys = ensure(address, &folder, "t");
    worker.join().expect("other requests than expected");
    if let Ok(keys) = &keys {
        assert_eq!(file.read()?.as_ref(), Some(keys));
    }
    fs::remove_dir_all(&folder)?;
    Ok(keys?.api_key)
}

/// Reads a whole request; its method, its path and whose token it has.
fn request(reader: &mut impl BufRead) -> String {
    let (mut line, mut bearer, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut line).unwrap();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        match header.trim().split_once(": ") {
            Some(("Authorization", value)) => value.clone_into(&mut bearer),
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    format!("{} {}", line.trim().trim_end_matches(" HTTP/1.1"), bearer.trim_start_matches("Bearer "))
}

const FIND: &str = "GET /admin/v1/clients/dev t";
const TRY_OLD: &str = "GET /v1/images/0000000000000000000000000000000000000000000000000000000000000000 old";

fn error(code: &str) -> Value {
    json!({ "error": { "code": code, "message": "of the Worker" } })
}

fn client(keys: &[&str], kids: &[&str]) -> Value {
    // The newest first, so that the order of the list is not taken for the order of time.
    let aged = |name: &str, ids: &[&str]| -> Vec<Value> {
        ids.iter().rev().enumerate().map(|(at, id)| json!({ name: id, "created_ms": 9 - at })).collect()
    };
    json!({ "id": "dev", "keys": aged("id", keys), "signing_keys": aged("kid", kids) })
}

/// The end of every way on which keys are made.
fn made() -> [Step; 2] {
    [
        ("POST /admin/v1/clients/dev/keys t", 201, json!({ "id": "3", "key": "new" })),
        ("POST /admin/v1/clients/dev/signing-keys t", 201, json!({ "kid": "dev-9", "secret": "s" })),
    ]
}

#[track_caller]
fn check(name: &str, kept: Option<&str>, steps: Vec<Step>, expected: &str) {
    assert_eq!(play(name, kept, steps).unwrap(), expected, "{name}");
}

#[test]
fn keys_are_made_once_and_again_where_they_open_nothing() {
    let create = ("POST /admin/v1/clients t", 201, client(&[], &[]));
    let absent = (FIND, 404, error("client_not_found"));
    let known = (FIND, 200, client(&["1"], &["dev-1"]));
    let [key, signing_key] = made();
    check("first", None, vec![absent.clone(), create.clone(), key.clone(), signing_key.clone()], "new");
    check("state-removed", Some("old"), vec![absent, create, key.clone(), signing_key.clone()], "new");
    check("kept", Some("old"), vec![known.clone(), (TRY_OLD, 404, error("picture_not_found"))], "old");
    check("suspended", Some("old"), vec![known.clone(), (TRY_OLD, 403, error("client_suspended"))], "old");
    let refused = (TRY_OLD, 401, error("invalid_api_key"));
    check("master-changed", Some("old"), vec![known.clone(), refused, key.clone(), signing_key.clone()], "new");
    check("file-removed", None, vec![known, key.clone(), signing_key.clone()], "new");
    let revoked = (FIND, 200, client(&["1"], &["dev-2"]));
    let fine = (TRY_OLD, 404, error("picture_not_found"));
    check("kid-revoked", Some("old"), vec![revoked, fine, key.clone(), signing_key.clone()], "new");
    let full = (FIND, 200, client(&["1", "2"], &["dev-2", "dev-3", "dev-4", "dev-5", "dev-6"]));
    let revoke = ("DELETE /admin/v1/clients/dev/keys/1 t", 200, json!({}));
    let revoke_kid = ("DELETE /admin/v1/clients/dev/signing-keys/dev-2 t", 200, json!({}));
    check("full", None, vec![full, revoke, revoke_kid, key, signing_key], "new");
}

#[test]
fn what_is_wrong_is_said() {
    let not_configured = (FIND, 503, error("not_configured"));
    let ready = ("GET /readyz t", 503, json!({ "problems": ["PINCEL_SECRET cannot be read."] }));
    for (name, steps, said) in [
        ("not-configured", vec![not_configured, ready], "PINCEL_SECRET cannot be read."),
        ("foreign-token", vec![(FIND, 401, error("invalid_api_key"))], "PINCEL_ADMIN_TOKEN"),
        ("broken", vec![(FIND, 500, error("x"))], "500 x: of the Worker"),
    ] {
        let error = format!("{:#}", play(name, None, steps).unwrap_err());
        assert!(error.contains(said), "{name}: {error}");
    }
}
