//! Day by day: what the provider sums up, beside the sums of the receipts of the same time.

use std::collections::{BTreeMap, BTreeSet};

use super::amount::Exact;
use super::buckets::{Bucket, Cost, Used};
use super::ledger::{Call, Known, Ledger};
use crate::admin::reconcile::{Basis, Counts, Line, LineKind, Reconciliation};
use crate::money::{Day, NanoUsd, undated};

/// A UTC day, by its first millisecond, and a model where the export tells them apart.
type Place = (u64, Option<String>);

const DAY_MS: u64 = 86_400_000;

/// What the receipts of one place say.
#[derive(Default)]
struct Said {
    calls: u64,
    images: u64,
    /// Some pictures were not kept, so there may have been more.
    loose: bool,
    cost: NanoUsd,
    unknown: u64,
    under_way: u64,
    /// Set aside for what is not known.
    open: NanoUsd,
}

/// How the receipts relate to what the export says.
enum Judged {
    Same,
    /// More, and no more than the calls may be of which nothing is known.
    Within,
    Else,
}

pub(super) fn usage(buckets: &[Bucket<Used>], ledger: &Ledger, from_ms: u64, to_ms: u64) -> Reconciliation {
    let (buckets, ignored) = inside(buckets, from_ms, to_ms);
    let all = || buckets.iter().flat_map(|bucket| bucket.results.iter().map(move |used| (day(bucket.start_ms), used)));
    let by_model = all().any(|(_, used)| used.model.is_some());
    let mut used: BTreeMap<Place, (u64, u64)> = BTreeMap::new();
    for (day, row) in all() {
        let (requests, images) =
            used.entry((day, row.model.as_deref().map(|model| undated(model).to_owned()))).or_default();
        *requests = requests.saturating_add(row.requests);
        *images = images.saturating_add(row.images);
    }
    let said = said(&buckets, ledger, by_model);
    let places: BTreeSet<Place> = used.keys().chain(said.keys()).cloned().collect();
    let none = Said::default();
    let mut report = Report::new(Basis::Usage, from_ms, to_ms, ignored);
    for place in places {
        let (requests, images) = used.get(&place).copied().unwrap_or_default();
        let said = said.get(&place).unwrap_or(&none);
        report.receipts.push(said.cost);
        let pictures = images == said.images || (said.loose && images > said.images);
        let judged = if requests == said.calls && pictures {
            Judged::Same
        } else if requests > said.calls
            && requests <= said.calls.saturating_add(said.unknown).saturating_add(said.under_way)
        {
            Judged::Within
        } else {
            Judged::Else
        };
        let counts = Counts {
            billed_requests: requests,
            billed_images: images,
            receipt_requests: said.calls,
            receipt_images: said.images,
            unknown_requests: said.unknown,
        };
        let kind = report.kind(&judged, said, requests > 0 || images > 0, said.calls > 0);
        report.line(kind, place, |line| line.counts = Some(counts));
    }
    report.closed(None)
}

pub(super) fn costs(buckets: &[Bucket<Cost>], ledger: &Ledger, from_ms: u64, to_ms: u64) -> Reconciliation {
    let (buckets, mut ignored) = inside(buckets, from_ms, to_ms);
    let mut paid: BTreeMap<Place, Exact> = BTreeMap::new();
    for bucket in &buckets {
        for cost in &bucket.results {
            if cost.item.as_deref().is_none_or(is_of_pictures) {
                let sum = paid.entry((day(bucket.start_ms), None)).or_default();
                *sum = sum.plus(cost.amount);
            } else {
                ignored += 1;
            }
        }
    }
    let said = said(&buckets, ledger, false);
    let places: BTreeSet<Place> = paid.keys().chain(said.keys()).cloned().collect();
    let none = Said::default();
    let mut report = Report::new(Basis::Costs, from_ms, to_ms, ignored);
    let mut billed = Vec::new();
    for place in places {
        let amount = paid.get(&place).copied().unwrap_or_default().nearest();
        let said = said.get(&place).unwrap_or(&none);
        billed.push(amount);
        report.receipts.push(said.cost);
        let judged = if amount == said.cost {
            Judged::Same
        } else if amount > said.cost && amount <= NanoUsd::saturating_sum([said.cost, said.open]) {
            Judged::Within
        } else {
            Judged::Else
        };
        let kind = report.kind(&judged, said, amount > NanoUsd::ZERO, said.cost > NanoUsd::ZERO);
        let cost = said.cost;
        report.line(kind, place, |line| (line.billed, line.receipt) = (Some(amount), Some(cost)));
    }
    report.closed(Some(NanoUsd::saturating_sum(billed)))
}

