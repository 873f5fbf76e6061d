//! A picture's row as it is shown.

use domain::admin::ImageSummary;
use domain::money::NanoUsd;
use domain::picture::PictureKey;

use super::Catalog;
use super::database::{Database, Row};
use super::sql::{Columns, named, text};
use crate::ports::StoreError;

/// The columns of [`read`], of `picture p` and `prompt x`; with the takes that are there, or with those that were
/// purged.
pub(super) fn columns(purged: bool) -> String {
    let of = if purged { "p.purged_" } else { "p." };
    format!(
        "p.key, x.prompt, p.model, p.namespace, p.client, p.tags, p.size, p.quality, p.width, p.height, p.format, {of}takes, {of}bytes, \
         {of}cost, p.hits, p.last_hit_ms, p.created_ms"
    )
}

pub(super) fn read(columns: &mut Columns) -> Result<ImageSummary, StoreError> {
    Ok(ImageSummary {
        key: columns.parsed(PictureKey::parse)?,
        prompt: columns.text()?,
        model: columns.text()?,
        namespace: columns.text()?,
        client: columns.text()?,
        tags: columns.json()?,
        size: columns.text()?,
        quality: columns.text()?,
        width: columns.optional_number()?,
        height: columns.optional_number()?,
        format: columns.optional_text()?.as_deref().and_then(named),
        takes: columns.number()?,
        bytes: columns.number()?,
        cost: NanoUsd(columns.number()?),
        hits: columns.number()?,
        last_hit_ms: Some(columns.number()?).filter(|at_ms| *at_ms > 0),
        created_ms: columns.number()?,
    })
}

impl<D: Database> Catalog<D> {
    /// Also of a picture without takes, as long as something was heard of it.
    pub(super) fn summary(&self, key: &PictureKey) -> Result<Option<ImageSummary>, StoreError> {
        let sql = format!("SELECT {} FROM picture p JOIN prompt x ON x.id = p.id WHERE p.key = ?1", columns(false));
        let rows: Vec<Row> = self.db.run(&sql, &[text(key)])?;
        rows.into_iter().next().map(|row| read(&mut Columns::of(row))).transpose()
    }
}
