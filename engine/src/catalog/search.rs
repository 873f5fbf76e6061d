//! The list of pictures: filters, sorts, pages.
//!
//! There are few ways through the table, and each is chosen here and not by the store: it knows no statistics. By
//! time the list walks an
//! index, whose order is nearly that of the rows, and stops when the page is full. By anything else it goes through
//! the narrow rows once, and
//! keeps the best of them. Words that few prompts have come first.

use std::cmp::Reverse;

use domain::admin::images::Sort;
use domain::admin::{Cursor, ImagePage, ImageQuery, MAX_NUMBER};
use domain::picture::words::words;

use super::database::{Database, Value};
use super::sql::{Columns, broken, number, optional, text};
use super::{Catalog, summary};
use crate::ports::StoreError;

/// Up to so many pictures are gathered and sorted, rather than looked for along an index.
const FEW: u64 = 2_000;

/// What of the prompt is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Anything,
    /// For the full-text index.
    Words(String),
    /// What has no word, such as an emoji: looked for as it stands.
    Verbatim(String),
}

/// Where the rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Along the index by time.
    Walk,
    /// Every row, and then sorted.
    Scan,
    /// Those that have the words, and then sorted.
    Words,
    /// Those with purged takes, and then sorted.
    Purged,
}

impl Wanted {
    pub(super) fn of(query: Option<&str>) -> Self {
        let Some(query) = query else { return Self::Anything };
        match every_beginning(query) {
            Some(words) => Self::Words(words),
            None => Self::Verbatim(query.to_owned()),
        }
    }

    fn binding(&self) -> Value {
        match self {
            Self::Anything => Value::Null,
            Self::Words(words) => text(words),
            Self::Verbatim(verbatim) => text(verbatim),
        }
    }
}

/// The words of a text for the full-text index: all of them, each by its beginning. Each stands in quotes, where
/// nothing is syntax.
fn every_beginning(query: &str) -> Option<String> {
    let mut all = words(query);
    // A word that another begins with says nothing more, and short ones are much work.
    all.sort_by_key(|word| Reverse(word.len()));
    let mut kept: Vec<&String> = Vec::new();
    for word in &all {
        if !kept.iter().any(|longer| longer.starts_with(word.as_str())) {
            kept.push(word);
        }
    }
    (!kept.is_empty()).then(|| kept.iter().map(|word| format!("\"{word}\"*")).collect::<Vec<_>>().join(" AND "))
}

/// The words of a text for the full-text index: all of them, each as a whole.
pub(super) fn every_word(text: &str) -> String {
    words(text).iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" AND ")
}

impl<D: Database> Catalog<D> {
    pub(super) fn images(&self, query: &ImageQuery) -> Result<ImagePage, StoreError> {
        let wanted = Wanted::of(query.prompt.as_deref());
        let source = self.source(query, &wanted)?;
        let rows = self.db.run(&statement(query, &wanted, source), &bindings(query, &wanted)?)?;
        let limit = usize::try_from(query.limit).map_err(broken)?;
        let more = rows.len() > limit;
        let (mut images, mut last) = (Vec::new(), None);
        for row in rows.into_iter().take(limit) {
            let mut columns = Columns::of(row);
            last = Some(Cursor { value: columns.integer()?, row: columns.integer()? });
            images.push(summary::read(&mut columns)?);
        }
        Ok(ImagePage { images, next: last.filter(|_| more).map(|last| query.next(&last)) })
    }

    fn source(&self, query: &ImageQuery, wanted: &Wanted) -> Result<Source, StoreError> {
        if let Wanted::Words(words) = wanted
            && !query.purged
            && self.few_have(words)?
        {
            return Ok(Source::Words);
        }
        Ok(by_sort(query))
    }

    fn few_have(&self, words: &str) -> Result<bool, StoreError> {
        let rows = self.db.run(
            "SELECT count(*) FROM (SELECT 1 FROM prompt_text WHERE prompt_text MATCH ?1 LIMIT ?2)",
            &[text(words), number(FEW)],
        )?;
        let count: u64 = rows.into_iter().next().map_or(Ok(0), |row| Columns::of(row).number())?;
        Ok(count < FEW)
    }
}

fn by_sort(query: &ImageQuery) -> Source {
    match query.sort {
        _ if query.purged => Source::Purged,
        Sort::Created => Source::Walk,
        Sort::Cost | Sort::Bytes | Sort::Hits | Sort::LastHit => Source::Scan,
    }
}

