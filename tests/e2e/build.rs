//! Takes the Rust helper out of `docs/SIGNING.md`, so that what a test compiles is the text that people copy.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const DOCUMENT: &str = "../../docs/SIGNING.md";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={DOCUMENT}");
    let document = fs::read_to_string(DOCUMENT)?;
    let fenced = document.split_once("```rust\n").and_then(|(_, rest)| Some(rest.split_once("```\n")?.0));
    let helper = fenced.ok_or("docs/SIGNING.md has no Rust helper")?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("signing_helper.rs"), helper)?;
    Ok(())
}
