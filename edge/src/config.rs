//! `Env` → typed settings. It fails closed: a secret that is missing or a value that cannot be read is an error that names it,
//! and never a default that opens a door.

use std::cell::RefCell;
use std::rc::Rc;

use domain::access::api_key::Token;
use domain::access::issuer::Issuers;
use domain::access::policy::{Defaults, is_name};
use domain::access::{Masters, UnknownHold};
use domain::delivery::Lifetimes;
use domain::picture::model;
use engine::authenticate::Credentials;
use engine::catalog::Reach;
use engine::settings::Settings;

/// Everything that a deployment sets.
#[derive(Debug)]
pub struct Config {
    pub settings: Settings,
    pub credentials: Credentials,
    /// What a new client gets where its policy leaves it out.
    pub defaults: Defaults,
    /// The issuer of this deployment's tokens; without one, the address under which it is reached.
    pub issuer: Option<String>,
    pub provider: ProviderConfig,
    /// The zone whose caches are told of purges.
    pub cdn: Option<CdnConfig>,
}

pub struct CdnConfig {
    pub api: String,
    pub zone: String,
    pub token: String,
}

impl std::fmt::Debug for CdnConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CdnConfig({})", self.zone)
    }
}

pub struct ProviderConfig {
    pub base_url: String,
    pub api_key: String,
}

impl std::fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProviderConfig({})", self.base_url)
    }
}

/// What is wrong with the configuration: names and rules, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join(" "))]
pub struct ConfigError(pub Vec<String>);

thread_local! {
    /// A deployment's settings never change within an isolate's life.
    static CONFIG: RefCell<Option<Result<Rc<Config>, ConfigError>>> = const { RefCell::new(None) };
}

/// The configuration of this isolate, read once.
pub fn of(env: &worker::Env) -> Result<Rc<Config>, ConfigError> {
    CONFIG.with_borrow_mut(|config| {
        config
            .get_or_insert_with(|| Config::read(|name| env.var(name).ok().map(|var| var.to_string())).map(Rc::new))
            .clone()
    })
}

/// The configuration, if this isolate has read it and it can be used.
pub fn known() -> Option<Rc<Config>> {
    CONFIG.with_borrow(|config| config.clone()?.ok())
}

impl Config {
    /// How far its pictures travel.
    pub fn reach(&self) -> Reach {
        let Lifetimes { browser_s, edge_s } = self.settings.lifetimes;
        Reach { browser_s, edge_s, cdn: self.cdn.is_some() }
    }

    /// Reads every setting before it complains, so that an operator mends them all at once.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { get, wrong: Vec::new() };
        let base_url = reader.or("OPENAI_BASE_URL", "https://api.openai.com/v1", address, "an http or https address");
        let openai_key =
            reader.needed("OPENAI_API_KEY", |text| (!text.is_empty()).then(|| text.to_owned()), "the provider's key");
        let masters = reader.needed(
            "PINCEL_SECRET",
            Masters::parse,
            "at least 32 printable characters without spaces; an older one may follow after a comma",
        );
        let admin_token = reader.needed("PINCEL_ADMIN_TOKEN", Token::parse, "at least 32 characters");
        let default_model = reader.or("DEFAULT_MODEL", "gpt-image-2.6-flare", known_model, "a model of the Images API");
        let namespace = reader.or("NAMESPACE", "default", name, "1 to 64 letters, digits, '-' or '_'");
        let unknown_hold = reader.or("UNKNOWN_HOLD_SECONDS", "600", hold, "a number of seconds, or 'operator'");
        let issuers = reader.issuers();
        let issuer = reader.or(
            "ISSUER",
            "",
            |text| if text.is_empty() { Some(None) } else { address(text).map(Some) },
            "an https address, or nothing",
        );
        let cdn = reader.cdn();
        let timeout_s =
            reader.or("GENERATION_TIMEOUT_SECONDS", "600", |text| seconds(text, 1..=840), "1 to 840 seconds");
        let browser_s =
            reader.or("BROWSER_MAX_AGE_SECONDS", "300", |text| seconds(text, 0..=86_400), "0 to 86400 seconds");
        let edge_s = reader.or(
            "EDGE_MAX_AGE_SECONDS",
            "2592000",
            |text| seconds(text, 60..=31_536_000),
            "60 to 31536000 seconds",
        );
        let url_life_s =
            reader.or("URL_LIFE_SECONDS", "3600", |text| seconds(text, 60..=31_536_000), "60 to 31536000 seconds");
        let read = (|| {
            Some(Self {
                settings: Settings {
                    default_model: default_model?,
                    generation_timeout_ms: u64::from(timeout_s?) * 1_000,
                    lifetimes: Lifetimes { browser_s: browser_s?, edge_s: edge_s? },
                    url_life_s: u64::from(url_life_s?),
                    zone: cdn.as_ref().ok()?.is_some(),
                    runtime: Rc::default(),
                },
                credentials: Credentials { masters: masters?, admin_token: admin_token?, issuers: issuers? },
                defaults: Defaults { namespace: namespace?, unknown_hold: unknown_hold? },
                issuer: issuer?,
                provider: ProviderConfig { base_url: base_url?, api_key: openai_key? },
                cdn: cdn.ok()?,
            })
        })();
        read.filter(|_| reader.wrong.is_empty()).ok_or(ConfigError(reader.wrong))
    }
}

