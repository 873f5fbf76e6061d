mod samples;

use proptest::prelude::*;

use super::{Format, Sniffed, complete, sniff};

#[track_caller]
fn check(head: &[u8], expected: Option<(Format, u32, u32)>) {
    let expected = expected.map(|(format, width, height)| Sniffed { format, width, height });
    assert_eq!(sniff(head), expected);
}

#[test]
fn files_of_common_encoders() {
    for (file, format, _) in samples::all() {
        check(&file, Some((format, 3, 2)));
    }
}

#[test]
fn headers_at_the_edges() {
    let png = |size: &str| samples::bytes(&format!("89504e470d0a1a0a0000000d49484452{size}"));
    check(&png("0000000100000001"), Some((Format::Png, 1, 1)));
    check(&png("00000f0000000870"), Some((Format::Png, 3840, 2160)));
    check(&png("0000000000000001"), None);
    check(&png("00000001000000"), None);
    check(&samples::bytes("89504e470d0a1a0a0000000d49444154000000010000000100"), None);

    let webp = |chunk: &str| samples::bytes(&format!("524946460000000057454250{chunk}"));
    check(
        &webp("56503858 00000000 00000000 ffffff ffffff".replace(' ', "").as_str()),
        Some((Format::Webp, 0x0100_0000, 0x0100_0000)),
    );
    check(&webp("5650384c000000002fffffff0f"), Some((Format::Webp, 0x4000, 0x4000)));
    check(&webp("5650384c000000002effffff0f"), None);
    check(&webp("5650382000000000010000009d012a03000200"), None);
    check(&webp("5650382000000000000000009d012a0300"), None);
    check(&webp("41424344000000002fffffff0f"), None);

    check(b"GIF89a\x03\0\x02\0", Some((Format::Gif, 3, 2)));
    check(b"GIF88a\x03\0\x02\0", None);
    check(b"GIF89a\0\0\x02\0", None);
}

#[test]
fn segments_of_a_jpeg() {
    let jpeg = |rest: &str| samples::bytes(&format!("ffd8{}", rest.replace(' ', "")));
    check(&jpeg("ffc0 0011 08 0002 0003"), Some((Format::Jpeg, 3, 2)));
    check(&jpeg("ffffff c2 0011 08 0002 0003"), Some((Format::Jpeg, 3, 2)));
    check(&jpeg("ffe0 0004 ffc0 ffc4 0002 ffc0 0011 08 0002 0003"), Some((Format::Jpeg, 3, 2)));
    check(&jpeg("ffc0 0011 08 0002 00"), None);
    check(&jpeg("ffc0 0011 08 0000 0003"), None);
    check(&jpeg("ffe0 0000 ffc0 0011 08 0002 0003"), None);
    check(&jpeg("ffe0 0001 ffc0 0011 08 0002 0003"), None);
    check(&jpeg("ffe0 ffff ffc0 0011 08 0002 0003"), None);
    check(&jpeg("ffda 0002 ffc0 0011 08 0002 0003"), None);
    check(&jpeg("ffd9 ffc0 0011 08 0002 0003"), None);
    check(&jpeg("ffe0 0002 00 ffc0 0011 08 0002 0003"), None);
    check(&jpeg("ffff"), None);
}

#[track_caller]
fn check_svg(text: &str, expected: Option<(u32, u32)>) {
    check(text.as_bytes(), expected.map(|(width, height)| (Format::Svg, width, height)));
}

