//! Asking an Account object: by isolates and by Generation objects alike.

use domain::access::AccountName;
use domain::job::JobId;
use engine::account::{AccountAnswer, AccountAsk};
use engine::ports::{Reserved, StoreError};
use worker::{Env, Headers, Method, Request, RequestInit};

use super::{ACCOUNT, failed};

/// The header that tells an object which account it is, since an object does not always know its own name.
pub const NAME_HEADER: &str = "x-pincel-account";

pub async fn ask(env: &Env, name: &AccountName, ask: &AccountAsk) -> worker::Result<AccountAnswer> {
    let name = name.to_string();
    let stub = env.durable_object(ACCOUNT)?.get_by_name(&name)?;
    let headers = Headers::new();
    headers.set(NAME_HEADER, &name)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(serde_json::to_string(ask)?.into()));
    let mut response = stub.fetch_with_request(Request::new_with_init("https://account/", &init)?).await?;
    if response.status_code() != 200 {
        return Err(worker::Error::RustError(format!("the account answered {}", response.status_code())));
    }
    Ok(serde_json::from_str(&response.text().await?)?)
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
