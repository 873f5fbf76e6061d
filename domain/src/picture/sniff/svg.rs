//! SVG: text whose first element is `<svg`. The size is a best effort and 0 × 0 where it is not stated
//! in pixels.

pub(super) fn size(head: &[u8]) -> Option<(u32, u32)> {
    let tag = root(text(head))?;
    let stated = |name| attribute(tag, name).and_then(pixels);
    let size = stated("width").zip(stated("height"));
    Some(size.or_else(|| view_box(tag)).unwrap_or((0, 0)))
}

/// The end tag closes the file. Where the whole file is known it must be the root's: a picture may hold
/// further `svg` elements, and a cut after one of those ends just the same.
pub(super) fn complete(tail: &[u8], head: &[u8], whole: bool) -> bool {
    tail.trim_ascii_end().ends_with(b"</svg>") && (!whole || is_balanced(text(head)))
}

/// The part that is UTF-8. A head may end in the middle of a character.
fn text(head: &[u8]) -> &str {
    head.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// The attributes of the root, after the byte order mark, the prolog, comments and a plain doctype. A
/// doctype that declares entities is no picture that anyone needs.
fn root(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->")?.1;
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            rest = instruction.split_once("?>")?.1;
        } else if let Some(doctype) = rest.strip_prefix("<!DOCTYPE") {
            let (declaration, after) = doctype.split_once('>')?;
            if declaration.contains('[') {
                return None;
            }
            rest = after;
        } else {
            return attributes(tag(rest)?).map(|(attributes, _)| attributes);
        }
    }
}

/// What follows `<svg`, where the text starts with that tag and not with a longer name.
fn tag(text: &str) -> Option<&str> {
    let boundary = |c: char| c.is_ascii_whitespace() || c == '>' || c == '/';
    text.strip_prefix("<svg").filter(|rest| rest.starts_with(boundary))
}

/// Splits after the attributes of a tag. A `>` inside a quoted value does not end them.
fn attributes(tag: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let end = tag.find(|c| match quote {
        Some(open) => {
            if c == open {
                quote = None;
            }
            false
        }
        None if matches!(c, '"' | '\'') => {
            quote = Some(c);
            false
        }
        None => c == '>',
    })?;
    let (attributes, after) = tag.split_at(end);
    Some((attributes, after.strip_prefix('>')?))
}

fn is_balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some((_, markup)) = rest.split_once('<') {
        let at = rest.len().saturating_sub(markup.len() + 1);
        let here = rest.get(at..).unwrap_or_default();
        rest = if let Some(comment) = markup.strip_prefix("!--") {
            comment.split_once("-->").map_or("", |(_, after)| after)
        } else if let Some(data) = markup.strip_prefix("![CDATA[") {
            data.split_once("]]>").map_or("", |(_, after)| after)
        } else if let Some(after) = markup.strip_prefix("/svg>") {
            let Some(outer) = depth.checked_sub(1) else {
                return false;
            };
            depth = outer;
            after
        } else if let Some(tag) = tag(here) {
            let Some((attributes, after)) = attributes(tag) else {
                return false;
            };
            depth += usize::from(!attributes.ends_with('/'));
            after
        } else {
            markup
        };
    }
    depth == 0
}

fn attribute<'a>(tag: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = value.strip_prefix(quote)?.split_once(quote)?;
        if name.trim() == wanted {
            return Some(value);
        }
        rest = after;
    }
}

fn view_box(tag: &str) -> Option<(u32, u32)> {
    let numbers = attribute(tag, "viewBox")?;
    let mut numbers =
        numbers.split(|c: char| c.is_ascii_whitespace() || c == ',').filter(|number| !number.is_empty()).skip(2);
    let size = (pixels(numbers.next()?)?, pixels(numbers.next()?)?);
    numbers.next().is_none().then_some(size)
}

/// A length in whole pixels, rounded up. Other units depend on what surrounds the picture.
fn pixels(length: &str) -> Option<u32> {
    let length = length.trim();
    let number = length.strip_suffix("px").unwrap_or(length);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let more = fraction.bytes().any(|digit| digit != b'0');
    whole.parse::<u32>().ok()?.checked_add(u32::from(more))
}
