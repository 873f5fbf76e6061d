//! What a call consumed: scope is counting tokens and pricing them.
//!
//! - Text in: a quarter of the characters of the prompt, rounded up, at least one token.
//! - Images in: [`TOKENS_PER_INPUT`] for each picture that is edited; mask and markup are free.
//! - Image out, `gpt-image-2` and `2.5`: the closed formula, with a factor for each quality.
//! - Image out, `2.6`: no formula is known. `low` counts four times and `medium` three times
//!   the tokens of 2.5, which is what measurements found; the rest counts as 2.5.
//! - Image out, older models: the fixed table of their three sizes.
//! - Each partial picture adds [`TOKENS_PER_PARTIAL`].
//! - A call for `n` pictures bears everything `n` times, its input too.

use serde_json::{Value, json};

use crate::model::{Family, Model};
use crate::request::Job;
use crate::size::Size;

/// The tokens of one input picture, as a real reply for one reference picture showed them.
const TOKENS_PER_INPUT: u64 = 1450;
const TOKENS_PER_PARTIAL: u64 = 100;

/// The tokens of a call or of one of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) text_in: u64,
    pub(crate) image_in: u64,
    pub(crate) image_out: u64,
}

impl Usage {
    /// What one picture of a job consumes.
    pub(crate) fn of_one_picture(job: &Job) -> Self {
        let characters = u64::try_from(job.prompt.chars().count()).unwrap_or(u64::MAX);
        let partials = if job.stream { job.partial_images } else { 0 };
        let partial_tokens = TOKENS_PER_PARTIAL * u64::from(partials);
        Self {
            text_in: characters.div_ceil(4).max(1),
            image_in: TOKENS_PER_INPUT * u64::from(job.inputs),
            image_out: output_tokens(&job.model, job.quality, job.size) + partial_tokens,
        }
    }

    /// What the whole call consumes.
    pub(crate) fn of_call(job: &Job) -> Self {
        let one = Self::of_one_picture(job);
        let pictures = u64::from(job.n);
        Self { text_in: one.text_in * pictures, image_in: one.image_in * pictures, image_out: one.image_out * pictures }
    }

    /// The price in whole nano-dollars.
    pub(crate) fn cost_nano_usd(&self, family: Family) -> u64 {
        let prices = family.nano_usd_per_token();
        self.text_in * prices.text_in + self.image_in * prices.image_in + self.image_out * prices.image_out
    }

    /// The `usage` object of a plain reply.
    pub(crate) fn with_output_details(&self) -> Value {
        let mut usage = self.without_output_details();
        if let Some(object) = usage.as_object_mut() {
            let details = json!({ "image_tokens": self.image_out, "text_tokens": 0 });
            object.insert("output_tokens_details".to_owned(), details);
        }
        usage
    }

    /// The `usage` object of a streamed reply, which says less.
    pub(crate) fn without_output_details(&self) -> Value {
        let input = self.text_in + self.image_in;
        json!({
            "input_tokens": input,
            "output_tokens": self.image_out,
            "total_tokens": input + self.image_out,
            "input_tokens_details": {
                "text_tokens": self.text_in,
                "image_tokens": self.image_in,
            },
        })
    }
}

fn output_tokens(model: &Model, quality: &str, size: Size) -> u64 {
    let times = |factor| by_formula(factor, size);
    match model.family {
        Family::Mini | Family::V15 => by_table(quality, size),
        Family::V2 => times(match quality {
            "low" => 16,
            "medium" => 48,
            _ => 96,
        }),
        Family::V25 => times(factor_of_2_5(quality)),
        Family::V26 => {
            let multiple = match quality {
                "low" => 4,
                "medium" => 3,
                _ => 1,
            };
            multiple * times(factor_of_2_5(quality))
        }
    }
}

fn factor_of_2_5(quality: &str) -> u64 {
    match quality {
        "low" => 16,
        "medium" => 24,
        "high" => 48,
        "xhigh" => 64,
        _ => 96,
    }
}

/// Tokens along the long edge by tokens along the short one, scaled by the area.
fn by_formula(factor: u64, size: Size) -> u64 {
    let (short, long) = size.edges();
    let (short, long) = (u64::from(short), u64::from(long));
    let short_side = (2 * factor * short + long) / (2 * long);
    (factor * short_side * (2_000_000 + size.pixels())).div_ceil(4_000_000)
}

fn by_table(quality: &str, size: Size) -> u64 {
    let (square, tall, wide) = match quality {
        "low" => (272, 408, 400),
        "medium" => (1056, 1584, 1568),
        _ => (4160, 6240, 6208),
    };
    match size.width.cmp(&size.height) {
        std::cmp::Ordering::Equal => square,
        std::cmp::Ordering::Less => tall,
        std::cmp::Ordering::Greater => wide,
    }
}

#[cfg(test)]
mod tests {
    use super::{Usage, output_tokens};
    use crate::model::{Family, Model};
    use crate::size::Size;

    /// The published counts, low to the best quality of the model.
    #[test]
    fn output_tokens_match_the_published_table() {
        let rows: [(&str, &str, &[u64]); 14] = [
            ("gpt-image-2", "1024x1024", &[196, 1756, 7024]),
            ("gpt-image-2", "1536x1024", &[158, 1372, 5488]),
            ("gpt-image-2", "1024x1536", &[158, 1372, 5488]),
            ("gpt-image-2", "2048x2048", &[397, 3568, 14272]),
            ("gpt-image-2", "2560x1440", &[205, 1843, 7370]),
            ("gpt-image-2", "3840x2160", &[371, 3336, 13342]),
            ("gpt-image-2.5-flare", "1024x1024", &[196, 439, 1756, 3122, 7024]),
            ("gpt-image-2.5-flare", "1536x1024", &[158, 343, 1372, 2459, 5488]),
            ("gpt-image-2.5-flare", "2048x2048", &[397, 892, 3568, 6343, 14272]),
            ("gpt-image-2.5-flare", "2560x1440", &[205, 478, 1843, 3276, 7370]),
            ("gpt-image-2.5-flare", "3840x2160", &[371, 865, 3336, 5930, 13342]),
            ("gpt-image-2.6-flare", "1536x1024", &[632, 1029, 1372]),
            ("gpt-image-1.5", "1024x1536", &[408, 1584, 6240]),
            ("gpt-image-1.5", "1536x1024", &[400, 1568, 6208]),
        ];
        for (name, size, expected) in rows {
            let model = Model::named(name).expect("a living model");
            let size = Size::parse(size, model.family).expect("an allowed size");
            let found: Vec<u64> = ["low", "medium", "high", "xhigh", "max"]
                .iter()
                .take(expected.len())
                .map(|quality| output_tokens(&model, quality, size))
                .collect();
            assert_eq!(found, expected, "{name} at {size}");
        }
    }

    /// A published reply: 228 text, 1450 image and 13342 output tokens for 0.413 dollars.
    #[test]
    fn a_real_reply_is_priced_to_the_nano_dollar() {
        let usage = Usage { text_in: 228, image_in: 1450, image_out: 13342 };
        assert_eq!(usage.cost_nano_usd(Family::V2), 413_000_000);
        assert_eq!(usage.cost_nano_usd(Family::V15), 439_684_000);
        assert_eq!(usage.cost_nano_usd(Family::Mini), 110_817_000);
    }
}
