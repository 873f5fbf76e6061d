//! Which situations the schedules reached, and how often at least: without these sums a simulation can stop testing
//! anything and still pass.

/// Something that has to happen now and then for the rules to mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    CrashWhileClaimed,
    CrashWhileDispatched,
    CrashBeforeSettled,
    CrashLostWrites,
    IsolateCrashed,
    ClientLeft,
    WayToObjectBroke,
    Overloaded,
    LeaderCameBack,
    Collapsed,
    PartlyThere,
    HoldRefused,
    BoughtAfterHold,
    AttemptAfterRefusal,
    GaveUpRetrying,
    ProviderTimedOut,
    BilledAndLost,
    ReplySplit,
    FewerPictures,
    CostUntold,
    StoreRefusedPicture,
    AlarmToNewLife,
    AlarmReplayed,
    AlarmLost,
    LedgerFailed,
    BudgetRefused,
    SaveFailed,
    DurableFailed,
    LoadFailed,
    KvStale,
    KvAbsenceCached,
    KvSlow,
    KvFailed,
    KvRateLimited,
    KvHit,
    MemoHit,
    ObjectHit,
    EdgeCacheHit,
    BlobHurt,
    DamageStoppedOnTheWay,
    DamageToldBeforehand,
    Rerolled,
    DedupOff,
    NotStored,
    OnlyIfCachedRefused,
    HeadAnswered,
    NotModified,
    PartDelivered,
    FoundByKey,
    StrangerTurnedAway,
    CalmSchedule,
}

/// How often each has to occur in [`super::SCHEDULES`] schedules: about a quarter of what it was when this was written.
pub(super) const LEAST: &[(Event, u64)] = &[
    (Event::CrashWhileClaimed, 1),
    (Event::CrashWhileDispatched, 1),
    (Event::CrashBeforeSettled, 1),
    (Event::CrashLostWrites, 1),
    (Event::IsolateCrashed, 1),
    (Event::ClientLeft, 1),
    (Event::WayToObjectBroke, 1),
    (Event::Overloaded, 1),
    (Event::LeaderCameBack, 1),
    (Event::Collapsed, 1),
    (Event::PartlyThere, 1),
    (Event::HoldRefused, 1),
    (Event::BoughtAfterHold, 1),
    (Event::AttemptAfterRefusal, 1),
    (Event::GaveUpRetrying, 1),
    (Event::ProviderTimedOut, 1),
    (Event::BilledAndLost, 1),
    (Event::ReplySplit, 1),
    (Event::FewerPictures, 1),
    (Event::CostUntold, 1),
    (Event::StoreRefusedPicture, 1),
    (Event::AlarmToNewLife, 1),
    (Event::AlarmReplayed, 1),
    (Event::AlarmLost, 1),
    (Event::LedgerFailed, 1),
    (Event::BudgetRefused, 1),
    (Event::SaveFailed, 1),
    (Event::DurableFailed, 1),
    (Event::LoadFailed, 1),
    (Event::KvStale, 1),
    (Event::KvAbsenceCached, 1),
    (Event::KvSlow, 1),
    (Event::KvFailed, 1),
    (Event::KvRateLimited, 1),
    (Event::KvHit, 1),
    (Event::MemoHit, 1),
    (Event::ObjectHit, 1),
    (Event::EdgeCacheHit, 1),
    (Event::BlobHurt, 1),
    (Event::DamageStoppedOnTheWay, 1),
    (Event::DamageToldBeforehand, 1),
    (Event::Rerolled, 1),
    (Event::DedupOff, 1),
    (Event::NotStored, 1),
    (Event::OnlyIfCachedRefused, 1),
    (Event::HeadAnswered, 1),
    (Event::NotModified, 1),
    (Event::PartDelivered, 1),
    (Event::FoundByKey, 1),
    (Event::StrangerTurnedAway, 1),
    (Event::CalmSchedule, 1),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counts([u64; LEAST.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; LEAST.len()])
    }
}

impl Counts {
    pub(super) fn add(&mut self, event: Event) {
        self.0[event as usize] += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    /// The events that occurred too seldom.
    pub(super) fn missing(&self) -> Vec<String> {
        let seldom = LEAST.iter().zip(self.0).filter(|((_, least), count)| count < least);
        seldom.map(|((event, least), count)| format!("{event:?}: {count} of {least}")).collect()
    }

    pub(super) fn table(&self) -> String {
        LEAST.iter().zip(self.0).map(|((event, _), count)| format!("{count:>9} {event:?}\n")).collect()
    }
}

#[test]
fn every_event_has_its_row() {
    for (at, (event, _)) in LEAST.iter().enumerate() {
        assert_eq!(*event as usize, at, "{event:?}");
    }
    assert_eq!(Event::CalmSchedule as usize + 1, LEAST.len());
}
