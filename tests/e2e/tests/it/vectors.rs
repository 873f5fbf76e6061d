//! The golden keys once more, through the Worker: the same request has the same key in Wasm as it has natively.

use std::collections::BTreeMap;
use std::fs;

use e2e::{Client, Edge, fetch, tools};
use serde_json::Value;

use crate::check::refusal;
use crate::shared::shared;

#[tokio::test]
async fn every_golden_request_has_its_key() {
    let text = fs::read_to_string(tools::workspace("domain/vectors/picture-keys.json")).unwrap();
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(vectors.len() >= 25, "{} vectors", vectors.len());
    let mut deployments: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        deployments.entry((text("namespace"), text("default_model"))).or_default().push(vector);
    }
    for ((namespace, model), vectors) in deployments {
        if (namespace.as_str(), model.as_str()) == ("default", "gpt-image-2.6-flare") {
            check(&*shared().await, &vectors).await;
        } else {
            let edge = Edge::start(&[("NAMESPACE", &namespace), ("DEFAULT_MODEL", &model)]).unwrap();
            check(&edge.client().unwrap(), &vectors).await;
        }
    }
}

/// Nothing is made: the key of what is not there stands in the refusal.
async fn check(pincel: &Client, vectors: &[Value]) {
    for vector in vectors {
        let request = pincel.post(&vector["request"]).header("cache-control", "only-if-cached");
        let reply = fetch(request).await.unwrap();
        refusal(&reply, 504, "picture_not_found");
        assert_eq!(reply.header("x-pincel-key"), vector["key"], "{}", vector["what"]);
    }
}
