//! What is on a picture: scope is the composition of background, shapes and writing.

use super::Serial;
use super::canvas::Canvas;
use super::noise::Noise;
use super::text::{self, CELL};
use crate::request::{Job, Operation};

const SHAPES: usize = 28;
const WHITE: [u8; 3] = [255, 255, 255];

/// Paints the whole scene of one picture.
pub(super) fn paint(job: &Job, serial: Serial) -> Canvas {
    let width = usize::try_from(job.size.width).unwrap_or_default();
    let height = usize::try_from(job.size.height).unwrap_or_default();
    let mut canvas = Canvas::new(width, height, job.transparent);
    let mut noise = Noise::new(&job.prompt, &[serial.call, u64::from(serial.index)]);
    if !job.transparent {
        paint_sky(&mut canvas, &mut noise);
    }
    paint_shapes(&mut canvas, &mut noise);
    paint_grain(&mut canvas, &mut noise, job.transparent);
    paint_writing(&mut canvas, &mut noise, job, serial);
    canvas
}

/// A gradient from one colour at the top to another at the bottom.
fn paint_sky(canvas: &mut Canvas, noise: &mut Noise) {
    let (above, below) = (noise.colour(96), noise.colour(32));
    let (width, height) = (canvas.width, canvas.height);
    for row in 0..height {
        let mut colour = [0; 3];
        for (channel, (from, to)) in colour.iter_mut().zip(above.into_iter().zip(below)) {
            let mixed = usize::from(from) * (height - row) + usize::from(to) * row;
            *channel = u8::try_from(mixed / height).unwrap_or(u8::MAX);
        }
        canvas.rectangle(0, row, (width, 1), colour);
    }
}

fn paint_shapes(canvas: &mut Canvas, noise: &mut Noise) {
    let largest = canvas.width.min(canvas.height) / 5;
    for shape in 0..SHAPES {
        let (x, y) = (noise.below(canvas.width), noise.below(canvas.height));
        let extent = largest / 4 + noise.below(largest);
        let colour = noise.colour(100);
        if shape % 2 == 0 {
            canvas.disc((x, y), extent / 2, colour);
        } else {
            let other = largest / 4 + noise.below(largest);
            canvas.rectangle(x, y, (extent, other), colour);
        }
    }
}

/// Scatters single dots, so that the file is about as large as that of a simple real picture.
fn paint_grain(canvas: &mut Canvas, noise: &mut Noise, transparent: bool) {
    let share = if transparent { 256 } else { 64 };
    for _ in 0..canvas.width * canvas.height / share {
        let (x, y) = (noise.below(canvas.width), noise.below(canvas.height));
        let colour = noise.colour(64);
        canvas.dot(x, y, colour);
    }
}

/// The number of the call at the top, the prompt in the middle, what was asked for at the foot.
fn paint_writing(canvas: &mut Canvas, noise: &mut Noise, job: &Job, serial: Serial) {
    let unit = ((canvas.width * canvas.height).isqrt() / 256).max(1);
    let margin = 6 * unit;
    let room = canvas.width.saturating_sub(4 * margin);
    let number = format!("#{}-{}", serial.call, serial.index);
    let large = (room / (CELL * number.len())).clamp(1, 6 * unit);
    let band = noise.colour(0).map(|channel| channel / 2);

    let number_top = 2 * margin;
    let prompt_top = number_top + CELL * large + 2 * margin;
    let foot = foot_line(job);
    let small = (room / (CELL * foot.len())).clamp(1, 2 * unit);
    let foot_top = canvas.height.saturating_sub(2 * margin + CELL * small);

    let line_height = (CELL + 2) * unit;
    let rows = foot_top.saturating_sub(prompt_top + margin) / line_height;
    let lines = text::wrap(&job.prompt, room / (CELL * unit), rows.max(1));

    let panel_width = canvas.width.saturating_sub(2 * margin);
    let prompt_height = lines.len() * line_height;
    let panel_height = prompt_top - margin + prompt_height;
    canvas.rectangle(margin, margin, (panel_width, panel_height), band);
    let foot_height = CELL * small + 2 * margin;
    let foot_panel = foot_top.saturating_sub(margin);
    canvas.rectangle(margin, foot_panel, (panel_width, foot_height), band);

    let left = 2 * margin;
    let highlight = noise.colour(127);
    text::write(canvas, (left, number_top), large, &number, highlight);
    for (place, line) in lines.iter().enumerate() {
        let top = prompt_top + place * line_height;
        text::write(canvas, (left, top), unit, line, WHITE);
    }
    text::write(canvas, (left, foot_top), small, &foot, WHITE);
}

fn foot_line(job: &Job) -> String {
    let origin = match job.operation {
        Operation::Generation => String::new(),
        Operation::Edit => format!(" edit of {}", job.inputs),
    };
    format!("{} {} {}{origin}", job.model.name, job.size, job.quality)
}
