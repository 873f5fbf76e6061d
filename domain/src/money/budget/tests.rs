use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Budget, Closed, Entry, EntryState, Outcome, OverBudget, Span, Sums, WARN_PERCENT, Windows};
use crate::money::{Day, Month, NanoUsd};

const NOON: u64 = 1_772_366_400_000;

fn budget(day: Option<u64>, month: Option<u64>) -> Budget {
    Budget { per_day: day.map(NanoUsd), per_month: month.map(NanoUsd) }
}

fn sums(reserved: u64, settled: u64, kept: u64) -> Sums {
    Sums { reserved: NanoUsd(reserved), settled: NanoUsd(settled), kept: NanoUsd(kept), warned_percent: 0 }
}

fn over(span: Span, limit: u64, left: u64) -> OverBudget {
    OverBudget { span, limit: NanoUsd(limit), left: NanoUsd(left) }
}

#[track_caller]
fn check_reserve(budget: Budget, before: Windows, amount: u64, refused: Option<OverBudget>) {
    let mut windows = before;
    let entry = windows.reserve(&budget, NanoUsd(amount), NOON);
    assert_eq!(entry.as_ref().err(), refused.as_ref());
    let Ok(entry) = entry else { return assert_eq!(windows, before) };
    let expected = Entry {
        amount: NanoUsd(amount),
        at_ms: NOON,
        day: Day::at(NOON),
        month: Month::at(NOON),
        state: EntryState::Open,
    };
    assert_eq!(entry, expected);
    let more = |sums: Sums| Sums { reserved: NanoUsd(sums.reserved.0 + amount), ..sums };
    assert_eq!(windows, Windows { day: more(before.day), month: more(before.month) });
}

#[test]
fn reserves() {
    let empty = Windows::default();
    let some = Windows { day: sums(10, 20, 30), month: sums(110, 120, 130) };
    check_reserve(budget(None, None), empty, 5, None);
    check_reserve(budget(Some(5), Some(5)), empty, 5, None);
    check_reserve(budget(Some(5), None), empty, 6, Some(over(Span::Day, 5, 5)));
    check_reserve(budget(None, Some(5)), empty, 6, Some(over(Span::Month, 5, 5)));
    check_reserve(budget(Some(5), Some(4)), empty, 6, Some(over(Span::Month, 4, 4)));
    check_reserve(budget(Some(65), Some(365)), some, 5, None);
    check_reserve(budget(Some(64), Some(365)), some, 5, Some(over(Span::Day, 64, 4)));
    check_reserve(budget(Some(65), Some(364)), some, 5, Some(over(Span::Month, 364, 4)));
    check_reserve(budget(Some(59), None), some, 1, Some(over(Span::Day, 59, 0)));
    check_reserve(budget(Some(0), None), empty, 1, Some(over(Span::Day, 0, 0)));
    check_reserve(budget(Some(0), Some(0)), empty, 0, None);
    check_reserve(budget(Some(59), None), some, 0, Some(over(Span::Day, 59, 0)));
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let most = u64::MAX;
    let full = Windows { day: sums(0, most, 0), month: sums(0, most, 0) };
    check_reserve(budget(None, None), Windows::default(), most, None);
    check_reserve(budget(None, None), full, 1, Some(over(Span::Month, most, 0)));
    check_reserve(budget(Some(most), Some(most)), full, 0, None);
    let beyond = Windows { day: sums(most, most, 0), month: Sums::default() };
    check_reserve(budget(None, None), beyond, 0, Some(over(Span::Day, most, 0)));
}

#[track_caller]
fn check_close(first: Outcome, then: Outcome, sums_after: Sums, second: Closed) {
    let mut windows = Windows { day: sums(7, 1, 2), month: sums(70, 10, 20) };
    let mut entry = windows.reserve(&Budget::default(), NanoUsd(100), NOON).unwrap();
    assert_eq!(windows.close(&mut entry, first), Closed::Now);
    let expected = |base: Sums| Sums {
        reserved: base.reserved,
        settled: NanoUsd(base.settled.0 + sums_after.settled.0),
        kept: NanoUsd(base.kept.0 + sums_after.kept.0),
        warned_percent: 0,
    };
    let expected = Windows { day: expected(sums(7, 1, 2)), month: expected(sums(70, 10, 20)) };
    assert_eq!(windows, expected);
    let ended = entry.clone();
    assert_eq!(windows.close(&mut entry, then), second);
    assert_eq!((windows, &entry), (expected, &ended));
    assert_eq!(windows.close(&mut entry, first), Closed::Before);
    assert_eq!((windows, &entry), (expected, &ended));
}

