use serde_json::Value;

use super::*;
use crate::picture::Asked;
use crate::picture::request::Defaults;

/// The committed vectors also run in Wasm, and their keys were computed by another program (`docs/CACHE-KEY.md`).
const VECTORS: &str = include_str!("../../../vectors/picture-keys.json");

#[test]
fn golden_vectors() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = vectors.as_array().unwrap();
    assert!(vectors.len() >= 20);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let defaults = Defaults { namespace: text("namespace"), model: text("default_model"), now_s: 0 };
        let asked = Asked::from_json(vector["request"].to_string().as_bytes(), &defaults).unwrap();
        assert_eq!(PictureKey::of(&asked.picture).to_string(), text("key"), "{}", text("what"));
    }
}

#[test]
fn a_key_is_read_only_as_it_is_written() {
    let key = PictureKey([0xab; 32]);
    assert_eq!(PictureKey::parse(&key.to_string()), Some(key));
    for wrong in [key.to_string().to_uppercase(), key.to_string()[1..].to_owned(), format!("{key}0"), "../".repeat(21)]
    {
        assert_eq!(PictureKey::parse(&wrong), None);
    }
}
