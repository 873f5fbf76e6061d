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
    (Event::CrashWhileClaimed, 1_000),
    (Event::CrashWhileDispatched, 2_100),
    (Event::CrashBeforeSettled, 2_100),
    (Event::CrashLostWrites, 920),
    (Event::IsolateCrashed, 580),
    (Event::ClientLeft, 410),
    (Event::WayToObjectBroke, 5_600),
    (Event::Overloaded, 380),
    (Event::LeaderCameBack, 3_300),
    (Event::Collapsed, 2_800),
    (Event::PartlyThere, 200),
    (Event::HoldRefused, 3_600),
    (Event::BoughtAfterHold, 260),
    (Event::AttemptAfterRefusal, 630),
    (Event::GaveUpRetrying, 29),
    (Event::ProviderTimedOut, 550),
    (Event::BilledAndLost, 2_000),
    (Event::ReplySplit, 91),
    (Event::FewerPictures, 32),
    (Event::CostUntold, 480),
    (Event::StoreRefusedPicture, 1_400),
    (Event::AlarmToNewLife, 580),
    (Event::AlarmReplayed, 790),
    (Event::AlarmLost, 480),
    (Event::LedgerFailed, 4_700),
    (Event::BudgetRefused, 250),
    (Event::SaveFailed, 380),
    (Event::DurableFailed, 120),
    (Event::LoadFailed, 100),
    (Event::KvStale, 110),
    (Event::KvAbsenceCached, 560),
    (Event::KvSlow, 1_400),
    (Event::KvFailed, 1_300),
    (Event::KvRateLimited, 180),
    (Event::KvHit, 1_300),
    (Event::MemoHit, 1_200),
    (Event::ObjectHit, 640),
    (Event::EdgeCacheHit, 2_500),
    (Event::BlobHurt, 590),
    (Event::DamageStoppedOnTheWay, 78),
    (Event::DamageToldBeforehand, 190),
    (Event::Rerolled, 620),
    (Event::DedupOff, 1_300),
    (Event::NotStored, 870),
    (Event::OnlyIfCachedRefused, 1_900),
    (Event::HeadAnswered, 280),
    (Event::NotModified, 240),
    (Event::PartDelivered, 430),
    (Event::FoundByKey, 570),
    (Event::StrangerTurnedAway, 1_500),
    (Event::CalmSchedule, 190),
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
        let rows = LEAST.iter().zip(self.0).map(|((event, _), count)| format!("{count:>9} {event:?}"));
        rows.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn every_event_has_its_row() {
    for (at, (event, _)) in LEAST.iter().enumerate() {
        assert_eq!(*event as usize, at, "{event:?}");
    }
    assert_eq!(Event::CalmSchedule as usize + 1, LEAST.len());
}
