//! How long a reply may be kept: the value of `Cache-Control` in replies (RFC 9111 §5.2.2).
//!
//! In scope: the lives of pictures. Not in scope: `Age`. It must count from the moment when the picture
//! was last looked up here, not from when it was made: a browser subtracts it from `max-age`, so the age
//! of the picture itself would use up every browser life.
//!
//! Only a picture that was verified gets a life. Errors, placeholders and whatever else is not the
//! picture that was asked for are sent with [`NO_STORE`], or a passing failure would stay on a page.
//!
//! The life in browsers is short because nothing can reach into a browser: a purged picture is shown
//! there until its life ends, so this is the figure that a purge has to state. It costs little, as a
//! picture that outlived it is revalidated by its digest and answered with an empty 304. The edge can be
//! purged, so the life there is long.

/// For every reply that is not a verified picture.
pub const NO_STORE: &str = "no-store";

/// The lives that one deployment gives its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    pub browser_s: u32,
    pub edge_s: u32,
}

/// Who else may be shown the same reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// The address alone opens the picture, as a signed one does: shared caches may keep it.
    Public,
    /// The request carried credentials. A shared cache that kept the reply would hand it to requests
    /// that carry none (RFC 9111 §3.5).
    Private,
}

impl Lifetimes {
    /// The value of `Cache-Control` for a verified picture.
    pub fn cache_control(&self, shared: Sharing) -> String {
        let Self { browser_s, edge_s } = self;
        match shared {
            Sharing::Public => format!("public, max-age={browser_s}, s-maxage={edge_s}"),
            Sharing::Private => format!("private, max-age={browser_s}"),
        }
    }

    /// Seconds until a picture of this age is stale at the edge, negative once it is
    /// (`ttl` of RFC 9211 §2.4).
    pub fn ttl_left(&self, age_s: u64) -> i64 {
        i64::from(self.edge_s).saturating_sub_unsigned(age_s)
    }
}

#[cfg(test)]
mod tests;
