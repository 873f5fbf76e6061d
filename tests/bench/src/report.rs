//! The table.

use std::fmt::Write as _;

use serde_json::json;

use crate::machine;
use crate::spread::Spread;

pub struct Report {
    rounds: usize,
    figures: Vec<Figure>,
}

#[derive(Debug, Clone)]
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    pub spread: Spread,
    pub target: Option<Target>,
}

#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    /// Judged by its median.
    fn met(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::AtLeast(least) => self.spread.median >= least,
            Target::AtMost(most) => self.spread.median <= most,
        })
    }
}

impl Report {
    pub fn new(rounds: usize) -> Self {
        Self { rounds, figures: Vec::new() }
    }

    pub fn add(&mut self, name: impl Into<String>, unit: &'static str, spread: Spread) {
        self.figures.push(Figure { name: name.into(), unit, spread, target: None });
    }

    pub fn judge(&mut self, name: impl Into<String>, unit: &'static str, spread: Spread, target: Target) {
        self.figures.push(Figure { name: name.into(), unit, spread, target: Some(target) });
    }

    /// Whether every target was met.
    pub fn met(&self) -> bool {
        self.figures.iter().all(|figure| figure.met() != Some(false))
    }

    pub fn markdown(&self) -> String {
        let mut text = format!(
            "{}. Median of {} rounds, (lowest–highest).\n\n\
             | what | measured | target | |\n|---|---:|---:|---|\n",
            machine::description(),
            self.rounds
        );
        for figure in &self.figures {
            let Figure { name, unit, spread, .. } = figure;
            let target = figure.target.map_or_else(String::new, |target| match target {
                Target::AtLeast(least) => format!("≥ {}", written(least)),
                Target::AtMost(most) => format!("≤ {}", written(most)),
            });
            let mark = match figure.met() {
                None => "",
                Some(true) => "✓",
                Some(false) => "**missed**",
            };
            let _ = writeln!(text, "| {name}, {unit} | {} | {target} | {mark} |", measured(spread));
        }
        text.trim_end().to_owned()
    }

    pub fn json(&self) -> String {
        let figures = self.figures.iter().map(|figure| {
            let (at_least, at_most) = match figure.target {
                Some(Target::AtLeast(least)) => (Some(least), None),
                Some(Target::AtMost(most)) => (None, Some(most)),
                None => (None, None),
            };
            json!({
                "name": figure.name,
                "unit": figure.unit,
                "median": figure.spread.median,
                "lowest": figure.spread.lowest,
                "highest": figure.spread.highest,
                "at_least": at_least,
                "at_most": at_most,
                "met": figure.met(),
            })
        });
        json!({
            "machine": machine::description(),
            "rounds": self.rounds,
            "figures": figures.collect::<Vec<_>>(),
        })
        .to_string()
    }
}

fn measured(spread: &Spread) -> String {
    let Spread { median, lowest, highest } = *spread;
    let [median, lowest, highest] = [median, lowest, highest].map(written);
    if lowest == highest { median } else { format!("{median} ({lowest}–{highest})") }
}

/// With the digits that mean something.
fn written(figure: f64) -> String {
    let size = figure.abs();
    let digits = match () {
        () if size.fract() == 0.0 || size >= 100.0 => 0,
        () if size >= 10.0 => 1,
        () if size >= 1.0 => 2,
        () => 3,
    };
    grouped(&format!("{figure:.digits$}"))
}

/// A comma before every three digits of a long whole number.
fn grouped(number: &str) -> String {
    let digits = number.trim_start_matches('-');
    if digits.len() < 5 || digits.contains('.') {
        return number.to_owned();
    }
    let mut out = number.strip_suffix(digits).unwrap_or_default().to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (figure, expected) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (0.95, "0.950"),
            (1.0, "1"),
            (9.876, "9.88"),
            (-12.34, "-12.3"),
            (1234.5, "1234"),
            (12345.6, "12,346"),
            (-1_234_567.0, "-1,234,567"),
        ] {
            assert_eq!(written(figure), expected);
        }
    }

    #[test]
    fn a_target_is_judged_by_the_median() {
        let mut report = Report::new(3);
        report.add("a", "ms", Spread::one(1.0));
        assert!(report.met());
        report.judge("b", "ms", Spread::of([1.0, 2.0, 30.0]), Target::AtMost(2.0));
        assert!(report.met());
        report.judge("c", "times", Spread::one(0.8), Target::AtLeast(0.9));
        assert!(!report.met());
        assert!(report.markdown().contains("| c, times | 0.800 | ≥ 0.900 | **missed** |"), "{}", report.markdown());
    }
}