#[test]
fn closes() {
    let settle = |sum| Outcome::Settle(NanoUsd(sum));
    check_close(settle(40), settle(40), sums(0, 40, 0), Closed::Before);
    check_close(settle(40), settle(41), sums(0, 40, 0), Closed::Contradicts);
    check_close(settle(40), Outcome::Keep, sums(0, 40, 0), Closed::Contradicts);
    check_close(settle(40), Outcome::Release, sums(0, 40, 0), Closed::Contradicts);
    check_close(settle(0), Outcome::Release, sums(0, 0, 0), Closed::Contradicts);
    check_close(settle(100), Outcome::Keep, sums(0, 100, 0), Closed::Contradicts);
    // A bill above the reserve.
    check_close(settle(250), settle(250), sums(0, 250, 0), Closed::Before);
    check_close(Outcome::Keep, Outcome::Keep, sums(0, 0, 100), Closed::Before);
    check_close(Outcome::Keep, settle(100), sums(0, 0, 100), Closed::Contradicts);
    check_close(Outcome::Keep, Outcome::Release, sums(0, 0, 100), Closed::Contradicts);
    check_close(Outcome::Release, Outcome::Release, sums(0, 0, 0), Closed::Before);
    check_close(Outcome::Release, Outcome::Keep, sums(0, 0, 0), Closed::Contradicts);
    check_close(Outcome::Release, settle(1), sums(0, 0, 0), Closed::Contradicts);
}

#[test]
fn a_bill_without_a_reserve_counts() {
    let mut windows = Windows { day: sums(7, 1, 2), month: sums(70, 10, 20) };
    // As an account does it: the end of a reserve of nothing.
    let mut settle = |sum: u64| {
        let (day, month) = (Day::at(0), Month::at(0));
        let mut entry = Entry { amount: NanoUsd::ZERO, at_ms: 0, day, month, state: EntryState::Open };
        assert_eq!(windows.close(&mut entry, Outcome::Settle(NanoUsd(sum))), Closed::Now);
        windows
    };
    let windows = settle(5);
    assert_eq!(windows, Windows { day: sums(7, 6, 2), month: sums(70, 15, 20) });
    assert_eq!(settle(u64::MAX).day, sums(7, u64::MAX, 2));
}

#[track_caller]
fn check_sums(of: Sums, spent: u64, used: u64, left_of_hundred: u64) {
    assert_eq!(
        (of.spent(), of.used(), of.left(NanoUsd(100))),
        (NanoUsd(spent), NanoUsd(used), NanoUsd(left_of_hundred))
    );
}

#[test]
fn what_is_spent_used_and_left() {
    check_sums(Sums::default(), 0, 0, 100);
    check_sums(sums(10, 20, 40), 60, 70, 30);
    check_sums(sums(40, 20, 40), 60, 100, 0);
    check_sums(sums(41, 20, 40), 60, 101, 0);
    check_sums(sums(u64::MAX, 1, 1), 2, u64::MAX, 0);
    check_sums(sums(1, u64::MAX, 1), u64::MAX, u64::MAX, 0);
}

#[track_caller]
fn check_warn(before: u8, of: Sums, limit: Option<u64>, refused: bool, expected: &[u8]) {
    let mut warned = Sums { warned_percent: before, ..of };
    assert_eq!(warned.warn(limit.map(NanoUsd), refused), expected);
    let after = expected.last().copied().unwrap_or(before);
    assert_eq!(warned, Sums { warned_percent: after, ..of });
    assert_eq!(warned.warn(limit.map(NanoUsd), refused), [0; 0], "said twice");
}

