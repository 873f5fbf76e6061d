use super::*;

#[track_caller]
fn refuses(body: &str, param: &str, code: &str) {
    let error = PurgeRequest::parse(body.as_bytes()).unwrap_err();
    let got = (error.status, error.param.as_deref().unwrap(), error.code.as_deref().unwrap());
    assert_eq!(got, (400, param, code), "{body}");
}

#[test]
fn a_purge_is_soft_and_real_unless_it_is_said() {
    let read = |body: &str| {
        let request = PurgeRequest::parse(body.as_bytes()).unwrap();
        (request.mode, request.dry_run)
    };
    assert_eq!(read(r#"{"selector":{"client":"shop"}}"#), (Mode::Soft, false));
    assert_eq!(read(r#"{"selector":{"client":"shop"},"mode":"hard","dry_run":true}"#), (Mode::Hard, true));
}

#[test]
fn refusals() {
    for wrong in [
        "",
        "[]",
        "{}",
        r#"{"selector":{"client":"shop"},"dryrun":true}"#,
        r#"{"selector":{"client":"shop"},"dry_run":1}"#,
        r#"{"selector":{"client":"shop"},"mode":"Hard"}"#,
        r#"{"selector":{"client":"shop","client":"x"}}"#,
        r#"{"selector":{"clients":["shop"]}}"#,
        r#"{"selector":null}"#,
    ] {
        refuses(wrong, "body", "invalid_json");
    }
    refuses(r#"{"selector":{}}"#, "selector", "empty_selector");
    refuses(r#"{"selector":{"keys":[]},"dry_run":true}"#, "selector.keys", "invalid_selector");
}

#[test]
fn the_list() {
    let read = |query: &str| PurgeList::parse(&Query::parse(query).unwrap());
    let id = PurgeId::new([7; 16]).as_str().to_owned();
    assert_eq!(read(""), Ok(PurgeList { after: None, limit: 20 }));
    assert_eq!(read(&format!("limit=3&after={id}")), Ok(PurgeList { after: Some(id), limit: 3 }));
    for (wrong, param, code) in [
        ("before=1", "before", "unknown_parameter"),
        ("limit=0", "limit", "invalid_value"),
        ("after=", "after", "invalid_cursor"),
        ("after=purge_1", "after", "invalid_cursor"),
    ] {
        let error = read(wrong).unwrap_err();
        assert_eq!((error.param.as_deref(), error.code.as_deref()), (Some(param), Some(code)), "{wrong}");
    }
}
