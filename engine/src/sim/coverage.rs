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
    PurgedAll,
    PurgedOne,
    PurgedSoft,
    PurgedHard,
    PurgedNothing,
    PurgedAgain,
    PurgedAtWork,
    PurgeLate,
    PurgeBrokeOff,
    PurgesAtOnce,
    Undone,
    UndoneFirst,
    UndoneTooLate,
    ToldPurged,
    ToldPurgedMeanwhile,
    MadeAfterPurge,
    TombstonePublished,
    BytesGone,
    CatalogOutOfReach,
    ListedAtWork,
    ListedTwice,
    ListedLate,
    ListedAsPurged,
    CalmSchedule,
}

/// How often each has to occur in [`super::SCHEDULES`] schedules: about a quarter of what it was when this was written.
pub(super) const LEAST: &[(Event, u64)] = &[
    (Event::CrashWhileClaimed, 2_200),
    (Event::CrashWhileDispatched, 1_800),
    (Event::CrashBeforeSettled, 6_100),
    (Event::CrashLostWrites, 1_200),
    (Event::IsolateCrashed, 900),
    (Event::ClientLeft, 380),
    (Event::WayToObjectBroke, 6_900),
    (Event::Overloaded, 370),
    (Event::LeaderCameBack, 4_000),
    (Event::Collapsed, 2_500),
    (Event::PartlyThere, 150),
    (Event::HoldRefused, 3_300),
    (Event::BoughtAfterHold, 220),
    (Event::AttemptAfterRefusal, 500),
    (Event::GaveUpRetrying, 26),
    (Event::ProviderTimedOut, 440),
    (Event::BilledAndLost, 1_600),
    (Event::ReplySplit, 63),
    (Event::FewerPictures, 23),
    (Event::CostUntold, 370),
    (Event::StoreRefusedPicture, 1_000),
    (Event::AlarmToNewLife, 1_200),
    (Event::AlarmReplayed, 870),
    (Event::AlarmLost, 580),
    (Event::AccountOutOfReach, 4_700),
    (Event::AccountLostWrites, 530),
    (Event::AccountRestartedWithOpen, 1_600),
    (Event::AccountNotSaved, 500),
    (Event::AccountNotRead, 940),
    (Event::RefusedByDay, 830),
    (Event::RefusedByMonth, 880),
    (Event::RefusedByRate, 440),
    (Event::RefusedByConcurrency, 340),
    (Event::RateTold, 210),
    (Event::RefusedByDeployment, 700),
    (Event::ReserveOvertaken, 520),
    (Event::GrantGivenBack, 1_900),
    (Event::EndedTwice, 15_000),
    (Event::EndedOnAnotherDay, 380),
    (Event::EndedInAnotherMonth, 280),
    (Event::EntryPruned, 240),
    (Event::HalfSpent, 830),
    (Event::MostSpent, 670),
    (Event::AllSpent, 630),
    (Event::ClaimedAfterAnothersRefusal, 54),
    (Event::SaveFailed, 430),
    (Event::DurableFailed, 91),
    (Event::LoadFailed, 110),
    (Event::KvStale, 85),
    (Event::KvAbsenceCached, 450),
    (Event::KvSlow, 1_400),
    (Event::KvFailed, 1_300),
    (Event::KvRateLimited, 110),
    (Event::KvHit, 1_100),
    (Event::MemoHit, 1_000),
    (Event::ObjectHit, 500),
    (Event::EdgeCacheHit, 880),
    (Event::BlobHurt, 480),
    (Event::DamageStoppedOnTheWay, 97),
    (Event::DamageToldBeforehand, 240),
    (Event::Rerolled, 500),
    (Event::DedupOff, 1_000),
    (Event::NotStored, 650),
    (Event::OnlyIfCachedRefused, 1_900),
    (Event::HeadAnswered, 280),
    (Event::NotModified, 230),
    (Event::PartDelivered, 370),
    (Event::FoundByKey, 460),
    (Event::StrangerTurnedAway, 1_500),
    (Event::PurgedAll, 370),
    (Event::PurgedOne, 170),
    (Event::PurgedSoft, 360),
    (Event::PurgedHard, 180),
    (Event::PurgedNothing, 750),
    (Event::PurgedAgain, 220),
    (Event::PurgedAtWork, 290),
    (Event::PurgeLate, 1_100),
    (Event::PurgeBrokeOff, 270),
    (Event::PurgesAtOnce, 110),
    (Event::Undone, 240),
    (Event::UndoneFirst, 700),
    (Event::UndoneTooLate, 200),
    (Event::ToldPurged, 180),
    (Event::ToldPurgedMeanwhile, 440),
    (Event::MadeAfterPurge, 500),
    (Event::TombstonePublished, 880),
    (Event::BytesGone, 25),
    (Event::CatalogOutOfReach, 2_000),
    (Event::ListedAtWork, 8_400),
    (Event::ListedTwice, 2_000),
    (Event::ListedLate, 360),
    (Event::ListedAsPurged, 350),
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
