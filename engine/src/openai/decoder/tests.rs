use base64::engine::general_purpose::STANDARD as PLAIN;
use proptest::prelude::*;

use super::*;

/// The pictures and the document, whatever the pieces.
fn read(reply: &[u8], cuts: &[usize]) -> Result<(Vec<Vec<u8>>, String), DecodeError> {
    let mut decoder = Decoder::default();
    let (mut pictures, mut current) = (Vec::new(), Vec::new());
    let mut at = 0;
    for cut in cuts.iter().copied().chain([reply.len()]) {
        for event in decoder.push(&reply[at.min(cut)..cut.max(at)])? {
            match event {
                Event::Bytes(bytes) => current.extend(bytes),
                Event::End => pictures.push(std::mem::take(&mut current)),
            }
        }
        at = cut.max(at);
    }
    assert!(decoder.is_between_pictures());
    Ok((pictures, String::from_utf8(decoder.document()).unwrap()))
}

#[track_caller]
fn check(reply: &str, pictures: &[&[u8]], document: &str) {
    let (got, rest) = read(reply.as_bytes(), &[]).unwrap();
    assert_eq!(got, pictures, "{reply}");
    assert_eq!(rest, document);
}

#[test]
fn table() {
    check("", &[], "");
    check(r#"{"a":1}"#, &[], r#"{"a":1}"#);
    check(r#"{"data":[{"b64_json":"aGk="}]}"#, &[b"hi"], r#"{"data":[{"b64_json":""}]}"#);
    check(r#"{"b64_json" : "aGk"}"#, &[b"hi"], r#"{"b64_json" : ""}"#);
    check(r#"{"b64_json":"","b64_json":"\/\/\/\/"}"#, &[b"", b"\xff\xff\xff"], r#"{"b64_json":"","b64_json":""}"#);
    check(
        r#"{"b64_json":null,"x":"b64_json","y":"q\"b64_json\":"}"#,
        &[],
        r#"{"b64_json":null,"x":"b64_json","y":"q\"b64_json\":"}"#,
    );
    check(r#"["b64_json","aGk="]"#, &[], r#"["b64_json","aGk="]"#);
    check(r#"{"b64_json_":"aGk=","\b64_json":"x"}"#, &[], r#"{"b64_json_":"aGk=","\b64_json":"x"}"#);
}

#[test]
fn refusals() {
    for (reply, error) in [
        (r#"{"b64_json":"a\u0047k="}"#.to_owned(), DecodeError::NotBase64),
        (r#"{"b64_json":"hello world"}"#.to_owned(), DecodeError::NotBase64),
        (r#"{"b64_json":"aGk=aGk="}"#.to_owned(), DecodeError::NotBase64),
        (r#"{"b64_json":"a"}"#.to_owned(), DecodeError::NotBase64),
        (" ".repeat(MAX_DOCUMENT + 1), DecodeError::TooLarge),
    ] {
        assert_eq!(read(reply.as_bytes(), &[]), Err(error), "{}", &reply[..reply.len().min(40)]);
    }
    let mut decoder = Decoder::default();
    decoder.push(br#"{"b64_json":"aG"#).unwrap();
    assert!(!decoder.is_between_pictures());
}

proptest! {
    #[test]
    fn however_it_is_cut(
        pictures in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..4),
        mut cuts in proptest::collection::vec(0usize..1_500, 0..20),
    ) {
        let data: Vec<_> = pictures.iter().map(|bytes| serde_json::json!({"b64_json": PLAIN.encode(bytes)})).collect();
        let reply = serde_json::json!({"created": 1, "data": data, "size": "1x1"}).to_string();
        for cut in &mut cuts {
            *cut = (*cut).min(reply.len());
        }
        cuts.sort_unstable();
        let (got, document) = read(reply.as_bytes(), &cuts).unwrap();
        prop_assert_eq!(got, pictures.clone());
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        prop_assert_eq!(document["data"].as_array().unwrap().len(), pictures.len());
    }

    #[test]
    fn nothing_panics(pieces in proptest::collection::vec("[\"b64_json:\\\\a/={} ]{0,20}", 0..10)) {
        let mut decoder = Decoder::default();
        for piece in pieces {
            if decoder.push(piece.as_bytes()).is_err() {
                break;
            }
        }
    }
}
