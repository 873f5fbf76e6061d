//! Replies that are the picture itself.

use super::*;

const HIT: &str = "cache-status: pincel; hit; ttl=86400; detail=kv";
const PRIVATE: &str = "cache-control: private, max-age=300";
const PUBLIC: &str = "cache-control: public, max-age=300, s-maxage=86400";

/// What describes take 0, however it was come by.
const SAVED: &str = "x-pincel-saved: 0.004";
const REPR: &str = "repr-digest: sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
const MODIFIED: &str = "last-modified: Mon, 21 Sep 2026 14:12:20 GMT";
const ETAG: &str = "etag: \"0000000000000000000000000000000000000000000000000000000000000000\"";
const RECEIPT: &str = "x-pincel-receipt: job_01010101010101010101010101010101";

fn bearer() -> Principal {
    who(Proof::Bearer)
}

fn directive(value: &str) -> Request {
    Request { cache_control: Some(value.to_owned()), ..Request::default() }
}

#[track_caller]
fn source(reply: Reply<Vec<u8>>) -> Source<Vec<u8>> {
    let ReplyBody::Picture(source) = reply.body else { panic!("{reply:?}") };
    source
}

#[test]
fn a_hit() {
    let reply = image(&Fake::default(), &bearer(), TARGET, &Request::default());
    let expected = [
        "200",
        HIT,
        "age: 0",
        "x-pincel-cost: 0.00",
        "x-pincel-take: 0",
        SAVED,
        REPR,
        MODIFIED,
        PRIVATE,
        ETAG,
        "content-type: image/png",
        "accept-ranges: bytes",
    ];
    assert_eq!(lines(&reply), expected);
    assert!(reply.headers.get("x-pincel-key").is_some());
    assert_eq!(reply.length(), 10);
    let source = source(reply);
    assert_eq!((source.check, source.keep), (Some(Digest([0; 32])), Some(Format::Png)));
}

#[test]
fn a_hit_by_a_signed_url_may_be_shared() {
    let reply = image(&Fake::default(), &who(Proof::SignedUrl), TARGET, &Request::default());
    assert!(lines(&reply).contains(&PUBLIC.to_owned()));
}

#[test]
fn a_miss() {
    let fake = Fake::answering([made(&[(0, How::Made)])]);
    let reply = image(&fake, &bearer(), TARGET, &Request::default());
    let expected = [
        "200",
        "cache-status: pincel; fwd=uri-miss; stored",
        "age: 0",
        "x-pincel-cost: 0.006055",
        RECEIPT,
        "x-pincel-take: 0",
        REPR,
        MODIFIED,
        PRIVATE,
        ETAG,
        "content-type: image/png",
        "accept-ranges: bytes",
    ];
    assert_eq!(lines(&reply), expected);
    assert_eq!(fake.wants(), [Want::First(1.try_into().unwrap())]);
}

#[test]
fn how_it_was_come_by() {
    let check = |how, status: &str| {
        let reply = image(&Fake::answering([made(&[(0, how)])]), &bearer(), TARGET, &Request::default());
        assert_eq!(reply.headers.get("cache-status"), Some(status));
        assert_eq!(reply.headers.get("x-pincel-saved").is_some(), how != How::Made);
    };
    check(How::Had, "pincel; hit; ttl=86400; detail=object");
    check(How::Joined, "pincel; fwd=uri-miss; stored; collapsed");
}

#[test]
fn the_memory_of_an_isolate() {
    let fake = Fake::default();
    let reply = serve(&fake, async |service| {
        let query = Query::parse(TARGET).unwrap();
        service.image(&bearer(), &query, &Request::default()).await;
        service.image(&bearer(), &query, &Request::default()).await
    });
    assert_eq!(reply.headers.get("cache-status"), Some("pincel; hit; ttl=86400; detail=memo"));
}

