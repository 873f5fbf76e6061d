//! Whole files of three by two pixels, as common encoders write them, in hexadecimal.

pub(super) const PNG: &str = "\
    89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d0000001549444154789c633cc1c5c5\
    c0c0c0c0c0c0c4000300107200e029ea2e370000000049454e44ae426082";
/// With a thumbnail in its metadata that has an end marker of its own.
pub(super) const JPEG: &str = "\
    ffd8ffe000104a46494600010100000100010000ffe1001a45786966000049492a0008000000000000000000ffd8ffd9\
    ffdb00430050373c463c32504641465a55505f78c882786e6e78f5afb991c8ffffffffffffffffffffffffffffffffff\
    ffffffffffffffffffffffffffffffffffffffffffffdb004301555a5a786978eb8282ebffffffffffffffffffffffff\
    ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc000110800\
    02000303012200021101031101ffc4001500010100000000000000000000000000000003ffc400141001000000000000\
    00000000000000000000ffc4001501010100000000000000000000000000000204ffc400141101000000000000000000\
    00000000000000ffda000c03010002110311003f008800a5ffd9";
pub(super) const PROGRESSIVE: &str = "\
    ffd8ffe000104a46494600010100000100010000ffdb00430050373c463c32504641465a55505f78c882786e6e78f5af\
    b991c8ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffdb004301555a\
    5a786978eb8282ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
    ffffffffffffffffffffffffffffffc20011080002000303012200021101031101ffc400150001010000000000000000\
    0000000000000002ffc4001501010100000000000000000000000000000203ffda000c030100021003100000018069ff\
    c40014100100000000000000000000000000000000ffda00080101000105027fffc40014110100000000000000000000\
    000000000000ffda0008010301013f017fffc40014110100000000000000000000000000000000ffda0008010201013f\
    017fffc40014100100000000000000000000000000000000ffda0008010100063f027fffc40014100100000000000000\
    000000000000000000ffda0008010100013f217fffda000c030100020003000000100fffc40014110100000000000000\
    000000000000000000ffda0008010301013f107fffc40014110100000000000000000000000000000000ffda00080102\
    01013f107fffc40014100100000000000000000000000000000000ffda0008010100013f107fffd9";
pub(super) const LOSSY: &str = "\
    52494646320000005745425056503820260000007001009d012a0300020007409625a0027401400000fee838b184d25b\
    77fb83f507f103600000";
pub(super) const LOSSLESS: &str = "\
    524946461e000000574542505650384c110000002f024000000750852257a1ff8188e87f0000";
pub(super) const EXTENDED: &str = "\
    524946465400000057454250565038580a0000000800000002000001000056503820240000007001009d012a03000200\
    0cc0ce25a0027401400000fee0b908c35bafc50e6cee05400000455849460a00000049492a00080000000000";
pub(super) const GIF: &str = "\
    47494638376103000200810000c80a0a0000000000000000002c00000000030002000008060001081c1810003b";

pub(super) const SVG: &str = "\u{feff}<?xml version=\"1.0\"?>\n<!-- <svg> -->\n<!DOCTYPE svg>\n\
    <svg xmlns='http://www.w3.org/2000/svg' width=\"3px\" height='2'><svg><g/></svg><svg/></svg>\n";

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let nibble = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}

/// Every whole file, the format as it should be found, and how many bytes at the end it can lose and
/// still be the whole picture.
pub(super) fn all() -> Vec<(Vec<u8>, super::Format, usize)> {
    use super::Format::{Gif, Jpeg, Png, Svg, Webp};
    let mut files = Vec::new();
    for (hex, format) in
        [(PNG, Png), (JPEG, Jpeg), (PROGRESSIVE, Jpeg), (LOSSY, Webp), (LOSSLESS, Webp), (EXTENDED, Webp), (GIF, Gif)]
    {
        files.push((bytes(hex), format, 0));
    }
    files.push((SVG.as_bytes().to_vec(), Svg, 1));
    files
}
