//! Call by call: bills and receipts find each other by the provider's request id, and where there is none, only if nothing else
//! could be meant.

use std::collections::{BTreeMap, BTreeSet};

use super::bills::Bill;
use super::ledger::{Call, Known, Ledger};
use super::{CLOCK_MS, SLACK_MS};
use crate::admin::reconcile::{Basis, Line, LineKind, Reconciliation};
use crate::moment;
use crate::money::{NanoUsd, undated};

pub(super) fn compare(bills: &[Bill], ledger: &Ledger, from_ms: u64, to_ms: u64) -> Reconciliation {
    let mut books =
        Books { from_ms, to_ms, billed: Vec::new(), receipts: Vec::new(), matched: 0, ignored: 0, lines: Vec::new() };
    let mut bills: Vec<&Bill> = bills.iter().collect();
    bills.sort_unstable();
    let (mut calls, groups) = by_id(&mut bills, ledger.calls());
    for (bills, calls) in groups {
        books.pair(&bills, &calls);
    }
    let exactly = |bill: &Bill, call: &Call| call.known() == Known::Billed(bill.cost);
    let in_its_time = |call: &Call| (call.claimed_ms.saturating_sub(CLOCK_MS), call.at_ms().saturating_add(CLOCK_MS));
    let possibly = |bill: &Bill, call: &Call| {
        matches!(call.known(), Known::Unknown | Known::UnderWay) && bill.cost <= call.reserve
    };
    let or_late = |call: &Call| (call.claimed_ms.saturating_sub(CLOCK_MS), call.at_ms().saturating_add(SLACK_MS));
    for (bill, call) in assign(&mut bills, &mut calls, in_its_time, exactly)
        .into_iter()
        .chain(assign(&mut bills, &mut calls, or_late, possibly))
    {
        books.pair(&[bill], &[call]);
    }
    for bill in bills {
        books.bill(bill);
    }
    for call in calls {
        books.call(call);
    }
    books.closed()
}

/// Bills and calls of one request id.
type Group<'a> = (Vec<&'a Bill>, Vec<&'a Call>);

/// Takes out what has a request id on both sides.
fn by_id<'a>(bills: &mut Vec<&'a Bill>, calls: Vec<&'a Call>) -> (Vec<&'a Call>, Vec<Group<'a>>) {
    let mut billed: BTreeMap<&str, Group<'a>> = BTreeMap::new();
    for bill in bills.iter() {
        if let Some(id) = &bill.id {
            billed.entry(id).or_default().0.push(bill);
        }
    }
    let mut rest = Vec::new();
    for call in calls {
        match call.upstream.as_deref().and_then(|id| billed.get_mut(id)) {
            Some((_, calls)) => calls.push(call),
            None => rest.push(call),
        }
    }
    billed.retain(|_, (_, calls)| !calls.is_empty());
    bills.retain(|bill| bill.id.as_deref().is_none_or(|id| !billed.contains_key(id)));
    (rest, billed.into_values().collect())
}

/// Takes out pairs of one bill and one call of the same model: of the calls whose time holds the bill's moment, and that fit, the one
/// that ended first. Taken in the order of time that pairs as many as can be paired, as long as an export names all of its calls or none.
fn assign<'a>(
    bills: &mut Vec<&'a Bill>,
    calls: &mut Vec<&'a Call>,
    time: impl Fn(&Call) -> (u64, u64),
    fits: impl Fn(&Bill, &Call) -> bool,
) -> Vec<(&'a Bill, &'a Call)> {
    let mut coming: Vec<(u64, u64, usize)> =
        calls.iter().enumerate().map(|(at, call)| (time(call).0, time(call).1, at)).collect();
    coming.sort_unstable();
    let mut coming = coming.into_iter().peekable();
    let mut open: BTreeSet<(u64, usize)> = BTreeSet::new();
    let (mut pairs, mut paired) = (Vec::new(), BTreeSet::new());
    bills.retain(|bill| {
        while let Some((_, end, at)) = coming.next_if(|(start, ..)| *start <= bill.at_ms) {
            open.insert((end, at));
        }
        while open.first().is_some_and(|(end, _)| *end < bill.at_ms) {
            open.pop_first();
        }
        let found = open.iter().find_map(|(end, at)| {
            let call = *calls.get(*at)?;
            // Two different ids are two calls.
            let other = bill.id.is_some() && call.upstream.is_some();
            (!other && call.is_by(&bill.model) && fits(bill, call)).then_some((*end, *at, call))
        });
        let Some((end, at, call)) = found else { return true };
        open.remove(&(end, at));
        paired.insert(at);
        pairs.push((*bill, call));
        false
    });
    let mut at = 0..;
    calls.retain(|_| at.next().is_none_or(|at| !paired.contains(&at)));
    pairs
}