#[test]
fn not_modified() {
    let tag = format!("\"{}\"", Digest([0; 32]));
    let request = Request { if_none_match: Some(format!("W/{tag}")), ..Request::default() };
    let fake = Fake { store: Store::Down, ..Fake::default() };
    let reply = image(&fake, &bearer(), TARGET, &request);
    let expected =
        ["304", HIT, "age: 0", "x-pincel-cost: 0.00", "x-pincel-take: 0", SAVED, REPR, MODIFIED, PRIVATE, ETAG];
    assert_eq!(lines(&reply), expected);
    assert_eq!((reply.length(), fake.reads.get()), (0, 0));
}

#[test]
fn ranges() {
    let check = |range: &str, if_range: Option<&str>, expected: (u16, Option<&str>, u64)| {
        let (range, if_range) = (Some(range.to_owned()), if_range.map(str::to_owned));
        let reply = image(&Fake::default(), &bearer(), TARGET, &Request { if_range, range, ..Request::default() });
        let got = (reply.status, reply.headers.get("content-range"), reply.length());
        if expected.0 == 416 {
            assert_eq!((got.0, got.1), (expected.0, expected.1));
            assert_eq!(code(&reply), "range_not_satisfiable");
            return;
        }
        assert_eq!(got, expected);
        let whole = expected.0 == 200;
        let source = source(reply);
        // A part proves nothing about the whole, so it is neither checked nor kept.
        assert_eq!((source.check.is_some(), source.keep.is_some()), (whole, whole));
    };
    check("bytes=2-4", None, (206, Some("bytes 2-4/10"), 3));
    check("bytes=-3", None, (206, Some("bytes 7-9/10"), 3));
    check("bytes=0-1, 4-5", None, (200, None, 10));
    check("bytes=10-", None, (416, Some("bytes */10"), 0));
    check("bytes=2-4", Some("\"other\""), (200, None, 10));
}

#[test]
fn head_says_the_same_and_makes_nothing() {
    let head = || Request { head: true, ..Request::default() };
    let fake = Fake::default();
    let reply = image(&fake, &bearer(), TARGET, &head());
    assert_eq!((reply.status, reply.headers.get("content-length"), reply.length()), (200, Some("10"), 0));
    assert_eq!(fake.reads.get(), 0);
    for value in ["no-cache", "no-store"] {
        let request = Request { head: true, ..directive(value) };
        assert_eq!(image(&Fake::default(), &bearer(), TARGET, &request).status, 200, "{value}");
    }
    let fake = Fake::answering([found(None)]);
    let reply = image(&fake, &bearer(), TARGET, &head());
    assert_eq!((reply.status, code(&reply).as_str()), (404, "picture_not_found"));
    assert_eq!(*fake.asked.borrow(), [Ask::Look]);
}

#[test]
fn only_if_cached_makes_nothing() {
    let reply = image(&Fake::default(), &bearer(), TARGET, &directive("only-if-cached"));
    assert_eq!(reply.status, 200);
    // An absence in the pointer store is not believed.
    let fake = Fake::answering([found(Some(pool(1)))]);
    let reply = image(&fake, &bearer(), TARGET, &directive("only-if-cached"));
    assert_eq!(reply.headers.get("cache-status"), Some("pincel; hit; ttl=86400; detail=object"));
    let fake = Fake::answering([found(None)]);
    let reply = image(&fake, &bearer(), TARGET, &directive("only-if-cached"));
    assert_eq!((reply.status, code(&reply).as_str()), (504, "picture_not_found"));
    assert_eq!(*fake.asked.borrow(), [Ask::Look]);
}

#[test]
fn no_store_and_no_cache() {
    let fake = Fake { kv: Kv::Has(pool(2)), ..Fake::answering([loose(1)]) };
    let reply = image(&fake, &bearer(), TARGET, &directive("no-store"));
    let expected = [
        "200",
        "cache-status: pincel; fwd=request",
        "x-pincel-cost: 0.006055",
        RECEIPT,
        "repr-digest: sha-256=:BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=:",
        "cache-control: no-store",
        "content-type: image/webp",
    ];
    assert_eq!(lines(&reply), expected);
    assert_eq!(fake.wants(), [Want::Loose(1.try_into().unwrap())]);

    let fake = Fake { kv: Kv::Has(pool(2)), ..Fake::answering([made(&[(2, How::Made)])]) };
    let reply = image(&fake, &bearer(), TARGET, &directive("no-cache"));
    assert_eq!(reply.headers.get("x-pincel-take"), Some("2"));
    assert_eq!(reply.headers.get("cache-status"), Some("pincel; fwd=request; stored"));
    assert_eq!(fake.wants(), [Want::New { n: 1.try_into().unwrap(), prefer: true }]);
}

