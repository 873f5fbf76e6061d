use super::*;
use crate::access::ClientId;
use crate::job::{JobId, Joined, Money};
use crate::trace::RequestId;

fn receipt(state: State, cost: Option<u64>) -> Receipt {
    Receipt {
        id: JobId::new([1; 16]),
        take: Some(0),
        state,
        money: Money::Done,
        client: ClientId("shop".to_owned()),
        model: "gpt-image-2".to_owned(),
        leader_request_id: RequestId::default(),
        joined: Joined::default(),
        upstream_request_id: None,
        usage: None,
        cost_nano_usd: cost.map(NanoUsd),
        reserve_nano_usd: NanoUsd(900),
        attempts: 1,
        claimed_ms: 0,
        dispatched_ms: None,
        ended_ms: None,
        digest: None,
        failure: None,
    }
}

#[track_caller]
fn check(state: State, cost: Option<u64>, expected: Option<(Billed, u64)>) {
    let expected = expected.map(|(billed, nano)| Bill { billed, nano: NanoUsd(nano) });
    assert_eq!(Bill::of(&receipt(state, cost)), expected, "{state:?} {cost:?}");
}

#[test]
fn what_a_receipt_adds() {
    check(State::Claimed, None, None);
    check(State::Dispatched, None, None);
    check(State::Stored, Some(700), None);
    check(State::Settled, Some(700), Some((Billed::Settled, 700)));
    check(State::Settled, Some(0), Some((Billed::Settled, 0)));
    check(State::Settled, None, Some((Billed::Untold, 900)));
    check(State::Failed, None, Some((Billed::Failed, 0)));
    check(State::Failed, Some(700), Some((Billed::Failed, 0)));
    check(State::Unknown, None, Some((Billed::Unknown, 900)));
}

#[test]
fn names() {
    for billed in Billed::ALL {
        assert_eq!(Billed::parse(billed.as_str()), Some(billed));
        assert_eq!(serde_json::to_value(billed).unwrap(), billed.as_str());
    }
    assert_eq!(Billed::parse("Settled"), None);
}

#[test]
fn how_long_the_provider_took() {
    let took =
        |dispatched_ms, ended_ms| provider_ms(&Receipt { dispatched_ms, ended_ms, ..receipt(State::Settled, None) });
    assert_eq!(took(Some(1_000), Some(3_500)), Some(2_500));
    assert_eq!(took(Some(3_500), Some(1_000)), Some(0), "a clock that went back");
    assert_eq!(took(None, Some(3_500)), None);
    assert_eq!(took(Some(1_000), None), None);
}
