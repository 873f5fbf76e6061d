//! The `Cache-Control` header of a request (RFC 9111 §5.2.1).
//!
//! In scope: the three directives that change what happens here. Not in scope: whether this client is
//! allowed to have a picture made anew; that is a question of policy.
//!
//! `max-age=0`, `max-stale`, `min-fresh` and `no-transform` are ignored on purpose. A browser sends
//! `max-age=0` for an ordinary reload, and a reload must not buy a picture: what is stored under a key
//! never gets stale, so every stored picture satisfies any age once it was revalidated here.
//! `Pragma` (RFC 9111 §5.4) is deprecated and is not looked at either.

/// What the client asked of the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// Neither read, nor store, nor share the call with others.
    pub no_store: bool,
    /// Make a new take even though one exists.
    pub no_cache: bool,
    /// Never generate: answer from what exists, or with 504.
    pub only_if_cached: bool,
}

impl RequestDirectives {
    /// Reads the header value. Several header lines may be joined with commas, in any order.
    ///
    /// A value that cannot be read means that nothing was asked. `no-store` and `no-cache` take no
    /// argument in a request, and they cost money, so a form with an argument (`no-cache="Set-Cookie"`,
    /// which belongs in a reply) does not count. `only-if-cached` can only save, so it counts either way.
    pub fn parse(header: Option<&str>) -> Self {
        let mut directives = Self::default();
        for member in Members(header.unwrap_or_default()) {
            let (name, argument) = match member.split_once('=') {
                Some((name, argument)) => (name.trim(), Some(argument)),
                None => (member, None),
            };
            if name.eq_ignore_ascii_case("only-if-cached") {
                directives.only_if_cached = true;
            } else if argument.is_some() {
                // Known or not, a directive with an argument asks for nothing that is done here.
            } else if name.eq_ignore_ascii_case("no-store") {
                directives.no_store = true;
            } else if name.eq_ignore_ascii_case("no-cache") {
                directives.no_cache = true;
            }
        }
        directives
    }
}

/// The members of a comma-separated list. Commas inside quoted strings do not separate, and a string
/// that is never closed reaches to the end.
struct Members<'a>(&'a str);

impl<'a> Iterator for Members<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let mut quoted = false;
        let mut escaped = false;
        let end = self.0.find(|c: char| {
            if escaped {
                escaped = false;
            } else {
                match c {
                    '\\' => escaped = quoted,
                    '"' => quoted = !quoted,
                    ',' => return !quoted,
                    _ => {}
                }
            }
            false
        });
        let (member, rest) = match end {
            Some(at) => self.0.split_at(at),
            None => (self.0, ""),
        };
        self.0 = rest.strip_prefix(',').unwrap_or(rest);
        Some(member.trim())
    }
}

#[cfg(test)]
mod tests;
