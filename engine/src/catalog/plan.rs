//! Which takes a purge takes: the selector as SQL.
//!
//! A purge takes what is there, and what is being made: places of jobs that are under way count with nothing, for
//! they have made nothing
//! yet. A hard one takes over what was purged softly, so that its bytes go, too.

use std::collections::BTreeSet;

use domain::admin::purges::Sampled;
use domain::admin::{MAX_NUMBER, PurgePlan};
use domain::picture::PictureKey;
use domain::purge::{Mode, Selector};

use super::Catalog;
use super::database::{Database, Value};
use super::search::every_word;
use super::sql::{Columns, broken, flag, json, number, optional, text};
use crate::ports::StoreError;

pub(super) struct Selection<'a> {
    pub selector: &'a Selector,
    pub mode: Mode,
    pub created_ms: u64,
    pub scope: Scope<'a>,
}

/// Where it looks.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    Everywhere,
    /// At what one job made of one picture.
    Job {
        picture: i64,
        job: &'a str,
    },
}

const SAMPLE: u64 = 10;

/// What has to be claimed before this moment to be taken. `older_than_seconds` asks for an earlier one.
pub(super) fn at_ms(selector: &Selector, created_ms: u64) -> u64 {
    created_ms.saturating_sub(selector.older_than_seconds.unwrap_or(0).saturating_mul(1_000))
}

impl Selection<'_> {
    /// The takes of each picture, as rows of: the picture, its takes as a list where not all of them are meant, and
    /// what they are in number, bytes and
    /// money.
    pub(super) fn statement(&self) -> String {
        let keys = self.selector.keys.is_some();
        let (of_takes, of_jobs, which) = match self.scope {
            Scope::Job { .. } => (
                "picture p CROSS JOIN take t ON t.picture = p.id",
                "picture p CROSS JOIN receipt r INDEXED BY receipt_open ON r.picture = p.id",
                "p.id = ?9 AND (?10 IS NULL OR p.key IN (SELECT value FROM json_each(?10)))",
            ),
            Scope::Everywhere if keys => (
                "json_each(?10) k CROSS JOIN picture p ON p.key = k.value CROSS JOIN take t ON t.picture = p.id",
                "json_each(?10) k CROSS JOIN picture p ON p.key = k.value
                     CROSS JOIN receipt r INDEXED BY receipt_open ON r.picture = p.id",
                "?9 IS NULL",
            ),
            Scope::Everywhere => (
                "picture p CROSS JOIN take t ON t.picture = p.id",
                "receipt r INDEXED BY receipt_open CROSS JOIN picture p ON p.id = r.picture",
                "?9 IS NULL AND ?10 IS NULL",
            ),
        };
        let words = match (&self.selector.prompt, self.scope) {
            (None, _) => "?7 IS NULL",
            (Some(_), Scope::Everywhere) => "p.id IN (SELECT rowid FROM prompt_text WHERE prompt_text MATCH ?7)",
            (Some(_), Scope::Job { .. }) => {
                "EXISTS (SELECT 1 FROM prompt_text f WHERE f.prompt_text MATCH ?7 AND f.rowid = p.id)"
            }
        };
        let member = |row: &str| {
            format!(
                "{which} AND {row}.claimed_ms <= ?1
                     AND (?2 IS NULL OR {row}.client = ?2)
                     AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each({row}.tags) g WHERE g.value = ?3))
                     AND (?4 IS NULL OR p.model = ?4)
                     AND (?5 IS NULL OR {row}.take IN (SELECT value FROM json_each(?5)))
                     AND (?6 IS NULL OR {row}.job = ?6)
                     AND {words}"
            )
        };
        let (takes, jobs) = (member("t"), member("r"));
        format!(
            "SELECT picture, CASE WHEN ?11 THEN json_group_array(take) END AS takes, sum(n) AS n, sum(bytes) AS bytes, sum(cost) AS cost,
                 sum(unknown) AS unknown
             FROM (
                 SELECT t.picture AS picture, t.take AS take, 1 AS n, t.bytes AS bytes, coalesce(t.cost, 0) AS cost,
                     t.cost IS NULL AS unknown
                 FROM {of_takes}
                 WHERE (t.state = 'live' OR (t.state = 'purged' AND t.undo_ms > ?8)) AND {takes}
                 UNION ALL
                 SELECT r.picture, r.take, 0, 0, 0, 0 FROM {of_jobs}
                 WHERE r.rank < 3 AND r.take >= 0 AND {jobs}
             )
             GROUP BY picture"
        )
    }

    /// Of [`Self::statement`]; there is room for more from ?12 on.
    pub(super) fn bindings(&self) -> Result<Vec<Value>, StoreError> {
        let Selector { keys, takes, prompt, tag, client, model, older_than_seconds: _, all: _ } = self.selector;
        let (picture, job) = match self.scope {
            Scope::Everywhere => (None, None),
            Scope::Job { picture, job } => (Some(picture), Some(job)),
        };
        let keys: Option<BTreeSet<PictureKey>> = keys.as_ref().map(|keys| keys.iter().copied().collect());
        // Of a key as a whole, the object also takes what it has and the catalog has not heard of.
        let some = takes.is_some() || client.is_some() || tag.is_some();
        Ok(vec![
            number(at_ms(self.selector, self.created_ms)),
            optional(client.as_ref(), text),
            optional(tag.as_ref(), text),
            optional(model.as_ref(), text),
            takes.as_ref().map_or(Ok(Value::Null), json)?,
            optional(job, text),
            optional(prompt.as_deref(), |prompt| text(every_word(prompt))),
            number(if self.mode == Mode::Hard { self.created_ms } else { MAX_NUMBER }),
            optional(picture, Value::Integer),
            keys.as_ref().map_or(Ok(Value::Null), json)?,
            flag(some),
        ])
    }
}

