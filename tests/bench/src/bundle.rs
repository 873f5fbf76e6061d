//! What the Worker weighs when it is uploaded.

use std::fs;
use std::io::Write as _;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::report::{Report, Target};
use crate::server::workspace;
use crate::spread::Spread;

const FILES: [&str; 2] = ["edge/build/index.js", "edge/build/index_bg.wasm"];

pub fn measure(report: &mut Report) -> Result<()> {
    let mut total = 0.0;
    for file in FILES {
        let bytes =
            fs::read(workspace().join(file)).with_context(|| format!("no {file}; `cargo xtask build` makes it"))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes)?;
        #[expect(clippy::cast_precision_loss, reason = "no Worker has 2^53 bytes")]
        let weight = encoder.finish()?.len() as f64;
        total += weight / 1_024.0;
    }
    report.judge("The Worker with gzip", "KiB", Spread::one(total), Target::AtMost(1_024.0));
    Ok(())
}
