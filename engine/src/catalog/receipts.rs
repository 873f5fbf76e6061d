//! Receipts: what each attempt came to, so that money can be counted once and laid beside the provider's bill.

use domain::admin::Event;
use domain::admin::events::GenerationEvent;
use domain::job::{Receipt, State};
use domain::money::NanoUsd;

use super::database::{Database, Value};
use super::sql::{Columns, broken, json, number, optional, text};
use super::{Catalog, Registration};
use crate::ports::StoreError;

/// `take` is -1 for a picture that was not kept. `billed_ms` is when a call ended, or began, that may have been billed.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE receipt (
        id INTEGER PRIMARY KEY,
        job TEXT NOT NULL,
        take INTEGER NOT NULL,
        picture INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        claimed_ms INTEGER NOT NULL,
        billed_ms INTEGER,
        client TEXT NOT NULL,
        tags TEXT NOT NULL,
        doc TEXT NOT NULL,
        UNIQUE (job, take)
    )",
    "CREATE INDEX receipt_billed ON receipt (billed_ms) WHERE billed_ms IS NOT NULL",
    // Jobs that are under way.
    "CREATE INDEX receipt_open ON receipt (picture) WHERE rank < 3",
];

const PAGE: u32 = 500;

/// What was new in a registration.
#[derive(Default)]
pub(super) struct Noted<'a> {
    /// Receipts that are final for the first time.
    pub finals: Vec<&'a Receipt>,
    /// For the feed, where the job has another state than before.
    pub event: Option<Event>,
}

impl<D: Database> Catalog<D> {
    pub(super) fn note_receipts<'a>(
        &self,
        picture: i64,
        registration: &'a Registration,
    ) -> Result<Noted<'a>, StoreError> {
        let mut noted = Noted::default();
        for receipt in &registration.receipts {
            let before = self.rank_of(receipt)?;
            let after = (rank(receipt.state), receipt.attempts);
            // A snapshot that was overtaken says nothing new.
            if before.is_some_and(|before| before > after) {
                continue;
            }
            self.put_receipt(picture, registration, receipt)?;
            let rose = before.is_none_or(|(before, _)| before < after.0);
            if rose && after.0 == FINAL {
                noted.finals.push(receipt);
            }
            if rose && noted.event.is_none() {
                noted.event = Some(Event::Generation(event(registration, receipt)));
            }
        }
        Ok(noted)
    }

    fn rank_of(&self, receipt: &Receipt) -> Result<Option<(u8, u32)>, StoreError> {
        let rows = self.db.run(
            "SELECT rank, attempts FROM receipt WHERE job = ?1 AND take = ?2",
            &[text(receipt.id.as_str()), place(receipt.take)],
        )?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut columns = Columns::of(row);
        Ok(Some((columns.number()?, columns.number()?)))
    }

    fn put_receipt(&self, picture: i64, registration: &Registration, receipt: &Receipt) -> Result<(), StoreError> {
        let billed_ms = receipt.dispatched_ms.filter(|_| receipt.state != State::Failed);
        self.db.run(
            "INSERT INTO receipt (job, take, picture, rank, attempts, claimed_ms, billed_ms, client, tags, doc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (job, take) DO UPDATE SET rank = excluded.rank, attempts = excluded.attempts, billed_ms = excluded.billed_ms,
                 doc = excluded.doc",
            &[
                text(receipt.id.as_str()),
                place(receipt.take),
                Value::Integer(picture),
                number(u64::from(rank(receipt.state))),
                number(u64::from(receipt.attempts)),
                number(receipt.claimed_ms),
                optional(billed_ms.map(|dispatched| receipt.ended_ms.unwrap_or(dispatched)), number),
                text(receipt.client.as_str()),
                json(&registration.tags)?,
                json(receipt)?,
            ],
        )?;
        Ok(())
    }

    /// Receipts of calls that may have been billed and that ended, or at least began, in this time. With the row
    /// after which the next page goes on.
    pub(super) fn receipts(
        &self,
        from_ms: u64,
        to_ms: u64,
        after: Option<i64>,
    ) -> Result<(Vec<Receipt>, Option<i64>), StoreError> {
        // By their rows and not by time: the time of a call that is under way changes when it ends.
        let rows = self.db.run(
            "SELECT id, doc FROM receipt WHERE billed_ms >= ?1 AND billed_ms < ?2 AND id > ?3 ORDER BY id LIMIT ?4",
            &[number(from_ms), number(to_ms), Value::Integer(after.unwrap_or(0)), number(u64::from(PAGE) + 1)],
        )?;
        let more = rows.len() > usize::try_from(PAGE).map_err(broken)?;
        let mut receipts = Vec::new();
        let mut last = None;
        for row in rows.into_iter().take(usize::try_from(PAGE).map_err(broken)?) {
            let mut columns = Columns::of(row);
            last = Some(columns.integer()?);
            receipts.push(columns.json()?);
        }
        Ok((receipts, last.filter(|_| more)))
    }
}

const FINAL: u8 = 3;

/// How far a job has come. Only what is as far or farther is written over what is known.
fn rank(state: State) -> u8 {
    match state {
        State::Claimed => 0,
        State::Dispatched => 1,
        State::Stored => 2,
        State::Settled | State::Failed | State::Unknown => FINAL,
    }
}

fn place(take: Option<u32>) -> Value {
    Value::Integer(take.map_or(-1, i64::from))
}

fn event(registration: &Registration, receipt: &Receipt) -> GenerationEvent {
    let costs: Option<Vec<NanoUsd>> = registration.receipts.iter().map(|receipt| receipt.cost_nano_usd).collect();
    GenerationEvent {
        at_ms: receipt.ended_ms.or(receipt.dispatched_ms).unwrap_or(receipt.claimed_ms),
        job: receipt.id.clone(),
        key: registration.key,
        state: receipt.state,
        client: receipt.client.clone(),
        model: receipt.model.clone(),
        cost: costs.map(NanoUsd::saturating_sum),
        reason: receipt.failure.as_ref().and_then(|failure| failure.code.as_ref()).map(ToString::to_string),
        provider_ms: receipt.ended_ms.zip(receipt.dispatched_ms).map(|(ended, begun)| ended.saturating_sub(begun)),
    }
}