impl<D: Database> Catalog<D> {
    /// What it would take, without taking it.
    pub(super) fn plan(&self, selection: &Selection<'_>) -> Result<PurgePlan, StoreError> {
        self.sum(&selection.statement(), &selection.bindings()?)
    }

    /// What a purge that was begun takes.
    pub(super) fn planned(&self, purge: i64) -> Result<PurgePlan, StoreError> {
        self.sum("SELECT picture, n, bytes, cost, unknown FROM purge_item WHERE purge = ?1", &[Value::Integer(purge)])
    }

    fn sum(&self, found: &str, bindings: &[Value]) -> Result<PurgePlan, StoreError> {
        let rows = self.db.run(
            &format!(
                "WITH found AS MATERIALIZED ({found})
                 SELECT count(*), coalesce(sum(n), 0), coalesce(sum(bytes), 0), CAST(coalesce(sum(cost), 0) AS TEXT), coalesce(sum(unknown), 0),
                     (SELECT json_group_array(json_array(picture, n, bytes))
                      FROM (SELECT picture, n, bytes FROM found ORDER BY picture LIMIT {SAMPLE}))
                 FROM found"
            ),
            bindings,
        )?;
        let mut columns = Columns::of(rows.into_iter().next().ok_or_else(|| broken("a sum is missing"))?);
        let mut plan = PurgePlan {
            pictures: columns.number()?,
            takes: columns.number()?,
            bytes: columns.number()?,
            regeneration: columns.amount()?,
            takes_of_unknown_cost: columns.number()?,
            sample: Vec::new(),
        };
        for (picture, takes, bytes) in columns.json::<Vec<(i64, u32, u64)>>()? {
            plan.sample.extend(self.sampled(picture, takes, bytes)?);
        }
        Ok(plan)
    }

    fn sampled(&self, picture: i64, takes: u32, bytes: u64) -> Result<Option<Sampled>, StoreError> {
        let rows = self.db.run(
            "SELECT p.key, x.prompt, p.last_hit_ms FROM picture p JOIN prompt x ON x.id = p.id WHERE p.id = ?1",
            &[Value::Integer(picture)],
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut columns = Columns::of(row);
        Ok(Some(Sampled {
            key: columns.parsed(PictureKey::parse)?,
            prompt: columns.text()?,
            takes,
            bytes,
            last_hit_ms: Some(columns.number()?).filter(|at_ms| *at_ms > 0),
        }))
    }
}
