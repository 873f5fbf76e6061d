//! The durable state of a Generation object: a record for each job, each take, each purge and the rest, each a JSON document, in one
//! table.
//!
//! Documents and not columns: the object reads its whole state at once and asks nothing else of it, and a field that is added
//! to a document needs no migration. One table, because there is an object for every picture and each table is a page of it.
//! Writes without an await between them are one transaction (`SQLite` storage of Durable Objects), and nothing leaves the
//! object before they are durable.

use domain::job::Pool;
use domain::job::pool::Meta;
use domain::picture::PictureKey;
use engine::ports::{Change, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::SqlStorageValue;
use worker::durable::Storage;

use super::table::{Table, failed};

pub struct JobStore(Table);

/// What is kept besides jobs, takes and purges.
#[derive(Serialize, Deserialize)]
struct Rest<M> {
    key: String,
    #[serde(flatten)]
    meta: M,
}

#[derive(Deserialize)]
struct Row {
    kind: u8,
    doc: String,
}

const REST: i64 = 0;
const JOB: i64 = 1;
const TAKE: i64 = 2;
const KEPT: i64 = 3;
const PURGED: i64 = 4;

const COLUMNS: &str = "kind INTEGER NOT NULL, id INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (kind, id)";

impl JobStore {
    pub fn new(storage: &Storage) -> Self {
        Self(Table::new(storage, "record", COLUMNS))
    }

    /// The key under which this object saved.
    pub fn key(storage: &Storage) -> Option<PictureKey> {
        let store = Self::new(storage);
        let rows = store.rows().ok()?;
        let rest: Rest<Meta> = read(rows.iter().find(|row| i64::from(row.kind) == REST)?).ok()?;
        PictureKey::parse(&rest.key)
    }

    pub fn load(&self) -> Result<Pool, StoreError> {
        let mut pool = Pool::default();
        for row in self.rows()? {
            match i64::from(row.kind) {
                REST => pool.meta = read::<Rest<Meta>>(&row)?.meta,
                JOB => pool.jobs.push(read(&row)?),
                KEPT => pool.kept = Some(read(&row)?),
                PURGED => pool.purged.push(read(&row)?),
                _ => {
                    let take: domain::picture::Take = read(&row)?;
                    pool.takes.insert(take.take, take);
                }
            }
        }
        Ok(pool)
    }

    pub fn save(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        // No await in here: all of it is one transaction.
        self.0.ensure()?;
        for change in changes {
            match change {
                Change::Meta { key, meta } => self.put(REST, 0, &Rest { key: key.to_string(), meta })?,
                Change::Job(job) => self.put(JOB, job.seq, job)?,
                Change::Take(take) => self.put(TAKE, u64::from(take.take), take)?,
                Change::Gone(take) => self.delete(TAKE, u64::from(*take))?,
                Change::Purged(purged) => self.put(PURGED, purged.seq, purged)?,
                Change::Kept(picture) => self.put(KEPT, 0, picture)?,
                Change::Forget(seq) => self.delete(JOB, *seq)?,
            }
        }
        Ok(())
    }

    fn rows(&self) -> Result<Vec<Row>, StoreError> {
        self.0.rows("SELECT kind, doc FROM record ORDER BY kind, id", vec![])
    }

    fn delete(&self, kind: i64, at: u64) -> Result<(), StoreError> {
        self.0.exec("DELETE FROM record WHERE kind = ? AND id = ?", vec![kind.into(), id(at)])
    }

    fn put(&self, kind: i64, at: u64, document: &impl Serialize) -> Result<(), StoreError> {
        let document = serde_json::to_string(document).map_err(failed)?;
        let row = vec![kind.into(), id(at), SqlStorageValue::String(document)];
        self.0.exec("INSERT OR REPLACE INTO record (kind, id, doc) VALUES (?, ?, ?)", row)
    }
}

fn read<T: DeserializeOwned>(row: &Row) -> Result<T, StoreError> {
    serde_json::from_str(&row.doc).map_err(failed)
}

fn id(at: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(at).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
