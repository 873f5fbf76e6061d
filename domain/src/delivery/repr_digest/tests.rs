use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::repr_digest;

#[track_caller]
fn check(sha256: [u8; 32], expected: &str) {
    assert_eq!(repr_digest(&sha256), expected);
}

#[test]
fn known_digests() {
    check([0; 32], "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");
    check([0xff; 32], "sha-256=://////////////////////////////////////////8=:");
    // `{"hello": "world"}` and a line feed, the example of RFC 9530.
    check(
        [
            0x44, 0xaf, 0xf4, 0xab, 0x2d, 0x7c, 0x32, 0x50, 0x52, 0x56, 0x75, 0xa0, 0x8f, 0x0c, 0xfa, 0x95, 0x91, 0x16,
            0x8c, 0xff, 0xe5, 0x17, 0x91, 0xc5, 0xf5, 0xbb, 0xc4, 0x17, 0xc1, 0x5a, 0x6c, 0x38,
        ],
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
    );
}

proptest! {
    #[test]
    fn can_be_read_back(sha256 in any::<[u8; 32]>()) {
        let value = repr_digest(&sha256);
        let inner = value.strip_prefix("sha-256=:").and_then(|rest| rest.strip_suffix(':'));
        prop_assert_eq!(STANDARD.decode(inner.unwrap()).unwrap(), sha256.to_vec());
    }
}
