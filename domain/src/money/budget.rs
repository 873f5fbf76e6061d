//! Budgets: what may be spent in a day and in a month, and what of it is set aside, spent or free.
//!
//! In scope: the arithmetic of reserves and of the alarms. Not in scope: where sums and entries are kept, and which windows
//! are the present ones; both are the account's. A reserve is made before the provider is called and ended once, and stays in
//! the windows of the moment it was made, also when it ends after they are over: what a window allowed and what became of
//! that never part.

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::month::Month;
use super::nano_usd::NanoUsd;

/// What may be spent in a UTC day and in a calendar month; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub per_day: Option<NanoUsd>,
    pub per_month: Option<NanoUsd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    Day,
    Month,
}

/// What one window holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Set aside for jobs that have not ended.
    pub reserved: NanoUsd,
    /// Billed, to the nano-dollar.
    pub settled: NanoUsd,
    /// The reserves of jobs of which nobody knows what they were billed.
    pub kept: NanoUsd,
    /// The highest of [`WARN_PERCENT`] that was warned of.
    pub warned_percent: u8,
}

/// The sums of the windows that one entry counts in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    pub day: Sums,
    pub month: Sums,
}

/// How the money of a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Billed, and this is the sum.
    Settle(NanoUsd),
    /// May have been billed, or was and the sum is not known: the reserve stands.
    Keep,
    /// Certainly not billed.
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    Open,
    Settled(NanoUsd),
    Kept,
    Released,
}

/// One reserve of one job in one account. It belongs to the windows of the moment it was made, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub amount: NanoUsd,
    pub at_ms: u64,
    pub day: Day,
    pub month: Month,
    pub state: EntryState,
}

/// The budget does not cover it. Where neither window does, this is the month, which renews last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverBudget {
    pub span: Span,
    pub limit: NanoUsd,
    pub left: NanoUsd,
}

/// What ending an entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// The sums changed.
    Now,
    /// It had ended so before; nothing changed.
    Before,
    /// It had ended otherwise before; nothing changed.
    Contradicts,
}

/// Percentages of a budget that are warned of.
pub const WARN_PERCENT: [u8; 3] = [50, 80, 100];

/// Without a limit, what cannot be counted is still refused.
const UNLIMITED: NanoUsd = NanoUsd(u64::MAX);

impl Sums {
    /// Gone for good.
    pub fn spent(&self) -> NanoUsd {
        NanoUsd::saturating_sum([self.settled, self.kept])
    }

    /// Gone or set aside.
    pub fn used(&self) -> NanoUsd {
        NanoUsd::saturating_sum([self.settled, self.kept, self.reserved])
    }

    /// Nothing once `limit` is overdrawn, as a bill above its reserve or a smaller limit can do.
    pub fn left(&self, limit: NanoUsd) -> NanoUsd {
        limit.saturating_sub(self.used())
    }

    /// Which of [`WARN_PERCENT`] what is spent has reached since the last call. What is only set aside warns of nothing, since it may
    /// come back; but a budget that has turned a picture away (`refused`) is used up.
    pub fn warn(&mut self, limit: Option<NanoUsd>, refused: bool) -> Vec<u8> {
        let Some(limit) = limit else { return Vec::new() };
        let spent = u128::from(self.spent().0);
        let reached = |percent: u8| refused || (spent > 0 && spent * 100 >= u128::from(limit.0) * u128::from(percent));
        let news: Vec<u8> =
            WARN_PERCENT.into_iter().filter(|percent| *percent > self.warned_percent && reached(*percent)).collect();
        self.warned_percent = news.last().copied().unwrap_or(self.warned_percent);
        news
    }

    /// What is used with `amount` more, if that stays within `limit`.
    fn room(&self, span: Span, limit: Option<NanoUsd>, amount: NanoUsd) -> Result<(), OverBudget> {
        let limit = limit.unwrap_or(UNLIMITED);
        // Summed anew: where the sums themselves are beyond counting, nothing is granted.
        let used = self
            .settled
            .checked_add(self.kept)
            .and_then(|used| used.checked_add(self.reserved))
            .and_then(|used| used.checked_add(amount));
        match used {
            Some(used) if used <= limit => Ok(()),
            _ => Err(OverBudget { span, limit, left: self.left(limit) }),
        }
    }

    fn end(&mut self, amount: NanoUsd, outcome: Outcome) {
        self.reserved = self.reserved.saturating_sub(amount);
        match outcome {
            Outcome::Settle(sum) => self.settled = NanoUsd::saturating_sum([self.settled, sum]),
            Outcome::Keep => self.kept = NanoUsd::saturating_sum([self.kept, amount]),
            Outcome::Release => {}
        }
    }
}

impl Windows {
    /// Sets `amount` aside in both windows or in neither. `self` are the windows of `now_ms`.
    pub fn reserve(&mut self, budget: &Budget, amount: NanoUsd, now_ms: u64) -> Result<Entry, OverBudget> {
        self.month.room(Span::Month, budget.per_month, amount)?;
        self.day.room(Span::Day, budget.per_day, amount)?;
        for sums in [&mut self.day, &mut self.month] {
            // There is room, so this is the exact sum.
            sums.reserved = NanoUsd::saturating_sum([sums.reserved, amount]);
        }
        Ok(Entry { amount, at_ms: now_ms, day: Day::at(now_ms), month: Month::at(now_ms), state: EntryState::Open })
    }

    /// Ends an entry. `self` are the windows that it belongs to. A bill counts in full even where it is above the reserve: money
    /// that was spent is never lost from sight.
    pub fn close(&mut self, entry: &mut Entry, outcome: Outcome) -> Closed {
        let ended = match outcome {
            Outcome::Settle(sum) => EntryState::Settled(sum),
            Outcome::Keep => EntryState::Kept,
            Outcome::Release => EntryState::Released,
        };
        if entry.state == ended {
            return Closed::Before;
        }
        if entry.state != EntryState::Open {
            return Closed::Contradicts;
        }
        self.day.end(entry.amount, outcome);
        self.month.end(entry.amount, outcome);
        entry.state = ended;
        Closed::Now
    }
}

#[cfg(test)]
mod tests;
