//! Draws the pictures: scope is everything from a job to the bytes of a picture file.
//!
//! No two pictures are alike. The number of the call and of the picture within it are written
//! large, so that a person can see a second bill with the eye, and the same two numbers
//! seed the colours and the shapes, so that a program sees it in the bytes.

mod canvas;
mod encode;
mod noise;
mod pad;
mod scene;
mod text;

use crate::request::{Format, Job};

/// Which picture is drawn: the place of a picture among all that this process ever makes.
#[derive(Clone, Copy)]
pub(crate) struct Serial {
    /// The number of the call, never used twice in the life of the process.
    pub(crate) call: u64,
    /// The place of the picture within its call, counted from one.
    pub(crate) index: u32,
}

/// Draws the finished picture of a job in the format it asks for.
pub(crate) fn finished(job: &Job, serial: Serial, pad_bytes: usize) -> anyhow::Result<Vec<u8>> {
    let canvas = scene::paint(job, serial);
    let file = encode::encode(&canvas, job)?;
    if job.format == Format::Png {
        return Ok(pad::pad_png(file, pad_bytes, serial.call));
    }
    Ok(file)
}

/// Draws a coarser stage of the same picture: `step` counts the partial pictures from zero.
pub(crate) fn partial(job: &Job, serial: Serial, step: u32) -> anyhow::Result<Vec<u8>> {
    let mut canvas = scene::paint(job, serial);
    canvas.coarsen(usize::try_from(64 >> step.min(4))?);
    encode::encode(&canvas, job)
}
