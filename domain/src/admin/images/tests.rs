use super::*;

/// One parameter that is read, by the field that it changes.
#[track_caller]
fn reads(query: &str, change: impl FnOnce(&mut ImageQuery)) {
    let mut expected = ImageQuery { limit: 50, ..ImageQuery::default() };
    change(&mut expected);
    assert_eq!(ImageQuery::parse(&Query::parse(query).unwrap()), Ok(expected), "{query}");
}

#[track_caller]
fn refuses(query: &str, param: &str, code: &str) {
    let error = ImageQuery::parse(&Query::parse(query).unwrap()).unwrap_err();
    let got = (error.status, error.param.as_deref().unwrap(), error.code.as_deref().unwrap());
    assert_eq!(got, (400, param, code), "{query}");
}

fn words_without_end(count: usize) -> String {
    (0..count).map(|at| at.to_string()).collect::<Vec<_>>().join("+")
}

#[test]
fn every_parameter() {
    reads("", |_| ());
    reads("q=a+fox", |query| query.prompt = Some("a fox".to_owned()));
    reads("q=%F0%9F%A6%8A", |query| query.prompt = Some("🦊".to_owned()));
    reads("client=shop", |query| query.client = Some("shop".to_owned()));
    reads("model=m", |query| query.model = Some("m".to_owned()));
    reads("tag=spring", |query| query.tag = Some("spring".to_owned()));
    reads("size=1024x1536", |query| query.size = Some("1024x1536".to_owned()));
    reads("created_after=1", |query| query.created_after_ms = Some(1));
    reads("created_before=9007199254740991", |query| query.created_before_ms = Some(9_007_199_254_740_991));
    reads("min_cost_usd=0.04", |query| query.min_cost = Some(NanoUsd(40_000_000)));
    reads("max_cost_usd=1", |query| query.max_cost = Some(NanoUsd(1_000_000_000)));
    reads("min_hits=0", |query| query.min_hits = Some(0));
    reads("max_hits=7", |query| query.max_hits = Some(7));
    reads("state=live", |_| ());
    reads("state=purged", |query| query.purged = true);
    for (sort, name) in Sort::ALL {
        reads(&format!("sort={name}"), |query| query.sort = sort);
    }
    reads("order=desc", |_| ());
    reads("order=asc", |query| query.ascending = true);
    reads("limit=1", |query| query.limit = 1);
    reads("limit=200", |query| query.limit = 200);
}

#[test]
fn refusals_name_the_parameter() {
    refuses("prompt=x", "prompt", "unknown_parameter");
    refuses("q=x&Limit=1", "Limit", "unknown_parameter");
    for name in ["q", "client", "model", "tag"] {
        refuses(&format!("{name}="), name, "invalid_value");
        refuses(&format!("{name}=+%09"), name, "invalid_value");
    }
    for (name, wrong) in [
        ("size", ["auto", "1024", "1024x", "-1x1", "1x1x1"].as_slice()),
        ("created_after", &["", "-1", "1.0", "2026-11-24", "9007199254740992"]),
        ("created_before", &["x"]),
        ("min_cost_usd", &["", "$1", "1e3", "-1", ".5"]),
        ("max_cost_usd", &["x"]),
        ("min_hits", &["", "+1"]),
        ("max_hits", &["x"]),
        ("state", &["", "Live", "all"]),
        ("sort", &["", "prompt", "created_ms"]),
        ("order", &["", "up"]),
        ("limit", &["", "0", "201", "-1", "50.0"]),
    ] {
        for value in wrong {
            refuses(&format!("{name}={}", crate::query::encode(value)), name, "invalid_value");
        }
    }
    refuses(&format!("q={}", "x".repeat(1_001)), "q", "invalid_value");
    refuses(&format!("q={}", words_without_end(33)), "q", "invalid_value");
}

#[test]
fn a_cursor_belongs_to_its_query() {
    let query = |text: &str| ImageQuery::parse(&Query::parse(text).unwrap());
    let cursor = Cursor { value: 5, row: 7 };
    let next = query("q=fox&sort=cost").unwrap().next(&cursor);
    let read = |text: &str| query(&format!("{text}&after={next}"));
    assert_eq!(read("q=fox&sort=cost").unwrap().after, Some(cursor.clone()));
    assert_eq!(read("sort=cost&q=fox&limit=7").unwrap().after, Some(cursor));
    // A page that was read by a cursor goes on with the cursors of the same list.
    assert_eq!(read("q=fox&sort=cost").unwrap().rows(), query("q=fox&sort=cost").unwrap().rows());
    for other in ["q=fox", "q=fox&sort=bytes", "q=foxes&sort=cost", "q=fox&sort=cost&order=asc", "sort=cost&client=fox"]
    {
        let error = read(other).unwrap_err();
        assert_eq!((error.param.as_deref(), error.code.as_deref()), (Some("after"), Some("invalid_cursor")), "{other}");
    }
    refuses("after=", "after", "invalid_cursor");
}