/// The way that is taken where many prompts have the words.
#[cfg(test)]
pub(super) fn statement_for_tests(query: &ImageQuery, wanted: &Wanted) -> String {
    statement(query, wanted, by_sort(query))
}

/// The text depends on nothing that a caller writes, so that there are few of them and each is compiled once.
fn statement(query: &ImageQuery, wanted: &Wanted, source: Source) -> String {
    let there = if query.purged { "p.purged_takes > 0" } else { "p.takes > 0" };
    let value = match (query.sort, query.purged) {
        (Sort::Created, _) => "p.created_ms",
        (Sort::Hits, _) => "p.hits",
        (Sort::LastHit, _) => "p.last_hit_ms",
        (Sort::Cost, false) => "p.cost",
        (Sort::Cost, true) => "p.purged_cost",
        (Sort::Bytes, false) => "p.bytes",
        (Sort::Bytes, true) => "p.purged_bytes",
    };
    let cost = if query.purged { "p.purged_cost" } else { "p.cost" };
    let from = match source {
        Source::Walk => "picture p INDEXED BY picture_created",
        Source::Scan => "picture p NOT INDEXED",
        Source::Words => "prompt_text f CROSS JOIN picture p ON p.id = f.rowid",
        Source::Purged => "picture p INDEXED BY picture_purged",
    };
    // Each mentions ?4, so that every statement has the same bindings.
    let prompt = match (wanted, source) {
        (Wanted::Anything, _) => "?4 IS NULL",
        (Wanted::Words(_), Source::Words) => "f.prompt_text MATCH ?4",
        (Wanted::Words(_), _) => "p.id IN (SELECT rowid FROM prompt_text WHERE prompt_text MATCH ?4)",
        (Wanted::Verbatim(_), _) => "p.id IN (SELECT id FROM prompt WHERE instr(prompt, ?4) > 0)",
    };
    let (order, beyond) = if query.ascending { ("ASC", ">") } else { ("DESC", "<") };
    let columns = summary::columns(query.purged);
    format!(
        "SELECT found.value, found.id, {columns}
         FROM (
             SELECT p.id AS id, {value} AS value FROM {from}
             WHERE {there} AND ({value}, p.id) {beyond} (?1, ?2) AND {prompt}
                 AND (?5 IS NULL OR p.client = ?5)
                 AND (?6 IS NULL OR p.model = ?6)
                 AND (?7 IS NULL OR EXISTS (SELECT 1 FROM picture_tag t WHERE t.tag = ?7 AND t.picture = p.id))
                 AND (?8 IS NULL OR (p.width = ?8 AND p.height = ?9))
                 AND p.created_ms > ?10 AND p.created_ms < ?11
                 AND {cost} BETWEEN ?12 AND ?13
                 AND p.hits BETWEEN ?14 AND ?15
             ORDER BY {value} {order}, p.id {order} LIMIT ?3
         ) found
         CROSS JOIN picture p ON p.id = found.id
         CROSS JOIN prompt x ON x.id = found.id
         ORDER BY found.value {order}, found.id {order}"
    )
}

fn bindings(query: &ImageQuery, wanted: &Wanted) -> Result<Vec<Value>, StoreError> {
    let end = i64::try_from(MAX_NUMBER).map_err(broken)?;
    let beyond = if query.ascending { -1 } else { end };
    let after = query.after.as_ref().map_or((beyond, beyond), |after| (after.value, after.row));
    let pixels = query.pixels();
    Ok(vec![
        Value::Integer(after.0),
        Value::Integer(after.1),
        number(u64::from(query.limit).saturating_add(1)),
        wanted.binding(),
        optional(query.client.as_ref(), text),
        optional(query.model.as_ref(), text),
        optional(query.tag.as_ref(), text),
        optional(pixels, |(width, _)| number(u64::from(width))),
        optional(pixels, |(_, height)| number(u64::from(height))),
        query.created_after_ms.map_or(Value::Integer(-1), number),
        number(query.created_before_ms.unwrap_or(MAX_NUMBER)),
        number(query.min_cost.map_or(0, |cost| cost.0)),
        number(query.max_cost.map_or(MAX_NUMBER, |cost| cost.0)),
        number(query.min_hits.unwrap_or(0)),
        number(query.max_hits.unwrap_or(MAX_NUMBER)),
    ])
}
