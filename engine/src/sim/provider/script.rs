//! How one call goes: refused, billed, broken off, and in which words.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::TOKENS_IN;
use crate::sim::world::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Fate {
    Good,
    /// Without `usage`.
    Untold,
    /// One picture fewer than asked for, and billed so.
    Fewer,
    /// The reply breaks off behind the first picture.
    BrokenBehindFirst,
    BrokenInside,
    /// The reply ends in the middle as if that were its end.
    EndsEarly,
    Garbage,
    NotAPicture,
    CutPicture,
    Stalls,
    FailsBilled,
    CutBilled,
    Hangs,
    FailsUnbilled,
    CutUnbilled,
    HangsUnbilled,
    Limited,
    LimitedFor,
    Overloaded,
    Moderated,
    Quota,
    Unauthorized,
    NotFound,
}

pub(super) struct Script {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) pieces: VecDeque<Piece>,
}

pub(super) enum Piece {
    Bytes(Vec<u8>),
    Cut,
    Stalls,
}

const BAD: &[Fate] = &[
    Fate::Untold,
    Fate::Fewer,
    Fate::BrokenBehindFirst,
    Fate::BrokenBehindFirst,
    Fate::BrokenInside,
    Fate::EndsEarly,
    Fate::Garbage,
    Fate::NotAPicture,
    Fate::CutPicture,
    Fate::Stalls,
    Fate::FailsBilled,
    Fate::CutBilled,
    Fate::Hangs,
    Fate::FailsUnbilled,
    Fate::CutUnbilled,
    Fate::HangsUnbilled,
    Fate::Limited,
    Fate::Limited,
    Fate::LimitedFor,
    Fate::LimitedFor,
    Fate::Overloaded,
    Fate::Moderated,
    Fate::Quota,
    Fate::Unauthorized,
    Fate::NotFound,
];

impl Fate {
    pub(super) fn draw(world: &World, n: usize) -> Self {
        let fate = if world.chance(world.faults.provider_fails) { *world.rng().pick(BAD) } else { Self::Good };
        if fate == Self::Fewer && n < 2 { Self::Good } else { fate }
    }

    /// The API itself says that it did nothing.
    pub(in crate::sim) fn refuses(self) -> bool {
        matches!(
            self,
            Self::Limited
                | Self::LimitedFor
                | Self::Overloaded
                | Self::Moderated
                | Self::Quota
                | Self::Unauthorized
                | Self::NotFound
        )
    }

    /// For how many pictures a call for `n` is billed.
    pub(super) fn billed(self, n: usize) -> Option<usize> {
        match self {
            Self::Fewer => Some(n - 1),
            Self::FailsUnbilled | Self::CutUnbilled | Self::HangsUnbilled => None,
            _ if self.refuses() => None,
            _ => Some(n),
        }
    }

    /// `None` where nothing comes.
    pub(super) fn script(self, world: &World, pictures: &[Vec<u8>], tokens_out: u64) -> Option<Script> {
        match self {
            Self::CutBilled | Self::CutUnbilled | Self::Hangs | Self::HangsUnbilled => None,
            Self::Limited => Some(refusal(429, "requests", "rate_limit_exceeded", None)),
            Self::LimitedFor => {
                let seconds = world.rng().between(0, 12).to_string();
                Some(refusal(429, "requests", "rate_limit_exceeded", Some(seconds)))
            }
            Self::Overloaded => Some(refusal(503, "service_unavailable_error", "server_is_overloaded", None)),
            Self::Moderated => Some(refusal(400, "image_generation_user_error", "moderation_blocked", None)),
            Self::Quota => Some(refusal(429, "insufficient_quota", "insufficient_quota", None)),
            Self::Unauthorized => Some(refusal(401, "invalid_request_error", "invalid_api_key", None)),
            Self::NotFound => Some(answer(404, Vec::new())),
            Self::FailsBilled => Some(refusal(500, "server_error", "server_error", None)),
            Self::FailsUnbilled => Some(answer(503, b"upstream connect error".to_vec())),
            Self::Garbage => {
                let bodies: [&[u8]; 3] = [b"<html>", b"{\"data\":[{\"b64_json\":\"*\"}]}", b"{\"data\":[]}"];
                Some(answer(200, world.rng().pick(&bodies).to_vec()))
            }
            _ => Some(self.delivers(world, pictures, tokens_out)),
        }
    }

    fn delivers(self, world: &World, pictures: &[Vec<u8>], tokens_out: u64) -> Script {
        let rng = world.rng();
        let encoded: Vec<String> = pictures
            .iter()
            .enumerate()
            .map(|(at, bytes)| match self {
                Self::NotAPicture if at == 0 => STANDARD.encode(b"I am no picture at all."),
                Self::CutPicture if at == 0 => STANDARD.encode(&bytes[..bytes.len() - 6]),
                _ => STANDARD.encode(bytes),
            })
            .collect();
        let data: Vec<_> = encoded.iter().map(|text| json!({ "b64_json": text })).collect();
        let mut document = json!({ "created": 1, "data": data, "quality": "low", "background": "opaque" });
        if self != Self::Untold {
            let (input, output) = (TOKENS_IN, tokens_out * u64::try_from(pictures.len()).unwrap());
            document["usage"] = json!({
                "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
                "input_tokens_details": { "text_tokens": input, "image_tokens": 0 },
            });
        }
        let mut body = document.to_string().into_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        let behind = |at: usize| encoded.get(at).map_or(0, |picture| text.find(picture).unwrap() + picture.len() + 1);
        let whole = body.len();
        let end = match self {
            Self::BrokenBehindFirst => {
                // Before the mark that ends the second picture.
                let before = if encoded.len() > 1 { behind(1) - 1 } else { whole };
                behind(0) + rng.below(before - behind(0))
            }
            Self::BrokenInside | Self::EndsEarly | Self::Stalls => 1 + rng.below(whole - 1),
            _ => whole,
        };
        body.truncate(end);
        let mut script = answer(200, Vec::new());
        script.headers.push(("x-request-id", format!("up_{}", rng.draw())));
        while !body.is_empty() {
            let rest = body.split_off(rng.below(body.len()) + 1);
            script.pieces.push_back(Piece::Bytes(std::mem::replace(&mut body, rest)));
        }
        match self {
            Self::BrokenInside => script.pieces.push_back(Piece::Cut),
            Self::BrokenBehindFirst if rng.one_in(2) => script.pieces.push_back(Piece::Cut),
            Self::Stalls => script.pieces.push_back(Piece::Stalls),
            _ => {}
        }
        script
    }
}

fn refusal(status: u16, kind: &str, code: &str, retry_after: Option<String>) -> Script {
    let body = json!({ "error": { "message": "no", "type": kind, "param": null, "code": code } });
    let mut script = answer(status, body.to_string().into_bytes());
    script.headers.extend(retry_after.map(|seconds| ("retry-after", seconds)));
    script
}

fn answer(status: u16, body: Vec<u8>) -> Script {
    let pieces = if body.is_empty() { VecDeque::new() } else { VecDeque::from([Piece::Bytes(body)]) };
    Script { status, headers: Vec::new(), pieces }
}