#[test]
fn roots_of_an_svg() {
    check_svg("<svg>", Some((0, 0)));
    check_svg("  <svg\n>", Some((0, 0)));
    check_svg("<svg width='10' height='20'>", Some((10, 20)));
    check_svg("<svg width = \"10.5px\" height='.5'>", Some((0, 0)));
    check_svg("<svg width='10.5px' height='20.0'>", Some((11, 20)));
    check_svg("<svg viewBox='0 0 30 40'>", Some((30, 40)));
    check_svg("<svg viewBox='-1,-2, 30.1,40'>", Some((31, 40)));
    check_svg("<svg viewBox='0 0 30'>", Some((0, 0)));
    check_svg("<svg viewBox='0 0 30 40 50'>", Some((0, 0)));
    check_svg("<svg width='100%' height='100%' viewBox='0 0 30 40'>", Some((30, 40)));
    check_svg("<svg width='10' viewBox='0 0 30 40'>", Some((30, 40)));
    check_svg("<svg width='99999999999' height='1'>", Some((0, 0)));
    check_svg("<svg title='>' width='1' height='2'>", Some((1, 2)));
    check_svg("<svg stroke-width='7' width='1' height='2'>", Some((1, 2)));
    check_svg("<svg width=1 height=2>", Some((0, 0)));
    check_svg("<?xml?><!-- a --><!DOCTYPE svg PUBLIC 'x' 'y'><svg>", Some((0, 0)));
    check_svg("<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>", None);
    check_svg("<svgx>", None);
    check_svg("<svg", None);
    check_svg("<svg title='>", None);
    check_svg("<!-- <svg>", None);
    check_svg("<html><svg>", None);
    check_svg("{\"error\": \"<svg>\"}", None);
    check_svg("", None);
    // A head may end in the middle of a character.
    check(b"<svg>\xc3", Some((Format::Svg, 0, 0)));
    check(b"\xc3<svg>", None);
}

#[track_caller]
fn check_complete(file: &[u8], format: Format, expected: bool) {
    let length = u64::try_from(file.len()).unwrap();
    let tail = &file[file.len().saturating_sub(64)..];
    let found = complete(format, tail, length, file);
    assert_eq!(found, expected, "{format:?} of {length} bytes");
}

#[test]
fn whole_files() {
    for (file, format, _) in samples::all() {
        check_complete(&file, format, true);
        for other in [Format::Png, Format::Jpeg, Format::Webp, Format::Gif, Format::Svg] {
            check_complete(&file, other, other == format);
        }
    }
}

#[test]
fn every_truncation_is_seen() {
    for (file, format, spare) in samples::all() {
        for length in 0..file.len() - spare {
            check_complete(&file[..length], format, false);
        }
    }
}

#[test]
fn what_follows_a_whole_file() {
    let with = |hex: &str, more: &[u8]| [samples::bytes(hex), more.to_vec()].concat();
    check_complete(&with(samples::JPEG, &[0; 8]), Format::Jpeg, true);
    check_complete(&with(samples::JPEG, &[0; 9]), Format::Jpeg, false);
    check_complete(&with(samples::JPEG, b"x"), Format::Jpeg, false);
    check_complete(&with(samples::PNG, &[0]), Format::Png, false);
    check_complete(&with(samples::LOSSY, &[0]), Format::Webp, false);
    check_complete(&with(samples::GIF, &[0x3b]), Format::Gif, false);
    check_complete(format!("{} \r\n\t", samples::SVG).as_bytes(), Format::Svg, true);
    check_complete(format!("{}<svg>", samples::SVG).as_bytes(), Format::Svg, false);
}

#[test]
fn an_odd_riff_may_be_padded_or_not() {
    let mut odd = samples::bytes(samples::LOSSY);
    odd[4] -= 1;
    check_complete(&odd, Format::Webp, true);
    odd.pop();
    check_complete(&odd, Format::Webp, true);
    odd.pop();
    check_complete(&odd, Format::Webp, false);
}

#[test]
fn svg_elements_inside_text_do_not_count() {
    let whole = |inner: &str| format!("<svg>{inner}</svg>");
    check_complete(whole("<!-- <svg> -->").as_bytes(), Format::Svg, true);
    check_complete(whole("<![CDATA[<svg></svg></svg>]]>").as_bytes(), Format::Svg, true);
    check_complete(whole("<svg a='/>'></svg>").as_bytes(), Format::Svg, true);
    check_complete(whole("<svg a='>' />").as_bytes(), Format::Svg, true);
    check_complete(whole("<svg a='").as_bytes(), Format::Svg, false);
    check_complete(whole("<!--").as_bytes(), Format::Svg, false);
    check_complete(whole("</svg>").as_bytes(), Format::Svg, false);
}

