//! Asking an Account object: by isolates and by Generation objects alike.

use domain::access::AccountName;
use domain::job::JobId;
use engine::account::{AccountAnswer, AccountAsk};
use engine::ports::{Reserved, StoreError};
use worker::Env;

use super::{ACCOUNT, failed};

pub async fn ask(env: &Env, name: &AccountName, ask: &AccountAsk) -> worker::Result<AccountAnswer> {
    super::answered(env, ACCOUNT, &name.to_string(), ask).await
}

pub async fn reserve(
    env: &Env,
    name: &AccountName,
    job: &JobId,
    amount: domain::money::NanoUsd,
) -> Result<Reserved, StoreError> {
    let asked = AccountAsk::Reserve { job: job.clone(), amount };
    match ask(env, name, &asked).await.map_err(|error| failed("account", error))? {
        AccountAnswer::Granted { left } => Ok(Reserved::Granted { left }),
        AccountAnswer::Refused { error } => Ok(Reserved::Refused(error)),
        _ => Err(failed("account", "it gave no answer to a reserve")),
    }
}

pub async fn close(
    env: &Env,
    name: &AccountName,
    job: &JobId,
    outcome: engine::ports::Outcome,
) -> Result<(), StoreError> {
    let asked = AccountAsk::Close { job: job.clone(), outcome };
    match ask(env, name, &asked).await.map_err(|error| failed("account", error))? {
        AccountAnswer::Closed => Ok(()),
        _ => Err(failed("account", "it did not close")),
    }
}
