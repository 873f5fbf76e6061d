//! From a canvas to the bytes of a file: scope is the three formats the API hands out.

use anyhow::Context;

use super::canvas::Canvas;
use crate::request::{Format, Job};

/// The quality above which a JPEG file grows several times over for no visible gain.
const BEST_JPEG: u8 = 90;

/// Encodes quickly rather than small: a test waits for every picture.
pub(super) fn encode(canvas: &Canvas, job: &Job) -> anyhow::Result<Vec<u8>> {
    match job.format {
        Format::Png => png(canvas),
        Format::Jpeg => jpeg(canvas, job.compression),
        Format::Webp => webp(canvas),
    }
}

fn png(canvas: &Canvas) -> anyhow::Result<Vec<u8>> {
    let (width, height) = size(canvas)?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(if canvas.depth == 4 { png::ColorType::Rgba } else { png::ColorType::Rgb });
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&canvas.pixels)?;
    writer.finish()?;
    Ok(file)
}

/// JPEG takes the compression level of the request as its quality, up to [`BEST_JPEG`].
fn jpeg(canvas: &Canvas, level: u8) -> anyhow::Result<Vec<u8>> {
    let (width, height) = size(canvas)?;
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, level.clamp(1, BEST_JPEG));
    encoder.encode(
        &canvas.pixels,
        u16::try_from(width).context("too wide for JPEG")?,
        u16::try_from(height).context("too high for JPEG")?,
        jpeg_encoder::ColorType::Rgb,
    )?;
    Ok(file)
}

/// The encoder writes lossless WebP only, so the compression level changes nothing here.
fn webp(canvas: &Canvas) -> anyhow::Result<Vec<u8>> {
    let (width, height) = size(canvas)?;
    let mut file = Vec::new();
    let colour = if canvas.depth == 4 { image_webp::ColorType::Rgba8 } else { image_webp::ColorType::Rgb8 };
    image_webp::WebPEncoder::new(&mut file).encode(&canvas.pixels, width, height, colour)?;
    Ok(file)
}

fn size(canvas: &Canvas) -> anyhow::Result<(u32, u32)> {
    Ok((u32::try_from(canvas.width)?, u32::try_from(canvas.height)?))
}
