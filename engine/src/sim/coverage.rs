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
    AccountOutOfReach,
    AccountLostWrites,
    AccountRestartedWithOpen,
    AccountNotSaved,
    AccountNotRead,
    RefusedByDay,
    RefusedByMonth,
    RefusedByRate,
    RefusedByConcurrency,
    RateTold,
    RefusedByDeployment,
    ReserveOvertaken,
    GrantGivenBack,
    EndedTwice,
    EndedOnAnotherDay,
    EndedInAnotherMonth,
    EntryPruned,
    HalfSpent,
    MostSpent,
    AllSpent,
    ClaimedAfterAnothersRefusal,
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
    (Event::CrashWhileClaimed, 2_300),
    (Event::CrashWhileDispatched, 1_500),
    (Event::CrashBeforeSettled, 6_900),
    (Event::CrashLostWrites, 1_300),
    (Event::IsolateCrashed, 920),
    (Event::ClientLeft, 340),
    (Event::WayToObjectBroke, 6_600),
    (Event::Overloaded, 370),
    (Event::LeaderCameBack, 3_800),
    (Event::Collapsed, 2_300),
    (Event::PartlyThere, 140),
    (Event::HoldRefused, 2_800),
    (Event::BoughtAfterHold, 150),
    (Event::AttemptAfterRefusal, 400),
    (Event::GaveUpRetrying, 14),
    (Event::ProviderTimedOut, 380),
    (Event::BilledAndLost, 1_300),
    (Event::ReplySplit, 41),
    (Event::FewerPictures, 16),
    (Event::CostUntold, 300),
    (Event::StoreRefusedPicture, 940),
    (Event::AlarmToNewLife, 1_300),
    (Event::AlarmReplayed, 1_300),
    (Event::AlarmLost, 590),
    (Event::AccountOutOfReach, 7_700),
    (Event::AccountLostWrites, 580),
    (Event::AccountRestartedWithOpen, 1_600),
    (Event::AccountNotSaved, 700),
    (Event::AccountNotRead, 3_200),
    (Event::RefusedByDay, 1_100),
    (Event::RefusedByMonth, 1_200),
    (Event::RefusedByRate, 620),
    (Event::RefusedByConcurrency, 510),
    (Event::RateTold, 1),
    (Event::RefusedByDeployment, 970),
    (Event::ReserveOvertaken, 730),
    (Event::GrantGivenBack, 2_600),
    (Event::EndedTwice, 19_000),
    (Event::EndedOnAnotherDay, 360),
    (Event::EndedInAnotherMonth, 280),
    (Event::EntryPruned, 300),
    (Event::HalfSpent, 1_200),
    (Event::MostSpent, 970),
    (Event::AllSpent, 910),
    (Event::ClaimedAfterAnothersRefusal, 77),
    (Event::SaveFailed, 430),
    (Event::DurableFailed, 81),
    (Event::LoadFailed, 110),
    (Event::KvStale, 93),
    (Event::KvAbsenceCached, 440),
    (Event::KvSlow, 1_400),
    (Event::KvFailed, 1_300),
    (Event::KvRateLimited, 100),
    (Event::KvHit, 1_000),
    (Event::MemoHit, 980),
    (Event::ObjectHit, 440),
    (Event::EdgeCacheHit, 810),
    (Event::BlobHurt, 490),
    (Event::DamageStoppedOnTheWay, 98),
    (Event::DamageToldBeforehand, 220),
    (Event::Rerolled, 440),
    (Event::DedupOff, 900),
    (Event::NotStored, 570),
    (Event::OnlyIfCachedRefused, 1_900),
    (Event::HeadAnswered, 270),
    (Event::NotModified, 180),
    (Event::PartDelivered, 340),
    (Event::FoundByKey, 420),
    (Event::StrangerTurnedAway, 1_500),
    (Event::CalmSchedule, 210),
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