/// What is wrong with it is on the list.
struct Unread;

struct Reader<G> {
    get: G,
    wrong: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn needed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        if let Some(text) = (self.get)(name) {
            return self.parsed(name, &text, parse, expected);
        }
        self.wrong.push(format!("The secret {name} is missing: {expected}."));
        None
    }

    /// A zone without a token would look as if purges reached it, and a token without a zone opens nothing.
    fn cdn(&mut self) -> Result<Option<CdnConfig>, Unread> {
        let api = self.or("CLOUDFLARE_API_URL", "https://api.cloudflare.com/client/v4", address, "an https address");
        let set = |name: &str| (self.get)(name).filter(|text| !text.is_empty());
        let missing = match (set("CDN_ZONE"), set("CDN_PURGE_TOKEN")) {
            (None, None) => return api.map(|_| None).ok_or(Unread),
            (Some(zone), Some(token)) => {
                let zone = self.parsed("CDN_ZONE", &zone, zone_id, "the id of a zone, 32 hexadecimal digits");
                let token = self.parsed("CDN_PURGE_TOKEN", &token, header_value, "an API token");
                let read = || Some(CdnConfig { api: api?, zone: zone?, token: token? });
                return read().map(Some).ok_or(Unread);
            }
            (Some(_), None) => "CDN_ZONE is set, and the secret CDN_PURGE_TOKEN is missing.",
            (None, Some(_)) => "CDN_PURGE_TOKEN is set, and CDN_ZONE is missing.",
        };
        self.wrong.push(missing.to_owned());
        Err(Unread)
    }

    fn issuers(&mut self) -> Option<Issuers> {
        let text = (self.get)("PINCEL_ISSUERS").filter(|text| !text.is_empty());
        match text.map_or_else(|| Ok(Issuers::default()), |text| Issuers::parse(&text)) {
            Ok(issuers) => Some(issuers),
            Err(wrong) => {
                self.wrong.push(format!("PINCEL_ISSUERS cannot be read: {wrong}"));
                None
            }
        }
    }

    fn or<T>(&mut self, name: &str, otherwise: &str, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        let text = (self.get)(name).unwrap_or_else(|| otherwise.to_owned());
        self.parsed(name, &text, parse, expected)
    }

    fn parsed<T>(&mut self, name: &str, text: &str, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        let value = parse(text);
        if value.is_none() {
            self.wrong.push(format!("{name} cannot be read: it must be {expected}."));
        }
        value
    }
}

fn address(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let plain =
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@'));
    plain.then(|| text.trim_end_matches('/').to_owned())
}

fn zone_id(text: &str) -> Option<String> {
    (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
}

fn header_value(text: &str) -> Option<String> {
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| text.to_owned())
}

fn known_model(text: &str) -> Option<String> {
    model::find(text).map(|model| model.name.to_owned())
}

fn name(text: &str) -> Option<String> {
    is_name(text).then(|| text.to_owned())
}

fn hold(text: &str) -> Option<UnknownHold> {
    match text {
        "operator" => Some(UnknownHold::Operator),
        text => seconds(text, 0..=31_536_000).map(|seconds| UnknownHold::Ms(u64::from(seconds) * 1_000)),
    }
}

fn seconds(text: &str, allowed: std::ops::RangeInclusive<u32>) -> Option<u32> {
    text.parse().ok().filter(|seconds| allowed.contains(seconds))
}

#[cfg(test)]
mod tests;
