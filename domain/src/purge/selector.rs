//! Which pictures a purge takes.

use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::admin::MAX_NUMBER;
use crate::picture::PictureKey;
use crate::picture::take::MAX_TAKES;
use crate::picture::words::{MAX_WORDS, words};

/// All of the members that are given have to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<PictureKey>>,
    /// Of the one key, these takes and not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<Vec<u32>>,
    /// Words that the prompt has, all of them, and each as a whole: `fox` does not take foxgloves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Of the client that had it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Made longer ago than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_than_seconds: Option<u64>,
    /// Everything. Has to stand alone, and spelled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
}

/// More do not fit into the largest body that is read.
pub const MAX_KEYS: usize = 10_000;

impl Selector {
    /// Refuses whatever would take everything without saying so: a purge must never be wider than what was meant.
    pub fn check(&self) -> Result<(), ApiError> {
        match self.all {
            Some(true) if *self == (Self { all: Some(true), ..Self::default() }) => return Ok(()),
            Some(true) => return Err(refused("all", "'all' takes every picture, so it has to stand alone.")),
            Some(false) => {
                return Err(refused("all", "'all' is true or left out. Say which pictures by another member."));
            }
            None if *self == Self::default() => {
                let message = "The selector is empty. Name pictures by 'keys', 'prompt', 'tag', 'client', 'model' or \
                               'older_than_seconds', or every one of them by 'all': true.";
                return Err(ApiError::invalid("selector", "empty_selector", message));
            }
            None => {}
        }
        self.check_keys()?;
        self.check_prompt()?;
        for (name, text) in [("tag", &self.tag), ("client", &self.client), ("model", &self.model)] {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                return Err(refused(name, "It is blank. Give a name, or leave it out."));
            }
        }
        if self.older_than_seconds == Some(0) {
            let message = "Every picture is older than zero seconds. Give at least 1, or 'all': true.";
            return Err(refused("older_than_seconds", message));
        }
        if self.older_than_seconds.is_some_and(|seconds| seconds > MAX_NUMBER) {
            return Err(refused("older_than_seconds", format!("It is more than {MAX_NUMBER}. Nothing is as old.")));
        }
        Ok(())
    }

    fn check_keys(&self) -> Result<(), ApiError> {
        let count = self.keys.as_ref().map(Vec::len);
        match count {
            Some(0) => return Err(refused("keys", "The list is empty. Name at least one key, or leave it out.")),
            Some(MAX_KEYS..) if count != Some(MAX_KEYS) => {
                let message = format!("A purge takes up to {MAX_KEYS} keys. Begin several.");
                return Err(refused("keys", message));
            }
            _ => {}
        }
        let Some(takes) = &self.takes else { return Ok(()) };
        if count != Some(1) {
            return Err(refused("takes", "Takes are of one picture: 'keys' has to name exactly one."));
        }
        if takes.is_empty() {
            return Err(refused("takes", "The list is empty. Name at least one take, or leave it out."));
        }
        if takes.iter().any(|take| *take >= MAX_TAKES) {
            return Err(refused("takes", format!("A take is a whole number from 0 to {}.", MAX_TAKES - 1)));
        }
        Ok(())
    }

    fn check_prompt(&self) -> Result<(), ApiError> {
        let Some(prompt) = &self.prompt else { return Ok(()) };
        match words(prompt).len() {
            0 => Err(refused("prompt", "It has no word: letters or digits. Without one it would take everything.")),
            count if count > MAX_WORDS => {
                Err(refused("prompt", format!("It has more than {MAX_WORDS} words. Give fewer.")))
            }
            _ => Ok(()),
        }
    }
}

fn refused(member: &str, message: impl Into<String>) -> ApiError {
    ApiError::invalid(format!("selector.{member}"), "invalid_selector", message)
}

#[cfg(test)]
mod tests;