/// Files whose middle is unknown, because only the ends were kept.
#[track_caller]
fn check_ends(hex: &str, head: usize, tail: &[u8], format: Format, expected: bool) {
    let file = samples::bytes(hex);
    assert_eq!(complete(format, tail, 1_000_000, &file[..head]), expected, "{format:?}");
}

#[test]
fn long_files() {
    check_ends(samples::GIF, 20, b"\0\x3b", Format::Gif, true);
    check_ends(samples::GIF, 20, b"x\x3b", Format::Gif, false);
    check_ends(samples::PNG, 40, b"\0\0\0\0IEND\xae\x42\x60\x82", Format::Png, true);
    check_ends(samples::PNG, 40, b"\0\0\0\0IEND\xae\x42\x60\x83", Format::Png, false);
    check_ends(samples::JPEG, 300, b"\xff\xd9\0\0", Format::Jpeg, true);
    check_ends(samples::JPEG, 300, b"\xff\xd8\0\0", Format::Jpeg, false);
    check_ends(samples::LOSSY, 40, &[0; 64], Format::Webp, false);
    assert!(complete(Format::Svg, b"</svg>", 1_000_000, b"<svg>"));
    assert!(!complete(Format::Svg, b"</g>", 1_000_000, b"<svg>"));
    assert!(!complete(Format::Gif, b"\0\x3b", 1, b"GIF89a\x03\0\x02\0"), "longer than it is");
}

#[track_caller]
fn check_mime(mime: &str, expected: Option<Format>) {
    assert_eq!(Format::from_mime(mime), expected, "{mime:?}");
}

#[test]
fn media_types() {
    for format in [Format::Png, Format::Jpeg, Format::Webp, Format::Gif, Format::Svg] {
        check_mime(format.mime(), Some(format));
        let json = serde_json::to_string(&format).unwrap();
        assert_eq!(json, format!("\"{format:?}\"").to_lowercase());
        assert_eq!(serde_json::from_str::<Format>(&json).unwrap(), format);
    }
    check_mime("IMAGE/PNG", Some(Format::Png));
    check_mime(" image/svg+xml ; charset=utf-8", Some(Format::Svg));
    check_mime("image/jpg", Some(Format::Jpeg));
    check_mime("image/avif", None);
    check_mime("png", None);
    check_mime("", None);
    assert_eq!(Format::Jpeg.extension(), "jpg");
    assert_eq!(Format::Svg.extension(), "svg");
}

/// Any bytes, whole files with some of their bytes changed, and starts of files with any bytes behind.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let starts = prop::sample::select(samples::all());
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    let cut = any::<prop::sample::Index>();
    let more = prop::collection::vec(any::<u8>(), 0..64);
    let mixed = (starts, changes, cut, more).prop_map(|((mut file, ..), changes, cut, more)| {
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(cut.index(file.len()));
        file.extend(more);
        file
    });
    let markup = "<svg([<>!/'\"= \\-\\[\\]]|svg|--|CDATA){0,30}".prop_map(String::into_bytes);
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), mixed, markup]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_tolerated(file in hostile(), tail in hostile(), length in 0..1000_u64) {
        let found = sniff(&file);
        if let Some(Sniffed { format, width, height }) = found {
            prop_assert!(format == Format::Svg || (width > 0 && height > 0));
        }
        for format in [Format::Png, Format::Jpeg, Format::Webp, Format::Gif, Format::Svg] {
            let whole = complete(format, &tail, length, &file);
            prop_assert!(!whole || found.is_some_and(|found| found.format == format));
        }
    }

    #[test]
    fn a_cut_picture_is_not_whole(
        file in prop::sample::select(samples::all()),
        cut in any::<prop::sample::Index>(),
        kept in 1..80_usize,
    ) {
        let (bytes, format, spare) = file;
        let cut = &bytes[..cut.index(bytes.len() - spare)];
        let tail = &cut[cut.len().saturating_sub(kept)..];
        prop_assert!(!complete(format, tail, u64::try_from(cut.len()).unwrap(), cut));
    }
}
