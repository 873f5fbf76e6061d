//! Pictures that are like one that is not there, for whoever wonders why it was a miss.

use domain::picture::words::words;
use domain::picture::{Picture, PictureKey};

use super::Catalog;
use super::database::{Database, Row};
use super::pictures::with_prompt;
use super::search::every_word;
use super::sql::{Columns, number, text};
use crate::ports::StoreError;

const MOST: usize = 5;

/// Of a long prompt, its first words say what it is about.
const WORDS: usize = 12;

impl<D: Database> Catalog<D> {
    /// Those with the same prompt and other options; failing that, those that share the most words, rare ones before
    /// common ones.
    pub(super) fn near(&self, picture: &Picture) -> Result<Vec<(PictureKey, Picture)>, StoreError> {
        let prompt = picture.prompt.as_str();
        let said: Vec<String> = words(prompt).into_iter().take(WORDS).collect();
        if said.is_empty() {
            return Ok(Vec::new());
        }
        let key = PictureKey::of(picture);
        let same = self.db.run(
            "SELECT p.key, c.doc, x.prompt FROM prompt_text f CROSS JOIN prompt x ON x.id = f.rowid
                 CROSS JOIN picture p ON p.id = f.rowid CROSS JOIN canonical c ON c.id = f.rowid
             WHERE f.prompt_text MATCH ?1 AND x.prompt = ?2 AND p.takes > 0 AND p.key <> ?3 LIMIT ?4",
            &[text(every_word(&said.join(" "))), text(prompt), text(key), number(MOST as u64)],
        )?;
        if !same.is_empty() {
            return same.into_iter().map(read).collect();
        }
        let any = said.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" OR ");
        let alike = self.db.run(
            "SELECT p.key, c.doc, x.prompt FROM (
                 SELECT rowid AS id, rank AS rank FROM prompt_text WHERE prompt_text MATCH ?1 ORDER BY rank LIMIT 50
             ) f CROSS JOIN prompt x ON x.id = f.id CROSS JOIN picture p ON p.id = f.id CROSS JOIN canonical c ON c.id = f.id
             WHERE p.takes > 0 AND p.key <> ?2 ORDER BY f.rank LIMIT ?3",
            &[text(any), text(key), number(MOST as u64)],
        )?;
        alike.into_iter().map(read).collect()
    }
}

fn read(row: Row) -> Result<(PictureKey, Picture), StoreError> {
    let mut columns = Columns::of(row);
    let key = columns.parsed(PictureKey::parse)?;
    let document = columns.text()?;
    Ok((key, with_prompt(&document, columns.text()?)?))
}
