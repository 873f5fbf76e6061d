//! The text format itself.

use std::fmt::{Display, Write as _};

use domain::usage::Histogram;
use domain::usage::histogram::BOUNDS_MS;

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The samples of one name, below its help and its type.
pub struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

// Writing into a text cannot fail.
impl<'a> Family<'a> {
    pub fn of(out: &'a mut String, kind: Kind, name: &'static str, help: &str) -> Self {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", help.replace('\\', r"\\").replace('\n', r"\n"));
        Self { out, name }
    }

    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, value);
    }

    pub fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let bounds = BOUNDS_MS.into_iter().map(seconds).chain(["+Inf".to_owned()]);
        let mut seen: u64 = 0;
        for (bound, count) in bounds.zip(histogram.counts) {
            seen = seen.saturating_add(count);
            let labels = [labels, &[("le", bound.as_str())]].concat();
            self.line("_bucket", &labels, seen);
        }
        self.line("_sum", labels, seconds(histogram.sum_ms));
        self.line("_count", labels, seen);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.out.push_str(self.name);
        self.out.push_str(suffix);
        let mut before = '{';
        for (name, value) in labels {
            let _ = write!(self.out, "{before}{name}=\"{}\"", escaped(value));
            before = ',';
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.out, "{end} {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

/// Exact seconds: `0.001`, `2`, `12.5`.
pub fn seconds(ms: u64) -> String {
    let (whole, rest) = (ms / 1_000, ms % 1_000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{}", format!("{rest:03}").trim_end_matches('0')) }
}

#[cfg(test)]
mod tests;
