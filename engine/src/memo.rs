//! Pointers that this isolate has seen in the last seconds, so that a popular picture costs no look-up at all.
//!
//! Plain data only: nothing that belongs to a request may live longer than it. Absences are never remembered.

use std::collections::HashMap;
use std::rc::Rc;

use domain::picture::{PictureKey, Pointer};

use crate::settings::MEMO_MS;

/// How many pointers an isolate remembers. At about 300 bytes each this is a part of its 128 MB that nobody notices.
const CAPACITY: usize = 4_096;

/// A pointer with more takes or more gaps than this is not remembered: a few of them would fill the isolate.
const LARGEST: usize = 64;

#[derive(Debug, Default)]
pub struct Memo {
    pointers: HashMap<PictureKey, Remembered>,
}

#[derive(Debug)]
struct Remembered {
    pointer: Rc<Pointer>,
    read_ms: u64,
}

impl Memo {
    /// The pointer and its age in milliseconds.
    pub fn get(&self, key: &PictureKey, now_ms: u64) -> Option<(Rc<Pointer>, u64)> {
        let remembered = self.pointers.get(key)?;
        let age_ms = now_ms.checked_sub(remembered.read_ms)?;
        (age_ms < MEMO_MS).then(|| (Rc::clone(&remembered.pointer), age_ms))
    }

    pub fn put(&mut self, key: PictureKey, pointer: Rc<Pointer>, now_ms: u64) {
        if pointer.takes.len().max(pointer.gone.len()) > LARGEST {
            self.forget(&key);
            return;
        }
        if self.pointers.len() >= CAPACITY {
            self.pointers.retain(|_, remembered| now_ms.saturating_sub(remembered.read_ms) < MEMO_MS);
            if self.pointers.len() >= CAPACITY {
                // Every one of them is in use; starting over costs each a single look-up.
                self.pointers.clear();
            }
        }
        self.pointers.insert(key, Remembered { pointer, read_ms: now_ms });
    }

    pub fn forget(&mut self, key: &PictureKey) {
        self.pointers.remove(key);
    }
}
