use domain::job::{Job, Purged};
use domain::picture::Take;
use serde_json::{Value, json};

use super::*;

fn row(kind: i64, document: &Value) -> Row {
    Row { kind: u8::try_from(kind).unwrap(), doc: document.to_string() }
}

/// What was stored before there were purges and a catalog is still read.
#[test]
fn older_records() {
    let rest = json!({ "key": "ab", "namespace": "shop", "preferred": 2, "unpublished": true });
    let rest: Rest<Meta> = read(&row(REST, &rest)).unwrap();
    assert_eq!((rest.key.as_str(), rest.meta.namespace.as_str()), ("ab", "shop"));
    assert_eq!((rest.meta.preferred, rest.meta.unpublished, rest.meta.model.as_str()), (2, true, ""));
    let job = json!({
        "id": "job_1", "seq": 0, "state": "settled", "takes": [0], "prefer": false, "client": "shop", "model": "gpt-image-2",
        "leader": "req_1", "joined": { "count": 0, "last": [] }, "reserve": 1, "money": "done", "usage": null, "cost": 1,
        "attempts": 1, "upstream_request_id": null, "hold": { "ms": 600_000 }, "claimed_ms": 1, "dispatched_ms": 2,
        "ended_ms": 3, "deadline_ms": 4, "failure": null,
    });
    let job: Job = read(&row(JOB, &job)).unwrap();
    assert!(job.tags.is_empty() && !job.listed && job.is_unlisted());
}

#[test]
fn a_purge_is_read_as_it_was_written() {
    let take = json!({
        "take": 3, "digest": "0".repeat(64), "format": "png", "bytes": 1, "width": 1, "height": 1, "created_ms": 1, "cost": null,
        "quality": "low", "background": "opaque",
    });
    let take: Take = read(&row(TAKE, &take)).unwrap();
    let purge = domain::purge::PurgeId::new([1; 16]);
    let (takes, places) = (vec![take], vec![4]);
    let purged = Purged { seq: 7, purge, at_ms: 5, until_ms: Some(6), takes, places, restored: true };
    let again: Purged = read(&row(PURGED, &serde_json::to_value(&purged).unwrap())).unwrap();
    assert_eq!(again, purged);
}