/// What has been said so far.
struct Books {
    from_ms: u64,
    to_ms: u64,
    billed: Vec<NanoUsd>,
    receipts: Vec<NanoUsd>,
    matched: u64,
    ignored: u64,
    lines: Vec<Line>,
}

impl Books {
    fn is_inside(&self, at_ms: u64) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }

    fn pair(&mut self, bills: &[&Bill], calls: &[&Call]) {
        let Some(first) = bills.iter().min() else { return };
        if !self.is_inside(first.at_ms) {
            self.ignored += bills.iter().map(|_| 1).sum::<u64>();
            return;
        }
        let billed = NanoUsd::saturating_sum(bills.iter().map(|bill| bill.cost));
        self.billed.push(billed);
        let mut receipt = Some(NanoUsd::ZERO);
        for call in calls {
            receipt = match call.known() {
                Known::Billed(cost) => receipt.map(|sum| NanoUsd::saturating_sum([sum, cost])),
                Known::NotBilled => receipt,
                Known::Unknown | Known::UnderWay => None,
            };
        }
        self.receipts.extend(receipt);
        if receipt == Some(billed) {
            self.matched += 1;
            return;
        }
        let kind = if receipt.is_some() { LineKind::Differs } else { LineKind::UnknownBilled };
        let what = first.id.clone().or_else(|| calls.first().map(|call| call.id.as_str().to_owned()));
        let model = Some(undated(&first.model).to_owned());
        self.line(kind, what.unwrap_or_default(), model, first.at_ms, Some(billed), receipt);
    }

    fn bill(&mut self, bill: &Bill) {
        if !self.is_inside(bill.at_ms) {
            self.ignored += 1;
            return;
        }
        self.billed.push(bill.cost);
        let what = bill.id.clone().unwrap_or_else(|| moment::text(bill.at_ms));
        self.line(LineKind::NoReceipt, what, Some(undated(&bill.model).to_owned()), bill.at_ms, Some(bill.cost), None);
    }

    fn call(&mut self, call: &Call) {
        let (kind, receipt) = match call.known() {
            Known::Billed(cost) => (LineKind::NotBilled, Some(cost)),
            Known::Unknown => (LineKind::UnknownNotBilled, None),
            Known::NotBilled | Known::UnderWay => return,
        };
        if !self.is_inside(call.at_ms()) {
            return;
        }
        self.receipts.extend(receipt);
        let what = call.upstream.clone().unwrap_or_else(|| call.id.as_str().to_owned());
        self.line(kind, what, Some(undated(&call.model).to_owned()), call.at_ms(), None, receipt);
    }

    fn line(
        &mut self,
        kind: LineKind,
        what: String,
        model: Option<String>,
        at_ms: u64,
        billed: Option<NanoUsd>,
        receipt: Option<NanoUsd>,
    ) {
        self.lines.push(Line { kind, what, model, at_ms: Some(at_ms), billed, receipt, counts: None });
    }

    fn closed(mut self) -> Reconciliation {
        self.lines.sort_by(|one, other| {
            (one.at_ms, &one.what, one.kind, one.billed).cmp(&(other.at_ms, &other.what, other.kind, other.billed))
        });
        Reconciliation {
            basis: Basis::Requests,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            billed: Some(NanoUsd::saturating_sum(self.billed)),
            receipts: NanoUsd::saturating_sum(self.receipts),
            matched: self.matched,
            ignored: self.ignored,
            differences: self.lines,
        }
    }
}
