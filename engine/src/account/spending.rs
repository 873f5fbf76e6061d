//! What an account has spent, as it is told to clients and operators.

use domain::access::{AccountName, Limits};
use domain::admin::events::BudgetEvent;
use domain::money::NanoUsd;
use domain::money::budget::{Span, Sums, Windows};
use domain::money::{Day, Month};
use domain::runtime::Generation;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    pub day: Window,
    pub month: Window,
    pub open_reserves: u32,
    /// The last hundred.
    pub alarms: Vec<Alarm>,
    /// Of the deployment: is anything made? `None` for a client.
    #[serde(default)]
    pub generation: Option<Generation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The day or the month.
    pub start: String,
    pub limit: Option<NanoUsd>,
    pub sums: Sums,
}

/// A share of a budget has been reached. Once for each share in each window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub at_ms: u64,
    pub span: Span,
    pub start: String,
    pub percent: u8,
    pub spent: NanoUsd,
    /// Set aside at that moment: a budget that turned a picture away may have little spent and all of it reserved.
    pub reserved: NanoUsd,
    pub limit: NanoUsd,
}

impl Spending {
    pub(super) fn new(limits: &Limits, windows: &Windows, now_ms: u64, open_reserves: u32, alarms: Vec<Alarm>) -> Self {
        let (day, month) = (Day::at(now_ms).to_string(), Month::at(now_ms).to_string());
        Self {
            day: Window { start: day, limit: limits.budget_per_day, sums: windows.day },
            month: Window { start: month, limit: limits.budget_per_month, sums: windows.month },
            open_reserves,
            alarms,
            generation: None,
        }
    }

    /// Would `amount` be set aside now?
    pub fn covers(&self, amount: NanoUsd) -> bool {
        [&self.day, &self.month].into_iter().all(|window| window.left().is_none_or(|left| amount <= left))
    }

    pub fn document(&self) -> Value {
        let alarms: Vec<Value> = self.alarms.iter().map(Alarm::document).collect();
        let mut document = json!({
            "day": self.day.document(),
            "month": self.month.document(),
            "open_reserves": self.open_reserves,
            "events": alarms,
        });
        if let (Some(generation), Some(members)) = (self.generation, document.as_object_mut()) {
            members.insert("generation".to_owned(), json!(generation));
        }
        document
    }
}

impl Window {
    pub fn left(&self) -> Option<NanoUsd> {
        self.limit.map(|limit| self.sums.left(limit))
    }

    fn document(&self) -> Value {
        json!({
            "start": self.start,
            "limit_usd": self.limit.map(NanoUsd::to_decimal),
            "settled_usd": self.sums.settled.to_decimal(),
            "kept_usd": self.sums.kept.to_decimal(),
            "reserved_usd": self.sums.reserved.to_decimal(),
            "left_usd": self.left().map(NanoUsd::to_decimal),
            "warned_percent": self.sums.warned_percent,
        })
    }
}

impl Alarm {
    /// As it stands in the live feed.
    pub fn event(&self, account: &AccountName) -> BudgetEvent {
        BudgetEvent {
            at_ms: self.at_ms,
            account: account.to_string(),
            window: self.span,
            start: self.start.clone(),
            percent: self.percent,
            spent: self.spent,
            reserved: self.reserved,
            limit: self.limit,
        }
    }

    /// As it stands in lists and in the log.
    pub fn document(&self) -> Value {
        json!({
            "at_ms": self.at_ms,
            "event": "budget_alarm",
            "window": self.span,
            "start": self.start,
            "percent": self.percent,
            "spent_usd": self.spent.to_decimal(),
            "reserved_usd": self.reserved.to_decimal(),
            "limit_usd": self.limit.to_decimal(),
        })
    }
}
