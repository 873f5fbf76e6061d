use super::*;
use crate::trace::RequestId;

#[track_caller]
fn reads(query: &str, expected: &Filter) {
    assert_eq!(Filter::parse(&Query::parse(query).unwrap()).as_ref(), Ok(expected), "{query}");
}

#[track_caller]
fn refuses(query: &str, param: &str, code: &str) {
    let error = Filter::parse(&Query::parse(query).unwrap()).unwrap_err();
    assert_eq!((error.param.as_deref(), error.code.as_deref()), (Some(param), Some(code)), "{query}");
}

fn key(digit: char) -> PictureKey {
    PictureKey::parse(&digit.to_string().repeat(64)).unwrap()
}

#[test]
fn every_parameter() {
    let all = Filter::default();
    reads("", &all);
    reads("kinds=purge", &Filter { kinds: vec![EventKind::Purge], ..all.clone() });
    let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    reads(&format!("kinds={}", names.join(",")), &Filter { kinds: EventKind::ALL.to_vec(), ..all.clone() });
    reads("client=shop", &Filter { client: Some("shop".to_owned()), ..all.clone() });
    reads(&format!("key={}", key('a')), &Filter { key: Some(key('a')), ..all.clone() });
    reads("errors=true", &Filter { only_errors: true, ..all.clone() });
    reads("errors=false", &all);
    refuses("kind=purge", "kind", "unknown_parameter");
    for wrong in ["kinds=", "kinds=purges", "kinds=purge,", "kinds=purge,,budget", "kinds=purge+"] {
        refuses(wrong, "kinds", "invalid_value");
    }
    refuses("client=", "client", "invalid_value");
    refuses("key=A", "key", "invalid_value");
    refuses("errors=1", "errors", "invalid_value");
}

fn request(outcome: Outcome, client: &str) -> Event {
    Event::Request(Finished {
        at_ms: 1,
        request: RequestId::default(),
        outcome,
        status: 200,
        reason: None,
        client: Some(ClientId(client.to_owned())),
        model: None,
        key: Some(key('a')),
        cost: None,
        saved: None,
        bytes: 0,
        ms: 1,
    })
}

fn generation(state: State) -> Event {
    Event::Generation(GenerationEvent {
        at_ms: 1,
        job: JobId::new([1; 16]),
        key: key('b'),
        state,
        client: ClientId("shop".to_owned()),
        model: "m".to_owned(),
        cost: None,
        reason: None,
        provider_ms: None,
    })
}

fn budget(account: &str) -> Event {
    let nothing = NanoUsd::ZERO;
    Event::Budget(BudgetEvent {
        at_ms: 1,
        account: account.to_owned(),
        window: crate::money::Span::Day,
        start: "2026-11-24".to_owned(),
        percent: 80,
        spent: nothing,
        reserved: nothing,
        limit: nothing,
    })
}

/// Which of these pass: a hit of `shop`, a refusal of `other`, a settled job, a failed one, an unknown one, the budgets of `shop` and of
/// the deployment, a change of the settings.
#[track_caller]
fn check(query: &str, expected: &str) {
    let filter = Filter::parse(&Query::parse(query).unwrap()).unwrap();
    let events = [
        request(Outcome::Hit, "shop"),
        request(Outcome::Refused, "other"),
        generation(State::Settled),
        generation(State::Failed),
        generation(State::Unknown),
        budget("client/shop"),
        budget("deployment"),
        Event::Settings(SettingsEvent { at_ms: 1, version: 1, by: "admin".to_owned() }),
    ];
    let got: String = events.iter().map(|event| if filter.matches(event) { 'x' } else { '.' }).collect();
    assert_eq!(got, expected, "{query}");
}

#[test]
fn what_passes() {
    check("", "xxxxxxxx");
    check("kinds=request", "xx......");
    check("kinds=generation,settings", "..xxx..x");
    check("client=shop", "x.xxxx..");
    check("client=deployment", "........");
    check(&format!("key={}", key('b')), "..xxx...");
    check("errors=true", ".x.xx...");
    check("errors=true&kinds=request&client=other", ".x......");
    check("errors=true&kinds=request&client=shop", "........");
    for (outcome, error) in [
        (Outcome::Hit, false),
        (Outcome::Coalesced, false),
        (Outcome::Miss, false),
        (Outcome::Bypass, false),
        (Outcome::Refused, true),
        (Outcome::Failed, true),
    ] {
        assert_eq!(request(outcome, "shop").is_error(), error, "{outcome:?}");
    }
}
