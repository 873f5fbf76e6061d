//! Asking the Catalog object, of which there is one.

use engine::catalog::{CatalogAnswer, CatalogAsk, Registration};
use engine::ports::StoreError;
use worker::Env;

use super::{CATALOG, failed};

/// The name of the one object.
pub const NAME: &str = "catalog";

pub async fn ask(env: &Env, ask: &CatalogAsk) -> worker::Result<CatalogAnswer> {
    let mut response = super::ask(env, CATALOG, NAME, ask).await?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

pub async fn register(env: &Env, registration: &Registration) -> Result<(), StoreError> {
    let asked = CatalogAsk::Register { registration: Box::new(registration.clone()) };
    match ask(env, &asked).await.map_err(|error| failed("catalog", error))? {
        CatalogAnswer::Done => Ok(()),
        _ => Err(failed("catalog", "it did not take a registration")),
    }
}
