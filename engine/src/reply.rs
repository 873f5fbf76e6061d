//! A reply before it is sent: what the edge only has to carry out.

use std::borrow::Cow;

use domain::ApiError;
use domain::access::rate::Left;
use domain::delivery::NO_STORE;
use domain::error::Retry;
use domain::money::NanoUsd;
use domain::picture::{Digest, Format, PictureKey};
use domain::usage::Outcome;

#[derive(Debug)]
pub struct Reply<B> {
    pub status: u16,
    pub headers: Headers,
    pub body: ReplyBody<B>,
    /// What is counted of it, where it refuses something or hands pictures over.
    pub told: Option<Box<Told>>,
}

/// What is counted of a reply to a request for pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub outcome: Outcome,
    /// The detail of `Cache-Status` for a hit, the reason why the request went forward, or the code of the error.
    pub reason: Option<Cow<'static, str>>,
    pub model: Option<String>,
    pub key: Option<PictureKey>,
    /// What this request is charged; `None` where that is not known, or nobody said.
    pub cost: Option<NanoUsd>,
    /// What the pictures cost that it did not have made.
    pub saved: Option<NanoUsd>,
    /// Of the pictures that are handed over.
    pub bytes: u64,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Headers(Vec<(&'static str, Cow<'static, str>)>);

#[derive(Debug)]
pub enum ReplyBody<B> {
    Empty,
    Text(String),
    /// It goes on until the reader leaves.
    Stream(B),
    Picture(Source<B>),
    /// One JSON document with pictures in it.
    Pieces(Vec<Piece<B>>),
}

#[derive(Debug)]
pub enum Piece<B> {
    Text(String),
    /// The bytes, in base64.
    Base64(Source<B>),
}

/// Bytes of a picture, and what has to be true of them when they have passed.
#[derive(Debug)]
pub struct Source<B> {
    pub body: B,
    /// How many bytes come.
    pub length: u64,
    /// The digest that the bytes must have. If they do not, the reply is broken off before its last piece, and nothing is
    /// kept. `None` where the bytes were checked before, or are only a part.
    pub check: Option<Digest>,
    /// Put into the cache of this data centre on the way.
    pub keep: Option<Format>,
}

impl Headers {
    pub fn set(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.0.push((name, value.into()));
    }

    pub fn replace(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.0.retain(|(seen, _)| *seen != name);
        self.set(name, value);
    }

    /// What is left of the requests per minute: the fields of the IETF's draft `ratelimit-headers`, and those that OpenAI's clients
    /// read.
    pub fn rate(&mut self, left: Left) {
        let reset_s = left.reset_ms.div_ceil(1_000);
        self.set("ratelimit-policy", format!("\"requests\";q={};w=60", left.limit));
        self.set("ratelimit", format!("\"requests\";r={};t={reset_s}", left.remaining));
        self.set("x-ratelimit-limit-requests", left.limit.to_string());
        self.set("x-ratelimit-remaining-requests", left.remaining.to_string());
        self.set("x-ratelimit-reset-requests", format!("{reset_s}s"));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_ref()))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(seen, _)| seen.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl<B> Reply<B> {
    pub fn json(status: u16, body: String) -> Self {
        let mut headers = Headers::default();
        headers.set("content-type", "application/json");
        headers.set("cache-control", NO_STORE);
        Self { status, headers, body: ReplyBody::Text(body), told: None }
    }

    /// A refusal in OpenAI's shape, which no cache keeps, with what SDKs read about trying again.
    pub fn refusal(error: &ApiError) -> Self {
        let mut reply = Self::json(error.status, error.body());
        reply.told = Some(Box::new(Told {
            outcome: if error.status < 500 { Outcome::Refused } else { Outcome::Failed },
            reason: error.code.clone(),
            model: None,
            key: None,
            cost: None,
            saved: None,
            bytes: 0,
        }));
        if let Some(seconds) = error.retry_after_s() {
            reply.headers.set("retry-after", seconds.to_string());
        }
        if let Some(ms) = error.retry_after_ms.filter(|_| error.retry == Retry::Later) {
            reply.headers.set("retry-after-ms", ms.to_string());
        }
        if let Some(left) = &error.rate {
            reply.headers.rate(**left);
        }
        if error.retry == Retry::Never {
            reply.headers.set("x-should-retry", "false");
        }
        if error.status == 401 {
            // RFC 6750 §3.1: the error is named where a token was shown.
            let challenge = match error.code.as_deref() {
                Some("invalid_token") => "Bearer realm=\"pincel\", error=\"invalid_token\"",
                _ => "Bearer realm=\"pincel\"",
            };
            reply.headers.set("www-authenticate", challenge);
        }
        reply
    }

    /// Says of which picture it is, where that is counted.
    #[must_use]
    pub fn about(mut self, key: &PictureKey, model: Option<&str>) -> Self {
        if let Some(told) = &mut self.told {
            told.key = Some(*key);
            told.model = model.map(str::to_owned).or_else(|| told.model.take());
        }
        self
    }

    /// The body's length, where there is one to send.
    pub fn length(&self) -> u64 {
        match &self.body {
            ReplyBody::Empty | ReplyBody::Stream(_) => 0,
            ReplyBody::Text(text) => text.len() as u64,
            ReplyBody::Picture(source) => source.length,
            ReplyBody::Pieces(pieces) => pieces.iter().map(Piece::length).sum(),
        }
    }
}

impl<B> Piece<B> {
    pub fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Base64(source) => source.length.div_ceil(3).saturating_mul(4),
        }
    }
}