/// The buckets of this time, and how many are not.
fn inside<R>(buckets: &[Bucket<R>], from_ms: u64, to_ms: u64) -> (Vec<&Bucket<R>>, u64) {
    let all = buckets.iter();
    let (inside, outside): (Vec<_>, Vec<_>) =
        all.partition(|bucket| bucket.start_ms >= from_ms && bucket.end_ms <= to_ms);
    (inside, outside.iter().map(|_| 1).sum())
}

/// What the receipts say of the time that the buckets cover, and of no other.
fn said<R>(buckets: &[&Bucket<R>], ledger: &Ledger, by_model: bool) -> BTreeMap<Place, Said> {
    let mut spans: Vec<(u64, u64)> = buckets.iter().map(|bucket| (bucket.start_ms, bucket.end_ms)).collect();
    spans.sort_unstable();
    let is_covered = |at_ms: u64| {
        let after = spans.partition_point(|(start, _)| *start <= at_ms);
        // None is longer than a day, so none that began earlier reaches as far.
        spans.iter().take(after).rev().take_while(|(start, _)| at_ms - start < DAY_MS).any(|(_, end)| at_ms < *end)
    };
    let mut places: BTreeMap<Place, Said> = BTreeMap::new();
    for call in ledger.calls().into_iter().filter(|call| is_covered(call.at_ms())) {
        let model = by_model.then(|| undated(&call.model).to_owned());
        places.entry((day(call.at_ms()), model)).or_default().add(call);
    }
    places
}

impl Said {
    fn add(&mut self, call: &Call) {
        match call.known() {
            Known::Billed(cost) => {
                self.calls += 1;
                self.images = self.images.saturating_add(call.images());
                self.loose |= call.is_loose();
                self.cost = NanoUsd::saturating_sum([self.cost, cost]);
            }
            Known::NotBilled => {}
            Known::Unknown => {
                self.unknown += 1;
                self.open = NanoUsd::saturating_sum([self.open, call.reserve]);
            }
            Known::UnderWay => {
                self.under_way += 1;
                self.open = NanoUsd::saturating_sum([self.open, call.reserve]);
            }
        }
    }
}

struct Report {
    basis: Basis,
    from_ms: u64,
    to_ms: u64,
    receipts: Vec<NanoUsd>,
    matched: u64,
    ignored: u64,
    lines: Vec<Line>,
}

impl Report {
    fn new(basis: Basis, from_ms: u64, to_ms: u64, ignored: u64) -> Self {
        Self { basis, from_ms, to_ms, receipts: Vec::new(), matched: 0, ignored, lines: Vec::new() }
    }

    /// What there is to say of one place; `None` where both sides agree.
    fn kind(&mut self, judged: &Judged, said: &Said, billed: bool, receipts: bool) -> Option<LineKind> {
        match judged {
            Judged::Same if said.unknown > 0 => Some(LineKind::UnknownNotBilled),
            Judged::Same => {
                self.matched += u64::from(billed || receipts);
                None
            }
            Judged::Within if said.unknown > 0 => Some(LineKind::UnknownBilled),
            // A call that is not over is no difference.
            Judged::Within => None,
            Judged::Else if !billed => Some(LineKind::NotBilled),
            Judged::Else if !receipts => Some(LineKind::NoReceipt),
            Judged::Else => Some(LineKind::Differs),
        }
    }

    fn line(&mut self, kind: Option<LineKind>, (day_ms, model): Place, fill: impl FnOnce(&mut Line)) {
        let Some(kind) = kind else { return };
        let what = Day::at(day_ms).to_string();
        let mut line = Line { kind, what, model, at_ms: Some(day_ms), billed: None, receipt: None, counts: None };
        fill(&mut line);
        self.lines.push(line);
    }

    fn closed(self, billed: Option<NanoUsd>) -> Reconciliation {
        Reconciliation {
            basis: self.basis,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            billed,
            receipts: NanoUsd::saturating_sum(self.receipts),
            matched: self.matched,
            ignored: self.ignored,
            differences: self.lines,
        }
    }
}

fn day(at_ms: u64) -> u64 {
    at_ms - at_ms % DAY_MS
}

/// A line item names a model and what of it was billed. How it is written is not specified.
fn is_of_pictures(item: &str) -> bool {
    let item = item.to_ascii_lowercase();
    item.contains("image") || item.starts_with("dall-e")
}
