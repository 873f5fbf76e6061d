//! What a running Pincel tells whoever started it: a welcome, or one line of JSON.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::Result;
use serde::Serialize;

use super::key_file::Keys;
use super::signed_url;

/// The line of JSON; scripts and the end-to-end tests read it.
#[derive(Serialize)]
pub(crate) struct Session<'a> {
    edge: String,
    /// Null where the real API is used. Without `/v1`: the control routes live beside it.
    fake_openai: Option<&'a str>,
    api_key: &'a str,
    signing_key_id: &'a str,
    signing_secret: &'a str,
    admin_token: &'a str,
    /// SIGTERM to this process ends everything.
    pid: u32,
    #[serde(skip)]
    signed_url: String,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        edge: SocketAddr,
        fake_openai: Option<&'a str>,
        keys: &'a Keys,
        admin_token: &'a str,
    ) -> Result<Self> {
        Ok(Self {
            edge: format!("http://{edge}"),
            fake_openai,
            api_key: &keys.api_key,
            signing_key_id: &keys.signing_key_id,
            signing_secret: &keys.signing_secret,
            admin_token,
            pid: std::process::id(),
            signed_url: signed_url::mint(edge, keys)?,
        })
    }

    pub(crate) fn announce(&self, json: bool) -> Result<()> {
        let text = if json { serde_json::to_string(self)? } else { self.welcome() };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}")?;
        // A pipe is not flushed by the end of a line.
        out.flush()?;
        Ok(())
    }

    fn welcome(&self) -> String {
        let Self { edge, api_key, signed_url, .. } = self;
        let pictures = self.fake_openai.map_or_else(
            || {
                "Pictures come from the REAL OpenAI API: each new one is paid with your \
                 OPENAI_API_KEY. (--fake for the stand-in.)"
                    .to_owned()
            },
            |url| format!("Pictures come from a stand-in for OpenAI ({url}): no account, no money."),
        );
        format!(
            "
Pincel is at {edge} (Ctrl-C ends it).
{pictures}

A picture by API key:
  curl -H 'Authorization: Bearer {api_key}' '{edge}/v1/image?prompt=a+red+bicycle&size=1024x1024&quality=low' -o bicycle.png -D -

A picture by signed address, as for an <img>; open it in a browser:
  {signed_url}

Keys of the client \"dev\", made once and kept beside the state; the admin token is in .dev.vars:
  API key      {api_key}
  signing key  {}:{}
  admin token  {}
",
            self.signing_key_id, self.signing_secret, self.admin_token
        )
    }
}
