//! What was purged: named, in the way of a request, and gone from under a pointer that is older.

use super::*;

/// Takes 1 to `takes`, and take 0 is gone.
fn purged(takes: u32) -> Pointer {
    let takes = (1..=takes).map(take).collect();
    Pointer { preferred: 1, gone: vec![(0, 0)], takes, ..pool(0) }
}

fn shop() -> Principal {
    who(Proof::Bearer)
}

#[derive(Clone, Copy)]
enum Way {
    Image(&'static str),
    ByKey(&'static str),
    Post,
}

fn ask(fake: &Fake, way: Way, who: &Principal, request: &Request) -> Reply<Vec<u8>> {
    serve(fake, async |service| match way {
        Way::Image(query) => service.image(who, &Query::parse(query).unwrap(), request).await,
        Way::ByKey(query) => {
            let key = PictureKey::parse(&"ab".repeat(32)).unwrap();
            service.by_key(who, &key, &Query::parse(query).unwrap(), request).await
        }
        Way::Post => service.generations(who, br#"{"prompt":"a cat"}"#, request).await,
    })
}

/// The take that is handed over, or the refusal.
#[track_caller]
fn outcome(reply: &Reply<Vec<u8>>) -> String {
    match reply.headers.get("x-pincel-take") {
        Some(take) => told(take),
        None => refused(reply.status, &code(reply)),
    }
}

fn told(take: &str) -> String {
    format!("take {take}")
}

fn refused(status: u16, code: &str) -> String {
    format!("{status} {code}")
}

/// A pointer leads to take 0, and its bytes are missing. What the object says decides.
#[test]
fn missing_bytes_are_a_question_to_the_object() {
    let check = |way, answers: Vec<Said>, expected: String| {
        let questions = answers.len();
        let fake = Fake { store: Store::LacksTheFirst, object: RefCell::new(answers.into()), ..Fake::default() };
        assert_eq!(outcome(&ask(&fake, way, &shop(), &Request::default())), expected);
        let asked = fake.asked.borrow();
        assert_eq!((asked.len(), &asked[0]), (questions, &Ask::Look));
    };
    let lost = || refused(502, "picture_lost");
    let gone = || refused(410, "picture_purged");
    for way in [Way::Image(TARGET), Way::Image("prompt=a+cat&take=0"), Way::ByKey(""), Way::ByKey("take=0"), Way::Post]
    {
        check(way, vec![found(Some(pool(1)))], lost());
    }
    for way in [Way::Image(TARGET), Way::ByKey(""), Way::Post] {
        check(way, vec![found(Some(purged(1)))], told("1"));
    }
    for way in [Way::Image("prompt=a+cat&take=0"), Way::ByKey("take=0")] {
        check(way, vec![found(Some(purged(1)))], gone());
    }
    for way in [Way::Image(TARGET), Way::Post] {
        check(way, vec![found(Some(purged(0))), made(&[(1, How::Made)])], told("1"));
        check(way, vec![found(None), made(&[(1, How::Made)])], told("1"));
    }
    check(Way::ByKey(""), vec![found(Some(purged(0)))], refused(404, "picture_not_found"));
    check(Way::ByKey(""), vec![found(None)], refused(404, "picture_not_found"));
}

#[test]
fn an_object_that_is_out_of_reach_says_nothing_about_missing_bytes() {
    let fake = Fake { store: Store::LacksTheFirst, ..Fake::default() };
    fake.object.borrow_mut().extend([Said::Broke { overloaded: true }]);
    assert_eq!(
        outcome(&ask(&fake, Way::Image(TARGET), &shop(), &Request::default())),
        refused(503, "object_unavailable")
    );
}

#[test]
fn what_may_not_be_made_is_not_made_in_place_of_missing_bytes() {
    let check = |who: &Principal, directive: Option<&str>, expected| {
        let fake = Fake { store: Store::LacksTheFirst, ..Fake::default() };
        fake.object.borrow_mut().extend([found(Some(purged(0)))]);
        let request = Request { cache_control: directive.map(str::to_owned), ..Request::default() };
        assert_eq!(outcome(&ask(&fake, Way::Image(TARGET), who, &request)), expected);
        assert_eq!(*fake.asked.borrow(), [Ask::Look]);
    };
    check(&shop(), Some("only-if-cached"), refused(504, "picture_not_found"));
    check(&Principal { scopes: vec![Scope::Read], ..shop() }, None, refused(403, "insufficient_scope"));
}

/// The isolate has forgotten the pointer that led to nothing, and remembers what the object said.
#[test]
fn an_isolate_learns_of_a_purge() {
    let fake = Fake { store: Store::LacksTheFirst, ..Fake::default() };
    fake.object.borrow_mut().extend([found(Some(purged(1)))]);
    let mut first = None;
    let second = serve(&fake, async |service| {
        let query = Query::parse(TARGET).unwrap();
        first = Some(service.image(&shop(), &query, &Request::default()).await);
        service.image(&shop(), &query, &Request::default()).await
    });
    let first = first.unwrap();
    let status = |reply: &Reply<Vec<u8>>| reply.headers.get("cache-status").unwrap().to_owned();
    assert_eq!(status(&first), "pincel; hit; ttl=86400; detail=object");
    assert_eq!(status(&second), "pincel; hit; ttl=86400; detail=memo");
    assert_eq!((outcome(&first), outcome(&second)), (told("1"), told("1")));
    assert_eq!(fake.asked.borrow().len(), 1);
}

/// What led to nothing is forgotten also where the object has nothing to put in its place.
#[test]
fn a_pointer_that_led_to_nothing_is_forgotten() {
    let fake = Fake { store: Store::LacksTheFirst, ..Fake::default() };
    fake.object.borrow_mut().extend([found(None), found(None)]);
    let key = PictureKey::parse(&"ab".repeat(32)).unwrap();
    serve(&fake, async |service| {
        let (query, request) = (Query::default(), Request::default());
        service.by_key(&shop(), &key, &query, &request).await;
        let reply = service.by_key(&shop(), &key, &query, &request).await;
        // It looked into the pointer store each time, and not into its memory.
        assert_eq!(service.timing.header(0).matches("pointer;").count(), 2);
        reply
    });
}

#[test]
fn a_pointer_without_takes_is_a_miss() {
    let fake = Fake { kv: Kv::Has(purged(0)), ..Fake::answering([made(&[(1, How::Made)])]) };
    assert_eq!(outcome(&ask(&fake, Way::Image(TARGET), &shop(), &Request::default())), told("1"));
    assert_eq!(fake.wants(), [Want::First(1.try_into().unwrap())]);
}

/// A pointer that says that a take is gone may be older than an undo: the object decides.
#[test]
fn who_says_that_a_take_is_gone() {
    let check = |who: &Principal, query: &'static str, pool: Option<Pointer>, expected| {
        let fake = Fake { kv: Kv::Has(purged(1)), ..Fake::answering([found(pool)]) };
        let reply = ask(&fake, Way::ByKey(query), who, &Request::default());
        let retry = reply.headers.get("x-should-retry");
        assert_eq!(retry.is_none(), outcome(&reply).starts_with("take"));
        assert_eq!((outcome(&reply), retry.unwrap_or("false")), (expected, "false"));
    };
    check(&shop(), "take=0", Some(purged(1)), refused(410, "picture_purged"));
    check(&shop(), "take=0", Some(pool(2)), told("0"));
    check(&shop(), "take=1", None, told("1"));
    check(&shop(), "take=7", Some(purged(1)), refused(404, "picture_not_found"));
    // Who may not know of it is not told that it was there.
    let stranger = with_policy(Proof::Bearer, &json!({ "namespace": "another" }));
    check(&stranger, "take=0", Some(purged(1)), refused(404, "picture_not_found"));
    check(&stranger, "", Some(purged(1)), refused(404, "picture_not_found"));
}
