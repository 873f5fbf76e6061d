//! The spans that rows of usage stand for, and which rows a stretch of time is read from.
//!
//! The rows of a span are worked out of those of the next finer one once the span is over, and its mark is where that has come to. So a
//! stretch of time is read from the coarsest rows that lie in it and before their mark, and its edges from finer ones.

/// Rows of one span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub span_ms: u64,
    kept_ms: u64,
}

/// What rows put together. Only [`Self::Each`] is written while something is counted; but reading is to be cheap, and adding up twenty
/// clients and four models for each minute of six hours is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    All,
    Client,
    Model,
    Each,
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;

pub const MINUTES: Level = Level { span_ms: 60_000, kept_ms: 2 * DAY_MS };
/// So that the edges of a stretch are a few rows and not up to an hour of minutes. No window is shown in steps of it.
pub const TENS: Level = Level { span_ms: 600_000, kept_ms: 2 * DAY_MS };
pub const HOURS: Level = Level { span_ms: HOUR_MS, kept_ms: 62 * DAY_MS };
/// As with [`TENS`], for the edges of a week.
pub const QUARTERS: Level = Level { span_ms: 6 * HOUR_MS, kept_ms: 62 * DAY_MS };
pub const DAYS: Level = Level { span_ms: DAY_MS, kept_ms: 800 * DAY_MS };
/// For a month, and for a year.
pub const EIGHTS: Level = Level { span_ms: 8 * DAY_MS, kept_ms: 800 * DAY_MS };

/// From the finest to the coarsest.
pub const LEVELS: [Level; 6] = [MINUTES, TENS, HOURS, QUARTERS, DAYS, EIGHTS];

/// How long after its end a span is taken for over: by then nearly all isolates have told what they counted in it. What comes later
/// costs a few more writes; what is not worked out yet costs every reader.
const SETTLED_MS: u64 = 15_000;

/// Up to where the rows of each level are complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks([u64; LEVELS.len()]);

/// Rows that are read: of this view and span, from (inclusive) and to (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub view: View,
    pub span_ms: u64,
    pub from_ms: u64,
    pub to_ms: u64,
}

impl Level {
    /// The first of its rows that are kept.
    pub fn first_kept_ms(self, now_ms: u64) -> u64 {
        ceil(now_ms.saturating_sub(self.kept_ms), self.span_ms)
    }

    /// Up to where its spans are over.
    pub fn over_ms(self, now_ms: u64) -> u64 {
        floor(now_ms.saturating_sub(SETTLED_MS), self.span_ms)
    }

    /// What is worked out at this level. That of each client and model is there already in minutes.
    pub fn views(self) -> &'static [View] {
        if self == MINUTES { &[View::All, View::Client, View::Model] } else { &View::EVERY }
    }

    /// The rows out of which those of `view` are worked out.
    pub fn source(self, view: View) -> (View, u64) {
        match self.finer() {
            Some(finer) => (view, finer.span_ms),
            None => (View::Each, self.span_ms),
        }
    }

    fn finer(self) -> Option<Self> {
        LEVELS.into_iter().rev().find(|level| level.span_ms < self.span_ms)
    }
}

impl View {
    pub const EVERY: [Self; 4] = [Self::All, Self::Client, Self::Model, Self::Each];

    pub fn has_client(self) -> bool {
        matches!(self, Self::Client | Self::Each)
    }

    pub fn has_model(self) -> bool {
        matches!(self, Self::Model | Self::Each)
    }

    pub fn number(self) -> i64 {
        self as i64
    }
}

impl Marks {
    pub fn of(&self, level: Level) -> u64 {
        LEVELS.into_iter().zip(self.0).find(|(found, _)| *found == level).map_or(0, |(_, mark)| mark)
    }

    pub fn set(&mut self, span_ms: u64, at_ms: u64) {
        for (level, mark) in LEVELS.into_iter().zip(&mut self.0) {
            if level.span_ms == span_ms {
                *mark = at_ms;
            }
        }
    }

    /// Where to read `view` from `from_ms` to `to_ms`, in rows of `coarsest` at most. Both are the beginning of a minute. What is not
    /// worked out yet is the last piece, and is read from what was written.
    pub fn cover(&self, view: View, coarsest: Level, from_ms: u64, to_ms: u64) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.descend(view, Some(coarsest), (from_ms, to_ms), &mut pieces);
        pieces
    }

    fn descend(&self, view: View, level: Option<Level>, (from_ms, to_ms): (u64, u64), pieces: &mut Vec<Piece>) {
        if from_ms >= to_ms {
            return;
        }
        let Some(level) = level else {
            pieces.push(Piece { view: View::Each, span_ms: MINUTES.span_ms, from_ms, to_ms });
            return;
        };
        let begin = ceil(from_ms, level.span_ms);
        let end = floor(to_ms, level.span_ms).min(self.of(level));
        if begin >= end {
            return self.descend(view, level.finer(), (from_ms, to_ms), pieces);
        }
        self.descend(view, level.finer(), (from_ms, begin), pieces);
        pieces.push(Piece { view, span_ms: level.span_ms, from_ms: begin, to_ms: end });
        self.descend(view, level.finer(), (end, to_ms), pieces);
    }
}

pub fn floor(at_ms: u64, span_ms: u64) -> u64 {
    at_ms - at_ms % span_ms
}

pub fn ceil(at_ms: u64, span_ms: u64) -> u64 {
    floor(at_ms.saturating_add(span_ms - 1), span_ms)
}

#[cfg(test)]
mod tests;
