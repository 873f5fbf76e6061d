//! What a picture costs, by the price table that is in force.

use std::sync::LazyLock;

use domain::ApiError;
use domain::money::{self, EstimateError, NanoUsd, Price, PriceTable, lower_bound, upper_bound};
use domain::picture::Picture;
use domain::picture::frames::Frames;
use domain::picture::options::{Choice as _, OutputFormat};
use domain::runtime::RuntimeSettings;

/// Plain data, parsed once in an isolate's life.
static PRICES: LazyLock<Option<PriceTable>> = LazyLock::new(|| PriceTable::built_in().ok());

/// The price by which a bill of this model is counted.
pub fn of<'s>(runtime: &'s RuntimeSettings, model: &str) -> Option<&'s Price> {
    runtime.prices.as_ref().or(PRICES.as_ref())?.price(model).ok()
}

/// What `n` pictures can cost at most: what is set aside before the call. Where there is no price, nothing is bought.
pub fn most(runtime: &RuntimeSettings, picture: &Picture, n: u32) -> Result<NanoUsd, ApiError> {
    bound(runtime, picture, n, upper_bound)
}

/// What they cost at least.
pub fn least(runtime: &RuntimeSettings, picture: &Picture, n: u32) -> Result<NanoUsd, ApiError> {
    bound(runtime, picture, n, lower_bound)
}

fn bound(
    runtime: &RuntimeSettings,
    picture: &Picture,
    n: u32,
    how: fn(&Price, &money::Ask<'_>) -> Result<NanoUsd, EstimateError>,
) -> Result<NanoUsd, ApiError> {
    let ask = money::Ask {
        quality: Some(picture.quality.as_str()),
        size: picture.size.pixels(),
        prompt_bytes: picture.prompt.as_str().len() as u64,
        n,
        frames: picture.frames.map_or(1, |Frames { count, .. }| u32::from(count)),
        partial_images: 0,
        input_images: 0,
    };
    // An svg is written by a text model, which is billed apart and has no price here.
    let priced = picture.output_format != OutputFormat::Svg;
    let bound = of(runtime, &picture.model).filter(|_| priced).and_then(|price| how(price, &ask).ok());
    bound.ok_or_else(|| {
        ApiError::invalid(
            "model",
            "price_missing",
            format!("There is no price for this picture by '{}', so it is not bought.", picture.model),
        )
    })
}
