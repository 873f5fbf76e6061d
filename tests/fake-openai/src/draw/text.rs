//! Writing on a canvas: scope is an embedded font of 8 by 8 dots, scaled up, and wrapping.
//!
//! The font travels inside the program, because a test machine need not have any fonts.

use font8x8::{BASIC_FONTS, GREEK_FONTS, HIRAGANA_FONTS, LATIN_FONTS, UnicodeFonts};

use super::canvas::Canvas;

/// The dots in the width and in the height of a character.
pub(super) const CELL: usize = 8;

/// Writes one line from its upper left corner; every dot becomes a `scale` by `scale` square.
pub(super) fn write(canvas: &mut Canvas, (left, top): (usize, usize), scale: usize, line: &str, colour: [u8; 3]) {
    for (place, character) in line.chars().enumerate() {
        let x = left + place * CELL * scale;
        for (row, bits) in glyph(character).into_iter().enumerate() {
            for column in (0..CELL).filter(|column| bits >> column & 1 == 1) {
                let corner = (x + column * scale, top + row * scale);
                canvas.rectangle(corner.0, corner.1, (scale, scale), colour);
            }
        }
    }
}

/// Breaks a text into at most `rows` lines of at most `columns` characters.
///
/// A text that does not fit ends in three dots.
pub(super) fn wrap(text: &str, columns: usize, rows: usize) -> Vec<String> {
    let columns = columns.max(4);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut width = 0;
    // A prompt may have 32,000 characters; what cannot be shown is not worth breaking.
    let shown: String = text.chars().take(columns * (rows + 1)).collect();
    for word in shown.split_whitespace() {
        let characters: Vec<char> = word.chars().collect();
        for piece in characters.chunks(columns) {
            if width > 0 && width + 1 + piece.len() > columns {
                lines.push(std::mem::take(&mut line));
                width = 0;
            }
            if width > 0 {
                line.push(' ');
                width += 1;
            }
            line.extend(piece);
            width += piece.len();
        }
    }
    lines.push(line);
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            let kept: String = last.chars().take(columns - 3).collect();
            *last = format!("{kept}...");
        }
    }
    lines
}

/// The dots of a character; one that the font lacks is shown as a question mark.
fn glyph(character: char) -> [u8; 8] {
    BASIC_FONTS
        .get(character)
        .or_else(|| LATIN_FONTS.get(character))
        .or_else(|| GREEK_FONTS.get(character))
        .or_else(|| HIRAGANA_FONTS.get(character))
        .or_else(|| BASIC_FONTS.get('?'))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn a_text_is_broken_at_words_and_cut_with_dots() {
        let cases: [(&str, usize, usize, &[&str]); 5] = [
            ("a red fox", 9, 2, &["a red fox"]),
            ("a red fox", 8, 2, &["a red", "fox"]),
            ("abcdefghij", 4, 5, &["abcd", "efgh", "ij"]),
            ("one two three four", 8, 1, &["one t..."]),
            ("", 8, 1, &[""]),
        ];
        for (text, columns, rows, expected) in cases {
            assert_eq!(wrap(text, columns, rows), expected, "{text:?} in {columns}");
        }
    }
}
