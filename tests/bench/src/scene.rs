//! What a measurement needs to run, started when it is first asked for.

use std::cell::OnceCell;

use anyhow::{Context, Result};
use reqwest::blocking::Client;
use serde_json::Value;

use crate::load::Target;
use crate::pincel::Pincel;
use crate::server::Server;

/// The picture of the hits.
const BYTES: usize = 100_000;

#[derive(Default)]
pub struct Scene {
    pincel: OnceCell<Pincel>,
    hits: OnceCell<Hits>,
}

/// One picture, in every place from which it is fetched.
pub struct Hits {
    pub memory: Bare,
    pub cache: Bare,
    pub by_key: Target,
    pub by_token: Target,
    pub signed: Target,
    /// Another Pincel, which counts nothing, and the same picture there.
    pub uncounted: Pincel,
    pub uncounted_by_key: Target,
}

/// A bare JavaScript Worker, and where it has the picture.
pub struct Bare {
    pub worker: Server,
    pub target: Target,
}

impl Scene {
    pub fn pincel(&mut self) -> Result<&Pincel> {
        if self.pincel.get().is_none() {
            let _ = self.pincel.set(Pincel::start()?);
        }
        self.pincel.get().context("no Pincel")
    }

    /// Pincel and its competitors, all of them with the same picture.
    pub fn hits(&mut self) -> Result<(&Pincel, &Hits)> {
        if self.hits.get().is_none() {
            let pincel = self.pincel()?;
            let (prompt, picture) = pincel.picture(BYTES)?;
            let uncounted = Pincel::start_as("uncounted")?;
            let (same, _) = uncounted.picture(BYTES)?;
            let hits = Hits {
                uncounted_by_key: uncounted.by_key(&same),
                uncounted,
                memory: Bare::start("memory", &picture)?,
                cache: Bare::start("cache", &picture)?,
                by_token: pincel.by_token(&pincel.by_key(&prompt))?,
                by_key: pincel.by_key(&prompt),
                signed: pincel.signed(&prompt),
            };
            for target in [&hits.signed, &hits.by_token] {
                pincel.get(target, "; hit")?;
            }
            let _ = self.hits.set(hits);
        }
        self.pincel.get().zip(self.hits.get()).context("no picture")
    }
}

impl Bare {
    fn start(name: &str, picture: &[u8]) -> Result<Self> {
        let worker = Server::worker(name, &Value::Null)?;
        let url = format!("{}/picture", worker.url);
        let client = Client::new();
        client.put(&url).body(picture.to_vec()).send()?.error_for_status()?;
        let got = client.get(&url).send()?.error_for_status()?.bytes()?;
        anyhow::ensure!(got == picture, "the bare Worker '{name}' answers with other bytes");
        Ok(Self { worker, target: Target { url, authorization: None } })
    }
}
