//! Exports in CSV: a header with the names of the fields, and a call on each line.

use std::borrow::Cow;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};

use super::bills::{Bill, Cell, Row};
use super::document::Lines;
use super::{Export, fault};
use crate::ApiError;
use crate::money::Price;

/// At least one name of each of these has to be in the header.
const NEEDED: &[&[&str]] = &[&["at", "created_at"], &["model"], &["cost_nano_usd", "cost_usd", "usage"]];

pub(super) fn read<'p>(text: &str, price: &dyn Fn(&str) -> Option<&'p Price>) -> Result<Export, ApiError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let lines = Lines::of(text);
    // A record begins where the one before it ended, before the empty lines between them.
    let line = |position: Option<&Position>| {
        let from = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        let rest = text.get(from..).unwrap_or_default();
        lines.of_offset(from + rest.len() - rest.trim_start_matches(['\r', '\n']).len())
    };
    let broken = |error: &csv::Error| broken(line(error.position()), error.kind());
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    for names in NEEDED {
        if !header.iter().any(|name| names.contains(&name)) {
            let what = "is missing. The export is neither JSON nor CSV whose first line names its columns";
            return Err(fault(1, &names.join("' or '"), what));
        }
    }
    for (at, name) in header.iter().enumerate() {
        if header.iter().take(at).any(|other| other == name) {
            return Err(fault(1, name, "is the name of two columns"));
        }
    }
    let mut bills = Vec::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| broken(&error))? {
        let cells = header.iter().zip(record.iter()).filter(|(_, value)| !value.is_empty());
        let cells = cells.map(|(name, value)| (Cow::Borrowed(name), Cell::Text(Cow::Borrowed(value))));
        bills.push(Bill::read(&Row { line: line(record.position()), cells: cells.collect() }, price)?);
    }
    Ok(Export::Requests(bills))
}

fn broken(line: usize, kind: &ErrorKind) -> ApiError {
    match kind {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            fault(line, "body", &format!("has {len} values here, and the header names {expected_len} columns"))
        }
        _ => fault(line, "body", "is not CSV"),
    }
}
