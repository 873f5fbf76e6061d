//! An address for an `<img>`, signed like those that a shop mints.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use domain::access::signature::SigningKey;

use super::secrets::Secrets;

const PATH: &str = "/v1/image";
const LIFE: Duration = Duration::from_hours(7 * 24);

/// One that is good for a week.
pub(crate) fn mint(edge: SocketAddr, secrets: &Secrets) -> Result<String> {
    let (id, secret) = (&secrets.signing_key_id, &secrets.signing_secret);
    let key = SigningKey::parse(&format!("{id}:{secret}")).context(
        "PINCEL_SIGNING_KEYS in .dev.vars holds a key that the Worker would refuse: \
         remove the line to have one made",
    )?;
    let end = SystemTime::now().duration_since(UNIX_EPOCH)? + LIFE;
    let query = [("prompt", "a blue bicycle"), ("quality", "low"), ("size", "1024x1024")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let query = key.sign_query(PATH, &query, end.as_secs());
    Ok(format!("http://{edge}{PATH}?{query}"))
}
