//! The text format of Prometheus 0.0.4, read more strictly than a scraper does.

use std::collections::{BTreeMap, BTreeSet};

/// A line that is no comment.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// Reads all of it, and panics at the first line that is not as it should be: every family once with its help and type before its
/// samples, no sample twice, names with units, histograms whole and cumulative.
#[track_caller]
pub fn check(text: &str) {
    assert!(text.ends_with('\n'), "the last line ends");
    let (mut families, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let mut family: Option<(String, Vec<Sample>)> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            finish(family.take(), &families);
            let (name, help) = help.split_once(' ').unwrap();
            assert!(is_name(name) && name.starts_with("pincel_") && help.ends_with('.'), "{line}");
            let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")).map(str::to_owned));
            let kind = kind.unwrap_or_else(|| panic!("no type after {line}"));
            assert!(["counter", "gauge", "histogram"].contains(&kind.as_str()), "{name} is a {kind}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            assert!(families.insert(name.to_owned(), kind).is_none(), "{name} twice");
            family = Some((name.to_owned(), Vec::new()));
        } else {
            let sample = sample(line);
            assert!(seen.insert((sample.name.clone(), sample.labels.clone())), "twice: {line}");
            family.as_mut().unwrap_or_else(|| panic!("no type before {line}")).1.push(sample);
        }
    }
    finish(family, &families);
}

/// The labels that are matched with fixed values in a document, `outcome="hit"` or `outcome=~"hit|miss"`, with those values.
pub fn labels(document: &str) -> BTreeMap<String, BTreeSet<String>> {
    let document = document.replace("\\\"", "\"");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in ["outcome", "state", "window", "mode"] {
        for (at, _) in document.match_indices(name) {
            let rest = &document[at + name.len()..];
            let Some(rest) = ["=~\"", "!~\"", "!=\"", "=\""].iter().find_map(|sign| rest.strip_prefix(sign)) else {
                continue;
            };
            let values = rest.split('"').next().unwrap().split('|').map(str::to_owned);
            found.entry(name.to_owned()).or_default().extend(values);
        }
    }
    found
}

/// The values that a label has in a text of metrics.
pub fn values_of(text: &str, label: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#')).map(sample);
    samples.flat_map(|sample| sample.labels).filter(|(name, _)| name == label).map(|(_, value)| value).collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[track_caller]
fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, quoted) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
            assert!(is_name(label), "{line}");
            let mut value = String::new();
            let mut chars = quoted.char_indices();
            let after = loop {
                match chars.next() {
                    Some((at, '"')) => break at + 1,
                    Some((_, '\\')) => match chars.next() {
                        Some((_, 'n')) => value.push('\n'),
                        Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                        other => panic!("{other:?} is escaped in {line}"),
                    },
                    Some((_, plain)) => value.push(plain),
                    None => panic!("a label does not end: {line}"),
                }
            };
            labels.push((label.to_owned(), value));
            rest = &quoted[after..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("the labels do not end: {line}"));
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no value: {line}"));
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    assert!(plain, "a number without a sign or an exponent: {line}");
    Sample { name: name.to_owned(), labels, value: value.parse().unwrap() }
}

#[track_caller]
fn finish(family: Option<(String, Vec<Sample>)>, kinds: &BTreeMap<String, String>) {
    let Some((name, samples)) = family else { return };
    if kinds[&name] != "histogram" {
        assert!(samples.iter().all(|sample| sample.name == name), "{name} with {samples:?}");
        return;
    }
    assert!(name.ends_with("_seconds"), "{name} has no unit");
    assert_eq!(samples.len() % 27, 0, "{name}");
    for one in samples.chunks(27) {
        let bound = |sample: &Sample| -> f64 {
            let (label, bound) = sample.labels.last().unwrap();
            assert_eq!(label, "le", "{sample:?}");
            if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() }
        };
        assert!(one[..25].iter().all(|sample| sample.name == format!("{name}_bucket")), "{one:?}");
        assert!(one[..25].windows(2).all(|pair| bound(&pair[0]) < bound(&pair[1])), "{one:?}");
        assert!(one[..25].windows(2).all(|pair| pair[0].value <= pair[1].value), "{one:?}");
        assert!(bound(&one[24]).is_infinite(), "{one:?}");
        assert_eq!((one[25].name.clone(), one[26].name.clone()), (format!("{name}_sum"), format!("{name}_count")));
        assert!((one[26].value - one[24].value).abs() < 0.5, "{one:?}");
    }
}
