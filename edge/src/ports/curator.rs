//! What the Catalog object stands on beside its database.

use std::rc::Rc;

use domain::picture::{Digest, PictureKey, Take};
use domain::purge::PurgeId;
use engine::ask::{Answer, Ask};
use engine::catalog::runner::CatalogPorts;
use engine::ports::{ObjectError, StoreError};
use worker::{Env, State};

use super::{GENERATION, blobs, cdn, clock};
use crate::config;

pub struct Curator {
    state: Rc<State>,
    env: Env,
}

impl Curator {
    pub fn new(state: Rc<State>, env: Env) -> Self {
        Self { state, env }
    }

    async fn ask(&self, key: &PictureKey, ask: &Ask) -> Result<Answer, ObjectError> {
        let asked = super::answered(&self.env, GENERATION, &key.to_string(), ask).await;
        asked.map_err(|error| super::broken("generation", &error))
    }
}

clock::platform!(Curator);

impl CatalogPorts for Curator {
    async fn take_back(
        &self,
        key: &PictureKey,
        purge: &PurgeId,
        takes: Option<&[u32]>,
        at_ms: u64,
        until_ms: u64,
    ) -> Result<Vec<Take>, ObjectError> {
        let takes = takes.map(<[u32]>::to_vec);
        let until_ms = Some(until_ms).filter(|until_ms| *until_ms > at_ms);
        match self.ask(key, &Ask::Purge { purge: purge.clone(), takes, at_ms, until_ms }).await? {
            Answer::Purged { takes, .. } => Ok(takes),
            _ => Err(unanswered()),
        }
    }

    async fn put_back(&self, key: &PictureKey, purge: &PurgeId) -> Result<(), ObjectError> {
        match self.ask(key, &Ask::Restore { purge: purge.clone() }).await? {
            Answer::Restored { .. } => Ok(()),
            _ => Err(unanswered()),
        }
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<(), StoreError> {
        blobs::delete(&self.env, digest).await
    }

    async fn drop_from_cdn(&self, tags: &[String]) -> Result<(), String> {
        match config::of(&self.env) {
            Ok(config) => match &config.cdn {
                Some(zone) => cdn::purge(zone, tags).await,
                None => Err("no zone is configured any more".to_owned()),
            },
            Err(error) => Err(error.to_string()),
        }
    }

    async fn set_alarm(&self, at_ms: u64) -> Result<(), StoreError> {
        clock::set_alarm(&self.state, at_ms).await
    }
}

fn unanswered() -> ObjectError {
    ObjectError { message: "the object gave no answer to a purge".to_owned(), overloaded: false }
}
