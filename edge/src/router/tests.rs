//! The routes are those of `docs/openapi.json`, with its methods: both ways.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{OPENAPI, Route};

/// The paths of the document, each with its methods.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let methods = |item: &Value| {
        item.as_object().unwrap().keys().filter(|name| *name != "parameters").map(|name| name.to_uppercase()).collect()
    };
    document["paths"].as_object().unwrap().iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// A path that the route takes.
fn sample(path: &str) -> String {
    let id = if path.contains("/purges/") { format!("purge_{}", "0".repeat(32)) } else { "shop".to_owned() };
    path.replace("{key}", &"0".repeat(64)).replace("{id}", &id).replace("{key_id}", "key_0").replace("{kid}", "shop-0")
}

#[test]
fn each_documented_path_is_a_route_with_these_methods() {
    for (path, methods) in documented() {
        let route = Route::of(&sample(&path)).unwrap_or_else(|| panic!("{path} is no route"));
        assert_eq!(route.pattern(), path);
        let taken: BTreeSet<String> = route.methods().iter().map(|method| (*method).to_owned()).collect();
        assert_eq!(taken, methods, "{path}");
    }
}

/// Each route has its pattern on a line of its own.
#[test]
fn each_route_is_documented() {
    let sources = [include_str!("../router.rs"), include_str!("admin.rs")];
    let lines = sources.iter().flat_map(|source| source.lines());
    let patterns = lines.filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\","));
    let routes: BTreeSet<String> = patterns.map(str::to_owned).collect();
    assert_eq!(routes, documented().into_keys().collect());
}
