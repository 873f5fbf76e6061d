//! Exports in JSON: one document, or one on each line. Values are kept as their text, so that a number is what was written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::bills::{Bill, Cell, Row};
use super::{Export, buckets, fault};
use crate::ApiError;
use crate::money::Price;

pub(super) fn read<'p>(text: &str, price: &dyn Fn(&str) -> Option<&'p Price>) -> Result<Export, ApiError> {
    let lines = Lines::of(text);
    let mut entries = Vec::new();
    for entry in lines.entries(text)? {
        // A page of the provider's API, or a document that wraps its list in another name.
        let inner = entry.get("bills").or_else(|| entry.get("data"));
        match inner {
            Some(list) => entries.extend(lines.objects(list)?),
            None => entries.push(entry),
        }
    }
    if entries.first().is_some_and(|first| buckets::results(first).is_some()) {
        return buckets::read(&lines, &entries);
    }
    let bills = entries.iter().map(|entry| Bill::read(&entry.row(), price));
    bills.collect::<Result<_, _>>().map(Export::Requests)
}

/// More than any entry has: each of them is compared with the ones before.
const MAX_MEMBERS: usize = 100;

/// Where the lines of a text begin.
pub(super) struct Lines {
    start: usize,
    ends: Vec<usize>,
}

/// One object, and the line on which it begins.
pub(super) struct Entry<'a> {
    pub line: usize,
    members: Members<'a>,
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self { start: text.as_ptr().addr(), ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    /// The objects of a text: of its one list, or of its lines, or itself.
    fn entries<'a>(&self, text: &'a str) -> Result<Vec<Entry<'a>>, ApiError> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default();
        let by_line = lines.next().is_some() && serde_json::from_str::<Members<'_>>(first).is_ok();
        if by_line {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            return lines.map(|line| self.object(line)).collect();
        }
        if text.trim_start().starts_with('[') {
            let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| self.broken(text, &error))?;
            return list.into_iter().map(|value| self.object(value.get())).collect();
        }
        Ok(vec![self.object(text)?])
    }

    /// The objects of a list inside of an object.
    pub(super) fn objects<'a>(&self, list: &'a RawValue) -> Result<Vec<Entry<'a>>, ApiError> {
        let values: Vec<&'a RawValue> =
            serde_json::from_str(list.get()).map_err(|error| self.broken(list.get(), &error))?;
        values.into_iter().map(|value| self.object(value.get())).collect()
    }

    pub(super) fn object<'a>(&self, text: &'a str) -> Result<Entry<'a>, ApiError> {
        let members = serde_json::from_str(text).map_err(|error| self.broken(text, &error))?;
        Ok(Entry { line: self.at(text.trim_start()), members })
    }

    /// The line on which a part of the text begins.
    fn at(&self, part: &str) -> usize {
        self.of_offset(part.as_ptr().addr().saturating_sub(self.start))
    }

    pub(super) fn of_offset(&self, offset: usize) -> usize {
        self.ends.partition_point(|end| *end < offset) + 1
    }

    fn broken(&self, part: &str, error: &serde_json::Error) -> ApiError {
        let line = self.at(part) + error.line().saturating_sub(1);
        let what = if error.is_data() {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            format!("is not as it should be: {said}")
        } else {
            format!("is not JSON: column {}", error.column())
        };
        fault(line, "body", &what)
    }
}

impl<'a> Entry<'a> {
    /// The text of a value; `None` where it is null or not there.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.members.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value).filter(|value| value.get() != "null")
    }

    pub(super) fn row(&self) -> Row<'a> {
        let cells = self.members.0.iter().filter(|(_, value)| value.get() != "null");
        Row { line: self.line, cells: cells.map(|(name, value)| (Cow::Owned(name.clone()), cell(value))).collect() }
    }
}

fn cell(value: &RawValue) -> Cell<'_> {
    match value.get().bytes().next() {
        Some(b'"') => {
            serde_json::from_str(value.get()).map_or(Cell::Else(value.get()), |text: String| Cell::Text(text.into()))
        }
        Some(b'-' | b'0'..=b'9') => Cell::Number(value.get()),
        _ => Cell::Else(value.get()),
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &'de RawValue)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if members.len() >= MAX_MEMBERS {
                        return Err(A::Error::custom(format_args!("an entry has up to {MAX_MEMBERS} members")));
                    }
                    // Which of two amounts counts is not for a reader to guess.
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format_args!("'{name}' is given twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