#[test]
fn a_header_never_makes_a_signed_url_dearer() {
    for value in ["no-cache", "no-store", "only-if-cached"] {
        let reply = image(&Fake::default(), &who(Proof::SignedUrl), TARGET, &directive(value));
        assert_eq!(lines(&reply)[..2], ["200", HIT], "{value}");
    }
    let request = Request { take: Some("1".to_owned()), ..Request::default() };
    let reply = image(&Fake::default(), &who(Proof::SignedUrl), TARGET, &request);
    assert_eq!((reply.status, code(&reply).as_str()), (400, "invalid_value"));
    let reply = image(&Fake::default(), &who(Proof::SignedUrl), &format!("{TARGET}&take=1"), &Request::default());
    assert_eq!(reply.headers.get("x-pincel-take"), Some("1"));
    let reply = image(&Fake::default(), &bearer(), TARGET, &request);
    assert_eq!(reply.headers.get("x-pincel-take"), Some("1"));
}

#[test]
fn downloads_have_a_name() {
    let reply = image(&Fake::default(), &bearer(), &format!("{TARGET}&download=1"), &Request::default());
    let key = reply.headers.get("x-pincel-key").unwrap();
    let expected = format!("attachment; filename=\"{key}-0.png\"");
    assert_eq!(reply.headers.get("content-disposition"), Some(expected.as_str()));
}

#[test]
fn bytes_that_are_not_what_they_were() {
    let check = |store, expected: Result<u32, (u16, &str)>| {
        let fake = Fake { store, ..Fake::default() };
        fake.object.borrow_mut().extend([found(Some(pool(2)))]);
        let reply = image(&fake, &bearer(), TARGET, &Request::default());
        match expected {
            Ok(reads) => assert_eq!((reply.status, fake.reads.get()), (200, reads)),
            Err(told) => assert_eq!((reply.status, code(&reply).as_str()), told),
        }
        // A loss is told, and nothing is bought for it. Only bytes that are missing may have been purged.
        let asked = fake.asked.borrow();
        assert_eq!(*asked, if store == Store::Lost { vec![Ask::Look] } else { vec![] });
    };
    check(Store::Whole, Ok(1));
    check(Store::Unchecked, Ok(1));
    check(Store::Stumbles, Ok(2));
    check(Store::Lost, Err((502, "picture_lost")));
    check(Store::Damaged, Err((502, "picture_lost")));
    check(Store::Short, Err((502, "picture_lost")));
    check(Store::Down, Err((503, "store_unavailable")));
}

#[test]
fn the_cache_of_this_data_centre_was_checked_when_it_was_filled() {
    let fake = Fake { edge_cache: Some(10), store: Store::Down, ..Fake::default() };
    let source = source(image(&fake, &bearer(), TARGET, &Request::default()));
    assert_eq!((source.check, source.keep, source.length), (None, None, 10));
}

#[test]
fn a_pointer_store_that_fails_costs_a_question_and_no_picture() {
    for kv in [Kv::Down, Kv::Slow, Kv::Empty] {
        let fake = Fake { kv, ..Fake::answering([made(&[(0, How::Had)])]) };
        let reply = image(&fake, &bearer(), TARGET, &Request::default());
        assert_eq!(reply.headers.get("cache-status"), Some("pincel; hit; ttl=86400; detail=object"));
    }
}

