//! A raster to paint on: scope is filled spans, rectangles, discs and coarsening.
//!
//! Every operation ends in one span of one colour, written by doubling copies of its first
//! pixel. That makes the work a few block copies, which are as fast in an unoptimised build
//! as in an optimised one.

/// A raster of three (opaque) or four (transparent) bytes for each pixel, row after row.
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
    /// Bytes for each pixel: three, or four with an alpha channel.
    pub(super) depth: usize,
}

impl Canvas {
    /// An empty canvas: black, or wholly transparent when it has an alpha channel.
    pub(super) fn new(width: usize, height: usize, transparent: bool) -> Self {
        let depth = if transparent { 4 } else { 3 };
        Self { width, height, pixels: vec![0; width * height * depth], depth }
    }

    /// Fills a rectangle with an opaque colour; whatever lies outside the canvas is cut off.
    pub(super) fn rectangle(&mut self, left: usize, top: usize, (width, height): (usize, usize), colour: [u8; 3]) {
        for row in top..top.saturating_add(height).min(self.height) {
            self.span(row, left, left.saturating_add(width), colour);
        }
    }

    /// Fills a disc around a centre; whatever lies outside the canvas is cut off.
    pub(super) fn disc(&mut self, centre: (usize, usize), radius: usize, colour: [u8; 3]) {
        let (x, y) = centre;
        for row in y.saturating_sub(radius)..(y + radius + 1).min(self.height) {
            let rise = row.abs_diff(y);
            let reach = (radius * radius).saturating_sub(rise * rise).isqrt();
            self.span(row, x.saturating_sub(reach), x + reach + 1, colour);
        }
    }

    /// Gives one pixel a colour.
    pub(super) fn dot(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        self.span(y, x, x + 1, colour);
    }

    /// Replaces every block of `block` by `block` pixels by the pixel in its middle.
    pub(super) fn coarsen(&mut self, block: usize) {
        let row_bytes = self.width * self.depth;
        for top in (0..self.height).step_by(block.max(1)) {
            let middle = (top + block / 2).min(self.height - 1);
            for left in (0..self.width).step_by(block.max(1)) {
                let from = (left + block / 2).min(self.width - 1) * self.depth;
                let at = middle * row_bytes + from;
                let colour = self.pixels.get(at..at + self.depth).map(<[u8]>::to_vec);
                let right = (left + block).min(self.width) * self.depth;
                let target = top * row_bytes + left * self.depth..top * row_bytes + right;
                if let (Some(colour), Some(target)) = (colour, self.pixels.get_mut(target)) {
                    repeat(target, &colour);
                }
            }
            let source = top * row_bytes..(top + 1) * row_bytes;
            for row in top + 1..(top + block).min(self.height) {
                self.pixels.copy_within(source.clone(), row * row_bytes);
            }
        }
    }

    fn span(&mut self, row: usize, left: usize, right: usize, [red, green, blue]: [u8; 3]) {
        let right = right.min(self.width);
        if row >= self.height || left >= right {
            return;
        }
        let start = (row * self.width + left) * self.depth;
        let end = (row * self.width + right) * self.depth;
        let colour = [red, green, blue, u8::MAX];
        if let (Some(target), Some(colour)) = (self.pixels.get_mut(start..end), colour.get(..self.depth)) {
            repeat(target, colour);
        }
    }
}

/// Fills `target` with copies of `pattern`, whose length divides that of `target`.
fn repeat(target: &mut [u8], pattern: &[u8]) {
    let Some(first) = target.get_mut(..pattern.len()) else {
        return;
    };
    first.copy_from_slice(pattern);
    let mut done = pattern.len();
    while done < target.len() {
        let step = done.min(target.len() - done);
        target.copy_within(..step, done);
        done += step;
    }
}
