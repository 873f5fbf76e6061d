//! An address for an `<img>`, signed like those that a shop mints.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use domain::access::signature::SigningKey;

use super::key_file::Keys;

const PATH: &str = "/v1/image";
const LIFE: Duration = Duration::from_hours(7 * 24);

/// One that is good for a week.
pub(crate) fn mint(edge: SocketAddr, keys: &Keys) -> Result<String> {
    let key = SigningKey::new(&keys.signing_key_id, &keys.signing_secret);
    let end = SystemTime::now().duration_since(UNIX_EPOCH)? + LIFE;
    let query = [("prompt", "a blue bicycle"), ("quality", "low"), ("size", "1024x1024")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let query = key.sign_query(PATH, &query, end.as_secs());
    Ok(format!("http://{edge}{PATH}?{query}"))
}
