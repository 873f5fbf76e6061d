//! What became of each purge, as far as whoever asked for it was told: what may not be seen any more, and from when.

use std::cell::RefCell;
use std::collections::BTreeSet;

use domain::picture::PictureKey;
use domain::purge::PurgeId;

use super::world::World;
use crate::settings::MEMO_MS;

/// What was on its way when the purge was answered.
const SLACK_MS: u64 = 5_000;

#[derive(Default)]
pub(super) struct Purges(RefCell<Vec<Sent>>);

struct Sent {
    purge: PurgeId,
    key: PictureKey,
    hard: bool,
    answered_ms: Option<u64>,
    /// As it was told, by answers and by registrations.
    takes: BTreeSet<u32>,
    /// Somebody asked for it back: nothing is promised any more.
    back: bool,
}

impl Purges {
    pub(super) fn sent(&self, purge: &PurgeId, key: PictureKey, hard: bool) {
        let (purge, takes) = (purge.clone(), BTreeSet::new());
        self.0.borrow_mut().push(Sent { purge, key, hard, answered_ms: None, takes, back: false });
    }

    /// From the first answer on it holds.
    pub(super) fn answered(&self, world: &World, purge: &PurgeId, takes: impl Iterator<Item = u32>) {
        self.with(purge, |sent| {
            sent.answered_ms.get_or_insert(world.now_ms());
            sent.takes.extend(takes);
        });
    }

    /// The catalog was told of a take that this purge holds.
    pub(super) fn told(&self, purge: &PurgeId, take: u32) {
        self.with(purge, |sent| {
            sent.takes.insert(take);
        });
    }

    pub(super) fn asked_back(&self, purge: &PurgeId) {
        self.with(purge, |sent| sent.back = true);
    }

    pub(super) fn is_hard(&self, purge: &PurgeId) -> bool {
        self.0.borrow().iter().any(|sent| sent.purge == *purge && sent.hard)
    }

    pub(super) fn knows(&self, purge: &PurgeId, take: u32) -> bool {
        self.0.borrow().iter().any(|sent| sent.purge == *purge && sent.takes.contains(&take))
    }

    pub(super) fn answered_ms(&self, purge: &PurgeId) -> Option<u64> {
        self.0.borrow().iter().find(|sent| sent.purge == *purge)?.answered_ms
    }

    /// Was anything of this key ever to be purged?
    pub(super) fn touched(&self, key: &PictureKey) -> bool {
        self.0.borrow().iter().any(|sent| sent.key == *key)
    }

    /// Two were under way at the same time.
    pub(super) fn at_once(&self, key: &PictureKey) -> bool {
        let sent = self.0.borrow();
        sent.iter().filter(|sent| sent.key == *key && sent.answered_ms.is_none()).count() > 1
    }

    /// The takes that the object may not show any more.
    pub(super) fn gone(&self, key: &PictureKey) -> BTreeSet<u32> {
        let sent = self.0.borrow();
        let firm = sent.iter().filter(|sent| sent.key == *key && sent.answered_ms.is_some() && !sent.back);
        firm.flat_map(|sent| sent.takes.iter().copied()).collect()
    }

    /// The takes that nobody anywhere may be shown any more.
    pub(super) fn gone_everywhere(&self, world: &World, key: &PictureKey) -> BTreeSet<u32> {
        let bound_ms = world.faults.kv_lag_ms + MEMO_MS + SLACK_MS;
        let sent = self.0.borrow();
        let firm = sent.iter().filter(|sent| sent.key == *key && !sent.back);
        let takes = firm.filter_map(|sent| Some((sent.answered_ms?, &sent.takes)));
        let takes = takes.flat_map(|(answered_ms, takes)| takes.iter().map(move |take| (answered_ms, *take)));
        takes
            .filter(|(answered_ms, take)| {
                let told_ms = world.kv.gone_since(key, *take);
                told_ms.is_some_and(|told_ms| told_ms.max(*answered_ms) + bound_ms <= world.now_ms())
            })
            .map(|(_, take)| take)
            .collect()
    }

    fn with(&self, purge: &PurgeId, what: impl FnOnce(&mut Sent)) {
        if let Some(sent) = self.0.borrow_mut().iter_mut().find(|sent| sent.purge == *purge) {
            what(sent);
        }
    }
}
