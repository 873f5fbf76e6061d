use domain::access::ClientId;
use domain::job::{Job, JobId, Joined, Money, Pool, Receipt, State};
use domain::money::NanoUsd;
use domain::trace::RequestId;
use serde_json::{Value, json};

use super::*;
use crate::desk::{Asked, Desk, NOW_MS, document, now, refusal, settings};

const MODEL: &str = "gpt-image-2";
const QUARTER_MS: u64 = 900_000;

fn receipt(number: u8, cost: u64) -> Receipt {
    let job = Job {
        id: JobId::new([number; 16]),
        seq: 0,
        state: State::Settled,
        takes: vec![0],
        prefer: false,
        client: ClientId("shop".to_owned()),
        model: MODEL.to_owned(),
        leader: RequestId::default(),
        joined: Joined::default(),
        reserve: NanoUsd(cost),
        money: Money::Done,
        usage: None,
        cost: Some(NanoUsd(cost)),
        attempts: 1,
        upstream_request_id: Some(format!("req_{number}")),
        hold: domain::access::UnknownHold::Operator,
        claimed_ms: NOW_MS,
        dispatched_ms: Some(NOW_MS),
        ended_ms: Some(NOW_MS + 5),
        deadline_ms: 0,
        failure: None,
        refused: false,
        left: None,
        tags: Vec::new(),
        listed: true,
    };
    Pool { jobs: vec![job], ..Pool::default() }.receipts().remove(0)
}

fn page(receipts: &[Receipt], next: Option<i64>) -> CatalogAnswer {
    CatalogAnswer::Receipts { receipts: receipts.to_vec(), next }
}

fn bill(number: u8, cost: u64) -> Value {
    json!({ "id": format!("req_{number}"), "at": NOW_MS + 3, "model": MODEL, "cost_nano_usd": cost })
}

fn run(desk: &Desk, query: &str, body: &str) -> Reply<Vec<u8>> {
    let settings = settings();
    now(Reconcile { ports: desk, settings: &settings }.run(&Query::parse(query).unwrap(), body.as_bytes()))
}

#[test]
fn every_page_of_receipts_is_laid_beside_the_export() {
    let desk = Desk::answering(
        [],
        [page(&[receipt(1, 7)], Some(4)), page(&[], Some(9)), page(&[receipt(2, 8), receipt(3, 9)], None)],
    );
    let (status, report) = document(&run(&desk, "", &json!([bill(1, 7), bill(2, 8), bill(3, 10)]).to_string()));
    let line = json!({
        "kind": "differs", "what": "req_3", "model": MODEL, "at_ms": NOW_MS + 3, "billed_usd": "0.00000001", "receipt_usd": "0.000000009",
    });
    let expected = json!({
        "basis": "requests", "from_ms": NOW_MS + 3, "to_ms": NOW_MS + 4, "billed_usd": "0.000000025", "receipts_usd": "0.000000024",
        "matched": 2, "ignored": 0, "differences": [line],
    });
    assert_eq!((status, report), (200, expected));
    let asked = |after| {
        let (from_ms, to_ms) = (NOW_MS + 3 - QUARTER_MS, NOW_MS + 4 + QUARTER_MS);
        Asked::Catalog(CatalogAsk::Receipts { from_ms, to_ms, after })
    };
    assert_eq!(*desk.asked.borrow(), [asked(None), asked(Some(4)), asked(Some(9))]);
}

#[test]
fn the_query_says_which_time_is_compared() {
    let desk = Desk::answering([], [page(&[receipt(1, 7)], None)]);
    let (status, report) = document(&run(&desk, "from=2026-11-24T00:00:00Z&to=1795564800", "[]"));
    assert_eq!((status, &report["differences"][0]["kind"]), (200, &json!("not_billed")));
    let (from_ms, to_ms) = (NOW_MS - QUARTER_MS, NOW_MS + 86_400_000 + QUARTER_MS);
    assert_eq!(*desk.asked.borrow(), [Asked::Catalog(CatalogAsk::Receipts { from_ms, to_ms, after: None })]);
    let desk = Desk::answering([], [page(&[], None)]);
    let (_, report) = document(&run(&desk, &format!("to={}", NOW_MS + 100), &json!([bill(1, 7)]).to_string()));
    assert_eq!((&report["from_ms"], &report["to_ms"]), (&json!(NOW_MS + 3), &json!(NOW_MS + 100)));
}

#[test]
fn tokens_are_counted_by_the_prices_in_force() {
    let usage =
        json!([{ "id": "req_1", "at": NOW_MS, "model": MODEL, "usage": { "input_tokens": 10, "output_tokens": 100 } }]);
    let cost = 10 * 8_000 + 100 * 30_000;
    let desk = Desk::answering([], [page(&[receipt(1, cost)], None)]);
    assert_eq!(document(&run(&desk, "", &usage.to_string())).1["differences"], json!([]));
    let price = json!({ "token_rule": MODEL, "text_in": 1, "cached_text_in": 1, "image_in": 1, "cached_image_in": 1, "image_out": 2 });
    let prices = json!({ "prices": { "source": "a contract", "as_of": "2026-11-24", "models": { MODEL: price } } });
    let mut settings = settings();
    settings.runtime = std::rc::Rc::new(settings.runtime.changed(prices.as_object().unwrap()).unwrap());
    let desk = Desk::answering([], [page(&[receipt(1, 210)], None)]);
    let reply =
        now(Reconcile { ports: &desk, settings: &settings }.run(&Query::default(), usage.to_string().as_bytes()));
    let (_, report) = document(&reply);
    assert_eq!((&report["differences"], &report["billed_usd"]), (&json!([]), &json!("0.00000021")));
}

#[test]
fn refusals() {
    let one = json!([bill(1, 7)]).to_string();
    for (query, body, code, param) in [
        ("since=1", one.as_str(), "unknown_parameter", "since"),
        ("from=today", &one, "invalid_value", "from"),
        ("to=-1", &one, "invalid_value", "to"),
        ("from=5&to=5", &one, "invalid_value", "from"),
        ("", "[]", "missing_required_parameter", "from"),
        ("from=5", "[]", "missing_required_parameter", "to"),
        ("", "[7]", "invalid_export", "body"),
    ] {
        let desk = Desk::default();
        assert_eq!(refusal(&run(&desk, query, body)), (400, code.to_owned(), Some(param.to_owned())), "{query} {body}");
        assert_eq!(*desk.asked.borrow(), []);
    }
    let most = usize::try_from(MAX_EXPORT).unwrap();
    let padded = format!("{one}{}", " ".repeat(most - one.len()));
    assert_eq!(document(&run(&Desk::answering([], [page(&[], None)]), "", &padded)).0, 200);
    assert_eq!(refusal(&run(&Desk::default(), "", &format!("{padded} "))).0, 413);
    assert_eq!(refusal(&run(&Desk::default(), "", &one)).1, "catalog_unavailable");
    // Half of the receipts would be half of the truth.
    assert_eq!(refusal(&run(&Desk::answering([], [page(&[], Some(4))]), "", &one)).0, 503);
    assert_eq!(refusal(&run(&Desk::answering([], [page(&[], Some(4)), page(&[], Some(4))]), "", &one)).0, 503);
}