#[test]
fn warnings() {
    check_warn(0, sums(0, 49, 0), Some(100), false, &[]);
    check_warn(0, sums(0, 25, 25), Some(100), false, &[50]);
    check_warn(0, sums(100, 49, 0), Some(100), false, &[]);
    check_warn(0, sums(0, 79, 0), Some(100), false, &[50]);
    check_warn(50, sums(0, 79, 0), Some(100), false, &[]);
    check_warn(50, sums(0, 80, 0), Some(100), false, &[80]);
    check_warn(0, sums(0, 80, 0), Some(100), false, &[50, 80]);
    check_warn(0, sums(0, 99, 0), Some(100), false, &[50, 80]);
    check_warn(80, sums(0, 100, 0), Some(100), false, &[100]);
    check_warn(0, sums(0, 300, 0), Some(100), false, &[50, 80, 100]);
    check_warn(100, sums(0, 300, 0), Some(100), false, &[]);
    // A limit that was raised does not take back what was said.
    check_warn(100, sums(0, 50, 0), Some(100), false, &[]);
    // One nano-dollar below and at the half of an odd limit.
    check_warn(0, sums(0, 50, 0), Some(101), false, &[]);
    check_warn(0, sums(0, 51, 0), Some(101), false, &[50]);
    check_warn(0, sums(0, u64::MAX / 2, 0), Some(u64::MAX), false, &[]);
    check_warn(0, sums(0, u64::MAX / 2 + 1, 0), Some(u64::MAX), false, &[50]);
    check_warn(0, Sums::default(), Some(100), true, &[50, 80, 100]);
    check_warn(80, Sums::default(), Some(100), true, &[100]);
    check_warn(0, Sums::default(), Some(0), false, &[]);
    check_warn(0, sums(0, 1, 0), Some(0), false, &[50, 80, 100]);
    check_warn(0, sums(0, 100, 0), None, true, &[]);
}

