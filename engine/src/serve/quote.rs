//! `POST /v1/images/quote`: what a request would cost. Buys nothing.

use domain::ApiError;
use domain::access::{AccountName, Dedup, Principal};
use domain::money::NanoUsd;
use domain::picture::{Asked, PictureKey};
use futures::future::join3;
use serde_json::{Value, json};

use super::{Service, permitted};
use crate::account::spending::Window;
use crate::account::{AccountAnswer, AccountAsk, Spending};
use crate::ask::{Answer, Ask};
use crate::ports::EdgePorts;
use crate::prices;
use crate::reply::Reply;

impl<P: EdgePorts> Service<'_, P> {
    pub async fn quote(&self, who: &Principal, body: &[u8]) -> Reply<P::Body> {
        match self.try_quote(who, body).await {
            Ok(quote) => Reply::json(200, quote.to_string()),
            Err(error) => Reply::refusal(&error),
        }
    }

    async fn try_quote(&self, who: &Principal, body: &[u8]) -> Result<Value, ApiError> {
        let asked = Asked::from_json(body, &self.defaults(who))?;
        who.may_buy()?;
        permitted(self.settings, who, &asked.picture)?;
        let key = PictureKey::of(&asked.picture);
        let account = AccountName::Client(who.client.id.clone());
        let (pool, client, deployment) =
            join3(self.ask(&key, &Ask::Look, 0), self.spending(&account), self.spending(&AccountName::Deployment))
                .await;
        let (client, deployment) = (client?, deployment?);
        let there = match pool? {
            (Answer::Pool { pointer: Some(pointer) }, _) if who.client.policy.dedup == Dedup::On => {
                pointer.first(asked.n).into_iter().filter(|take| pointer.get(*take).is_some()).count()
            }
            (Answer::Refused { error }, _) => return Err(error),
            _ => 0,
        };
        let there = u32::try_from(there).unwrap_or(u32::MAX);
        let missing = asked.n.get().saturating_sub(there);
        let (least, most) = if missing == 0 {
            (NanoUsd::ZERO, NanoUsd::ZERO)
        } else {
            let runtime = &self.settings.runtime;
            (prices::least(runtime, &asked.picture, missing)?, prices::most(runtime, &asked.picture, missing)?)
        };
        let window = |window: &Window| json!({ "limit_usd": usd(window.limit), "left_usd": usd(window.left()) });
        Ok(json!({
            "key": key.to_string(),
            "cached": missing == 0,
            "pictures": asked.n,
            "pictures_cached": there,
            "price_usd": { "least": least.to_decimal(), "most": most.to_decimal() },
            "affordable": missing == 0 || (client.covers(most) && deployment.covers(most)),
            "budget": { "day": window(&client.day), "month": window(&client.month) },
        }))
    }

    async fn spending(&self, account: &AccountName) -> Result<Spending, ApiError> {
        match self.ports.account(account, &AccountAsk::Spending).await {
            Ok(AccountAnswer::Spending { spending, .. }) => Ok(*spending),
            Ok(AccountAnswer::Refused { error }) => Err(*error),
            _ => Err(ApiError::unavailable("account_unavailable", "The service cannot reach an account. Try again.")),
        }
    }
}

fn usd(amount: Option<NanoUsd>) -> Option<String> {
    amount.map(NanoUsd::to_decimal)
}
