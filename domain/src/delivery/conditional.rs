//! Conditional requests (RFC 9110 §13) against one strong entity tag.
//!
//! In scope: `If-None-Match` and `If-Range`. Not in scope: dates. A picture is named by its digest, so
//! `If-Modified-Since` could say nothing that the tag does not say better, and it is ignored.

/// The strong entity tag of the bytes with this digest.
pub fn etag_of(hex_digest: &str) -> String {
    format!("\"{hex_digest}\"")
}

/// Whether a GET or HEAD may be answered with 304: the client already holds the bytes that `etag` names.
///
/// The comparison is weak (RFC 9110 §13.1.2), because a proxy that compresses on the way weakens the
/// tag that it passes on. What cannot be read matches nothing, so the client gets the whole picture.
pub fn not_modified(if_none_match: Option<&str>, etag: &str) -> bool {
    let Some(header) = if_none_match else {
        return false;
    };
    if header.trim() == "*" {
        return true;
    }
    let wanted = opaque(etag);
    EntityTags(header).any(|tag| opaque(tag) == wanted)
}

/// Whether a `Range` header may be honoured: `If-Range` is absent, or it is exactly this strong tag.
///
/// A date never matches (RFC 9110 §13.1.5 asks for a strong validator, and no `Last-Modified` is sent),
/// and neither does a weak tag: joining parts of two files would make a broken picture.
pub fn range_allowed(if_range: Option<&str>, etag: &str) -> bool {
    if_range.is_none_or(|tag| tag.trim() == etag && etag.starts_with('"'))
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The well-formed tags of a list, with their `W/`. A tag may hold commas, so the list is walked tag by
/// tag; anything else is skipped up to the next comma.
struct EntityTags<'a>(&'a str);

impl<'a> Iterator for EntityTags<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let rest = self.0.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                return None;
            }
            let Some((tag, after)) = leading_tag(rest) else {
                self.0 = rest.split_once(',').map_or("", |(_, after)| after);
                continue;
            };
            self.0 = after;
            let next = after.trim_start_matches([' ', '\t']);
            if next.is_empty() || next.starts_with(',') {
                return Some(tag);
            }
            self.0 = next.split_once(',').map_or("", |(_, after)| after);
        }
    }
}

fn leading_tag(text: &str) -> Option<(&str, &str)> {
    let value = opaque(text).strip_prefix('"')?;
    let (_, after) = value.split_once('"')?;
    let tag = text.strip_suffix(after)?;
    Some((tag, after))
}

#[cfg(test)]
mod tests;