#[test]
fn on_the_wire() {
    let mut windows = Windows::default();
    let mut entry = windows.reserve(&Budget::default(), NanoUsd(5), NOON).unwrap();
    assert_eq!(windows.close(&mut entry, Outcome::Settle(NanoUsd(3))), Closed::Now);
    let json = r#"{"amount":5,"at_ms":1772366400000,"day":"2026-03-01","month":"2026-03","state":{"settled":3}}"#;
    assert_eq!(serde_json::to_string(&entry).unwrap(), json);
    assert_eq!(serde_json::from_str::<Entry>(json).unwrap(), entry);
    let json = r#"{"reserved":0,"settled":3,"kept":0,"warned_percent":0}"#;
    assert_eq!(serde_json::to_string(&windows.day).unwrap(), json);
    assert_eq!(serde_json::from_str::<Sums>(json).unwrap(), windows.day);
    assert_eq!(serde_json::to_string(&Outcome::Release).unwrap(), r#""release""#);
    assert_eq!(serde_json::to_string(&budget(Some(1), None)).unwrap(), r#"{"per_day":1,"per_month":null}"#);
}

/// One step of an account: time passes, then a reserve is made or one is ended.
#[derive(Debug, Clone)]
enum Step {
    Reserve { amount: u64, later_ms: u64 },
    Close { which: prop::sample::Index, outcome: Outcome },
}

fn outcomes(most: u64) -> impl Strategy<Value = Outcome> {
    prop_oneof![(0..=most).prop_map(|sum| Outcome::Settle(NanoUsd(sum))), Just(Outcome::Keep), Just(Outcome::Release)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let reserve = (0..60_u64, 0..40_000_000_u64).prop_map(|(amount, later_ms)| Step::Reserve { amount, later_ms });
    let close =
        (any::<prop::sample::Index>(), outcomes(60)).prop_map(|(which, outcome)| Step::Close { which, outcome });
    prop::collection::vec(prop_oneof![reserve, close], 0..120)
}

/// Windows by their day and month, and the entries, as an account keeps them.
#[derive(Default)]
struct Kept {
    days: BTreeMap<Day, Sums>,
    months: BTreeMap<Month, Sums>,
    entries: Vec<Entry>,
}

impl Kept {
    fn windows(&self, day: &Day, month: &Month) -> Windows {
        Windows {
            day: self.days.get(day).copied().unwrap_or_default(),
            month: self.months.get(month).copied().unwrap_or_default(),
        }
    }

    fn put(&mut self, day: Day, month: Month, windows: Windows) {
        self.days.insert(day, windows.day);
        self.months.insert(month, windows.month);
    }

    /// What the entries add up to, for those that `counts` says belong to a window.
    fn total(&self, counts: impl Fn(&Entry) -> bool) -> Sums {
        let mut total = Sums::default();
        for entry in self.entries.iter().filter(|entry| counts(entry)) {
            match entry.state {
                EntryState::Open => total.reserved.0 += entry.amount.0,
                EntryState::Settled(sum) => total.settled.0 += sum.0,
                EntryState::Kept => total.kept.0 += entry.amount.0,
                EntryState::Released => {}
            }
        }
        total
    }

    fn adds_up(&self) -> Result<(), TestCaseError> {
        for (day, sums) in &self.days {
            prop_assert_eq!(*sums, self.total(|entry| entry.day == *day));
        }
        for (month, sums) in &self.months {
            prop_assert_eq!(*sums, self.total(|entry| entry.month == *month));
        }
        Ok(())
    }
}

/// Runs `steps`. With `bounded`, no bill is above its reserve, and then no window is ever over its budget.
fn run(budget: Budget, steps: Vec<Step>, bounded: bool) -> Result<(), TestCaseError> {
    // Two days before the end of a month, so that both kinds of windows roll over.
    let mut now_ms = 1_774_800_000_000;
    let mut kept = Kept::default();
    for step in steps {
        match step {
            Step::Reserve { amount, later_ms } => {
                now_ms += later_ms;
                let (day, month) = (Day::at(now_ms), Month::at(now_ms));
                let mut windows = kept.windows(&day, &month);
                let before = windows;
                let fits =
                    |sums: Sums, limit: Option<NanoUsd>| limit.is_none_or(|limit| sums.used().0 + amount <= limit.0);
                let expected = fits(before.day, budget.per_day) && fits(before.month, budget.per_month);
                let entry = windows.reserve(&budget, NanoUsd(amount), now_ms);
                prop_assert_eq!(entry.is_ok(), expected);
                prop_assert!(entry.is_ok() || windows == before);
                kept.entries.extend(entry);
                kept.put(day, month, windows);
            }
            Step::Close { which, outcome } => {
                if kept.entries.is_empty() {
                    continue;
                }
                let at = which.index(kept.entries.len());
                let mut entry = kept.entries[at].clone();
                let outcome = match outcome {
                    Outcome::Settle(sum) if bounded => Outcome::Settle(sum.min(entry.amount)),
                    outcome => outcome,
                };
                let mut windows = kept.windows(&entry.day, &entry.month);
                let before = (windows, entry.clone());
                let closed = windows.close(&mut entry, outcome);
                prop_assert_eq!(closed == Closed::Now, before.1.state == EntryState::Open);
                if closed != Closed::Now {
                    prop_assert_eq!((windows, entry.clone()), before);
                }
                let (day, month) = (entry.day.clone(), entry.month.clone());
                kept.entries[at] = entry;
                kept.put(day, month, windows);
            }
        }
        kept.adds_up()?;
        if bounded {
            let within = |sums: &Sums, limit: Option<NanoUsd>| limit.is_none_or(|limit| sums.used() <= limit);
            prop_assert!(kept.days.values().all(|sums| within(sums, budget.per_day)));
            prop_assert!(kept.months.values().all(|sums| within(sums, budget.per_month)));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn never_over_and_nothing_lost(
        day in prop::option::of(0..200_u64),
        month in prop::option::of(0..400_u64),
        steps in steps(),
        bounded in any::<bool>(),
    ) {
        run(budget(day, month), steps, bounded)?;
    }

    #[test]
    fn a_release_gives_back_exactly(reserved in 0..1_000_u64, settled in 0..1_000_u64, amount in 0..1_000_u64) {
        let before = Windows { day: sums(reserved, settled, 3), month: sums(reserved + 5, settled + 7, 9) };
        let mut windows = before;
        let mut entry = windows.reserve(&Budget::default(), NanoUsd(amount), NOON).unwrap();
        prop_assert_eq!(windows.close(&mut entry, Outcome::Release), Closed::Now);
        prop_assert_eq!(windows, before);
    }

    #[test]
    fn each_warning_once(limit in 0..1_000_u64, steps in prop::collection::vec((0..200_u64, any::<bool>()), 0..30)) {
        let mut window = Sums::default();
        let mut said = Vec::new();
        for (more, refused) in steps {
            window.settled.0 += more;
            said.extend(window.warn(Some(NanoUsd(limit)), refused));
            let (spent, refused) = (window.settled.0, said.contains(&100));
            for percent in WARN_PERCENT {
                let reached = spent > 0 && spent * 100 >= limit * u64::from(percent);
                prop_assert_eq!(said.contains(&percent), reached || refused);
            }
        }
        prop_assert!(said.is_sorted_by(|a, b| a < b));
    }
}
