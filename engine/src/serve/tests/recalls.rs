//! What an isolate tells from memory is what the longer way comes to.

use super::*;

struct Case {
    proof: Proof,
    target: Target,
    query: &'static str,
    request: Request,
    /// The isolate can tell the reply by itself.
    told: bool,
}

fn image(query: &'static str, request: Request, told: bool) -> Case {
    Case { proof: Proof::Bearer, target: Target::Image, query, request, told }
}

/// Asks twice, so that the second time the isolate remembers; then compares both ways of answering.
#[track_caller]
fn check(case: &Case) {
    let (fake, settings, memo) = (Fake { edge_cache: Some(10), ..Fake::default() }, settings(), RefCell::default());
    let service = Service { ports: &fake, settings: &settings, memo: &memo, signer: None, timing: &Timing::default() };
    let (who, query) = (who(case.proof), Query::parse(case.query).unwrap());
    let told = || recall(&memo.borrow(), &settings, case.target, &who, &query, &case.request, NOW_MS);
    let long_way = || {
        now(async {
            match case.target {
                Target::Image => service.image(&who, &query, &case.request).await,
                Target::ByKey(key) => service.by_key(&who, &key, &query, &case.request).await,
            }
        })
    };
    assert_eq!(told(), None, "nothing is remembered yet");
    if let Target::ByKey(key) = case.target {
        service.remember(&key, pool(2));
    } else {
        now(service.image(&who, &Query::parse(TARGET).unwrap(), &Request::default()));
    }
    assert_eq!(told().is_some(), case.told, "{}", case.query);
    if let Some(told) = told() {
        let reply = long_way();
        assert_eq!((told.status, &told.headers), (reply.status, &reply.headers), "{}", case.query);
        assert_eq!(told.bytes.is_some(), matches!(reply.body, ReplyBody::Picture(_)), "{}", case.query);
        assert_eq!(Some(told.told), reply.told.map(|told| *told), "{}", case.query);
    }
}

#[test]
fn table() {
    let with = |change: fn(&mut Request)| {
        let mut request = Request::default();
        change(&mut request);
        request
    };
    let etag = || with(|request| request.if_none_match = Some(format!("\"{}\"", "0".repeat(64))));
    let key = PictureKey::parse(&"a".repeat(64)).unwrap();
    for case in [
        image(TARGET, Request::default(), true),
        image("prompt=a+cat&take=1", Request::default(), true),
        image("prompt=a+cat&download=1", Request::default(), true),
        image(TARGET, etag(), true),
        image(TARGET, with(|request| request.cache_control = Some("only-if-cached".to_owned())), true),
        image(TARGET, with(|request| request.take = Some("1".to_owned())), true),
        Case {
            proof: Proof::SignedUrl,
            ..image(TARGET, with(|r| r.cache_control = Some("no-cache".to_owned())), true)
        },
        Case { target: Target::ByKey(key), ..image("", Request::default(), true) },
        Case { target: Target::ByKey(key), ..image("take=1", etag(), true) },
        // These wait for something, or are refused, or buy.
        image("prompt=another", Request::default(), false),
        image("prompt=a+cat&take=7", Request::default(), false),
        image("prompt=a+cat&width=1", Request::default(), false),
        image(TARGET, with(|request| request.range = Some("bytes=0-1".to_owned())), false),
        image(TARGET, with(|request| request.cache_control = Some("no-cache".to_owned())), false),
        image(TARGET, with(|request| request.cache_control = Some("no-store".to_owned())), false),
        Case { proof: Proof::SignedUrl, ..image(TARGET, with(|request| request.take = Some("1".to_owned())), false) },
        Case { target: Target::ByKey(key), ..image("take=7", Request::default(), false) },
        Case { target: Target::ByKey(key), ..image("prompt=a", Request::default(), false) },
    ] {
        check(&case);
    }
}

/// Neither another namespace nor a scope that is missing is told from memory.
#[test]
fn not_everybody() {
    let (fake, settings, memo) = (Fake::default(), settings(), RefCell::default());
    let service = Service { ports: &fake, settings: &settings, memo: &memo, signer: None, timing: &Timing::default() };
    let key = PictureKey::parse(&"a".repeat(64)).unwrap();
    service.remember(&key, pool(1));
    let told = |who: &Principal| {
        recall(&memo.borrow(), &settings, Target::ByKey(key), who, &Query::default(), &Request::default(), NOW_MS)
    };
    let shop = who(Proof::Bearer);
    assert!(told(&shop).is_some());
    let stranger = with_policy(Proof::Bearer, &json!({ "namespace": "other" }));
    assert_eq!(told(&stranger), None);
    let generates_only = Principal { scopes: vec![Scope::Generate], ..shop };
    assert_eq!(told(&generates_only), None);
}
