//! The reply that comes in: pictures are verified and handed on one by one while the rest still arrives.

use domain::money::Usage;
use domain::picture::sniff::{self, Sniffed};
use domain::picture::{Digest, Format};
use serde::Deserialize;

use crate::openai::Failure;
use crate::openai::decoder::{Decoder, Event};
use crate::openai::failure::Refusal;
use crate::ports::{Paper, ProviderReply};

/// A picture that is one: its bytes, what they are, and their digest.
#[derive(Debug)]
pub struct Picture<P> {
    pub paper: P,
    pub digest: Digest,
    pub format: Format,
    pub bytes: u64,
    pub width: u32,
    pub height: u32,
}

/// What the reply says besides the pictures.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Facts {
    #[serde(default)]
    pub quality: Option<String>,
    #[serde(default)]
    pub background: Option<String>,
    /// Kept as it came: a count that cannot be read must not cost the pictures.
    #[serde(default)]
    usage: Option<serde_json::Value>,
}

impl Facts {
    pub fn usage(&self) -> Option<Usage> {
        self.usage.clone().and_then(|usage| serde_json::from_value(usage).ok())
    }
}

/// What the reader does with each picture: `keep` is awaited before the next one is read, so that no more than one is held.
pub trait Keep<P> {
    fn paper(&self) -> P;
    async fn keep(&mut self, picture: Picture<P>) -> Result<(), Failure>;
}

/// The largest picture that is accepted: more than twice the largest that the API is known to make.
const MAX_PICTURE: u64 = 50 << 20;

/// How much of the beginning decides what a file is, and of the end whether it is whole.
const HEAD: usize = 256 << 10;
const TAIL: usize = 64;

/// An error object is small; what is longer is cut and then counts as no error object.
const MAX_REFUSAL: usize = 64 << 10;

/// Reads a whole reply.
pub async fn read<P: Paper>(reply: &mut impl ProviderReply, keeper: &mut impl Keep<P>) -> Result<Facts, Failure> {
    if reply.status() != 200 {
        return Err(refusal(reply).await);
    }
    let mut decoder = Decoder::default();
    let mut sheet = Sheet::new(keeper.paper());
    loop {
        let piece = reply.chunk().await.map_err(|_| cut())?;
        let Some(piece) = piece else { break };
        for event in decoder.push(&piece).map_err(|error| broken(&error.to_string()))? {
            match event {
                Event::Bytes(bytes) => sheet.write(&bytes).await?,
                Event::End => {
                    let done = std::mem::replace(&mut sheet, Sheet::new(keeper.paper()));
                    keeper.keep(done.finish().await?).await?;
                }
            }
        }
    }
    if !decoder.is_between_pictures() {
        return Err(cut());
    }
    serde_json::from_slice(&decoder.document()).map_err(|_| broken("the reply is not JSON"))
}

/// A picture while it arrives.
struct Sheet<P> {
    paper: P,
    bytes: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl<P: Paper> Sheet<P> {
    fn new(paper: P) -> Self {
        Self { paper, bytes: 0, head: Vec::new(), tail: Vec::new() }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > MAX_PICTURE {
            return Err(broken("a picture is larger than 50 MiB"));
        }
        let missing = HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        self.tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default());
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        self.paper.write(bytes).await.map_err(|error| broken(&error.to_string()))
    }

    async fn finish(mut self) -> Result<Picture<P>, Failure> {
        let Some(Sniffed { format, width, height }) = sniff::sniff(&self.head) else {
            return Err(broken("it is no picture"));
        };
        if !sniff::complete(format, &self.tail, self.bytes, &self.head) {
            return Err(broken("the picture is cut off"));
        }
        let digest = self.paper.digest().await.map_err(|error| broken(&error.to_string()))?;
        Ok(Picture { paper: self.paper, digest, format, bytes: self.bytes, width, height })
    }
}

async fn refusal(reply: &mut impl ProviderReply) -> Failure {
    let (retry_after, retry_after_ms) = (reply.header("retry-after"), reply.header("retry-after-ms"));
    let mut body = Vec::new();
    // A refusal is known by its status; a body that breaks off only says less about it.
    while let Ok(Some(piece)) = reply.chunk().await {
        body.extend(piece);
        if body.len() > MAX_REFUSAL {
            break;
        }
    }
    Failure::of(&Refusal {
        status: reply.status(),
        retry_after: retry_after.as_deref(),
        retry_after_ms: retry_after_ms.as_deref(),
        body: &body,
    })
}

fn cut() -> Failure {
    Failure::unknown(
        502,
        "provider_connection_lost",
        "The connection to the provider broke off in the middle of its reply.",
    )
}

fn broken(what: &str) -> Failure {
    Failure::unknown(502, "provider_reply_unusable", format!("The provider's reply cannot be used: {what}."))
}
