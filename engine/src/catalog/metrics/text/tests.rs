use super::*;

#[track_caller]
fn check(labels: &[(&str, &str)], expected: &str) {
    let mut out = String::new();
    Family { out: &mut out, name: "x" }.sample(labels, 7);
    assert_eq!(out, format!("{expected} 7\n"));
}

#[test]
fn samples() {
    check(&[], "x");
    check(&[("a", "b")], r#"x{a="b"}"#);
    check(&[("a", "b"), ("c", "d e")], r#"x{a="b",c="d e"}"#);
    check(&[("a", "q\"q")], r#"x{a="q\"q"}"#);
    check(&[("a", "b\\n")], r#"x{a="b\\n"}"#);
    check(&[("a", "two\nlines\\\"")], r#"x{a="two\nlines\\\""}"#);
    check(&[("a", "ümläut{},=")], r#"x{a="ümläut{},="}"#);
}

#[test]
fn heads() {
    let mut out = String::new();
    Family::of(&mut out, Kind::Counter, "x_total", "One\ntwo \\ three.").sample(&[], 1);
    Family::of(&mut out, Kind::Gauge, "y", "Y.");
    Family::of(&mut out, Kind::Histogram, "z", "Z.");
    let expected = "# HELP x_total One\\ntwo \\\\ three.\n# TYPE x_total counter\nx_total 1\n\
                    # HELP y Y.\n# TYPE y gauge\n# HELP z Z.\n# TYPE z histogram\n";
    assert_eq!(out, expected);
}

#[test]
fn buckets_are_cumulative() {
    let mut histogram = Histogram::default();
    for ms in [1, 2, 2, 1_500, 300_001] {
        histogram.record(ms);
    }
    let mut out = String::new();
    Family { out: &mut out, name: "x" }.histogram(&[("a", "b")], &histogram);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 27);
    assert_eq!(
        lines[..3],
        [r#"x_bucket{a="b",le="0.001"} 1"#, r#"x_bucket{a="b",le="0.002"} 3"#, r#"x_bucket{a="b",le="0.003"} 3"#]
    );
    assert_eq!(lines[15..17], [r#"x_bucket{a="b",le="1"} 3"#, r#"x_bucket{a="b",le="2"} 4"#]);
    assert_eq!(lines[23..25], [r#"x_bucket{a="b",le="300"} 4"#, r#"x_bucket{a="b",le="+Inf"} 5"#]);
    assert_eq!(lines[25..], [r#"x_sum{a="b"} 301.506"#, r#"x_count{a="b"} 5"#]);
}

#[test]
fn exact_seconds() {
    let cases = [(0, "0"), (1, "0.001"), (10, "0.01"), (500, "0.5"), (1_000, "1"), (12_340, "12.34"), (300_000, "300")];
    for (ms, expected) in cases {
        assert_eq!(seconds(ms), expected);
    }
    assert_eq!(seconds(u64::MAX), "18446744073709551.615");
}