#[test]
fn the_way_to_the_object() {
    let check = |answers: Vec<_>, asked: usize, expected: Result<(), (u16, &str)>| {
        let fake = Fake::answering(answers);
        let reply = image(&fake, &bearer(), TARGET, &Request { id: RequestId::new([3; 16]), ..Request::default() });
        match expected {
            Ok(()) => assert_eq!(reply.status, 200),
            Err(told) => assert_eq!((reply.status, code(&reply).as_str()), told),
        }
        // It is the same request each time, or the object could not know it again.
        let orders = fake.asked.borrow();
        assert_eq!(orders.len(), asked);
        assert!(orders.iter().all(|ask| *ask == orders[0]));
    };
    let there = || made(&[(0, How::Made)]);
    let broken = || Said::Broke { overloaded: false };
    check(vec![broken(), there()], 2, Ok(()));
    check(vec![broken(), broken(), there()], 3, Ok(()));
    check(vec![broken(), broken(), broken(), there()], 3, Err((503, "object_unavailable")));
    check(vec![Said::Broke { overloaded: true }, there()], 1, Err((503, "object_unavailable")));
    check(Vec::new(), 1, Err((504, "generation_timeout")));
    check(vec![found(None)], 1, Err((503, "object_unavailable")));
    let error = ApiError::new(402, "insufficient_quota", "budget_exceeded", "No.");
    check(vec![Said::Told(Box::new(Answer::Refused { error }), Vec::new())], 1, Err((402, "budget_exceeded")));
}

#[test]
fn refusals_say_whether_to_come_back() {
    let refused = |error: ApiError| {
        let fake = Fake::answering([Said::Told(Box::new(Answer::Refused { error }), Vec::new())]);
        let reply = image(&fake, &bearer(), TARGET, &Request::default());
        let header = |name| reply.headers.get(name).map(str::to_owned);
        (header("retry-after"), header("x-should-retry"))
    };
    let held = ApiError::new(503, "service_unavailable_error", "outcome_unknown", "Held.").wait_ms(599_001);
    assert_eq!(refused(held), (Some("600".to_owned()), Some("false".to_owned())));
    assert_eq!(refused(ApiError::unavailable("x", "Later.")), (Some("1".to_owned()), None));
    assert_eq!(refused(ApiError::new(400, "x", "y", "No.")), (None, Some("false".to_owned())));
}

#[test]
fn another_namespace_has_other_pictures() {
    let stranger = with_policy(Proof::Bearer, &json!({ "namespace": "another" }));
    let key = PictureKey::parse(&"ab".repeat(32)).unwrap();
    let by_key = |fake: &Fake, who: &Principal, query: &str| {
        serve(fake, async |service| service.by_key(who, &key, &Query::parse(query).unwrap(), &Request::default()).await)
    };
    let fake = Fake { kv: Kv::Has(pool(1)), ..Fake::answering([found(Some(pool(1)))]) };
    let reply = by_key(&fake, &stranger, "");
    assert_eq!((reply.status, code(&reply).as_str()), (404, "picture_not_found"));
    assert_eq!(by_key(&Fake::default(), &bearer(), "").headers.get("x-pincel-take"), Some("0"));
    assert_eq!(by_key(&Fake::default(), &bearer(), "take=1").headers.get("x-pincel-take"), Some("1"));
    assert_eq!(by_key(&Fake::answering([found(Some(pool(1)))]), &bearer(), "take=1").status, 404);
    assert_eq!(code(&by_key(&Fake::default(), &bearer(), "prompt=x")), "unknown_parameter");
}

#[test]
fn scopes() {
    let reader = Principal { scopes: vec![Scope::Read], ..bearer() };
    assert_eq!(image(&Fake::default(), &reader, TARGET, &Request::default()).status, 200);
    let reply = image(&Fake::answering([]), &reader, TARGET, &Request::default());
    assert_eq!((reply.status, code(&reply).as_str()), (403, "insufficient_scope"));
}

/// A cache that kept what came of a reply that was broken off has fewer bytes than the picture.
#[test]
fn a_cut_copy_is_not_the_picture() {
    for (cached, reads) in [(Some(10), 0), (Some(9), 1), (None, 1)] {
        let fake = Fake { edge_cache: cached, ..Fake::default() };
        let reply = image(&fake, &bearer(), TARGET, &Request::default());
        assert_eq!((reply.status, fake.reads.get()), (200, reads), "{cached:?}");
        assert_eq!(source(reply).check.is_some(), reads == 1);
    }
}
