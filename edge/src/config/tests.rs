use std::collections::BTreeMap;

use super::*;

fn good() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("OPENAI_API_KEY", "sk-test".to_owned()),
        ("PINCEL_SECRET", format!("{},{}", "n".repeat(43), "o".repeat(43))),
        ("PINCEL_ADMIN_TOKEN", "t".repeat(43)),
    ])
}

fn read(vars: &BTreeMap<&'static str, String>) -> Result<Config, ConfigError> {
    Config::read(|name| vars.get(name).cloned())
}

#[test]
fn three_secrets_are_enough() {
    let config = read(&good()).unwrap();
    assert_eq!(config.provider.base_url, "https://api.openai.com/v1");
    assert_eq!(config.defaults.unknown_hold, UnknownHold::Ms(600_000));
    assert_eq!(config.credentials.masters.iter().count(), 2);
    assert_eq!(config.settings.lifetimes, Lifetimes { browser_s: 300, edge_s: 2_592_000 });
}

/// What a stranger deploys.
#[test]
fn the_committed_settings_are_read() {
    let file: toml::Table = include_str!("../../../wrangler.toml").parse().unwrap();
    let mut vars = good();
    let read_names = RefCell::new(Vec::new());
    for (name, value) in file["vars"].as_table().unwrap() {
        vars.insert(name.clone().leak(), value.as_str().unwrap().to_owned());
    }
    let config = Config::read(|name| {
        read_names.borrow_mut().push(name.to_owned());
        vars.get(name).cloned()
    });
    config.unwrap();
    for name in file["vars"].as_table().unwrap().keys() {
        assert!(read_names.borrow().contains(name), "{name} is set in wrangler.toml and read by nobody");
    }
}

#[test]
fn what_cannot_be_read_is_named_and_its_value_is_not_shown() {
    for name in ["OPENAI_API_KEY", "PINCEL_SECRET", "PINCEL_ADMIN_TOKEN"] {
        let mut vars = good();
        vars.remove(name);
        assert!(read(&vars).unwrap_err().to_string().contains(name), "{name}");
    }
    for (name, value) in [
        ("OPENAI_API_KEY", ""),
        ("OPENAI_BASE_URL", "api.openai.com"),
        ("OPENAI_BASE_URL", "https://user@host/v1"),
        ("PINCEL_SECRET", "hunter2"),
        ("PINCEL_SECRET", ""),
        ("PINCEL_ISSUERS", "hunter2"),
        ("PINCEL_ISSUERS", "[{}]"),
        ("ISSUER", "login"),
        ("CDN_ZONE", "hunter2"),
        ("CDN_PURGE_TOKEN", "hunter2"),
        ("CLOUDFLARE_API_URL", "hunter2"),
        ("PINCEL_ADMIN_TOKEN", "hunter2"),
        ("DEFAULT_MODEL", "dall-e-3"),
        ("NAMESPACE", ""),
        ("NAMESPACE", "a b"),
        ("UNKNOWN_HOLD_SECONDS", "never"),
        ("UNKNOWN_HOLD_SECONDS", "-1"),
        ("GENERATION_TIMEOUT_SECONDS", "0"),
        ("GENERATION_TIMEOUT_SECONDS", "3600"),
        ("BROWSER_MAX_AGE_SECONDS", "1e3"),
        ("EDGE_MAX_AGE_SECONDS", "0"),
        ("URL_LIFE_SECONDS", ""),
    ] {
        let mut vars = good();
        vars.insert(name, value.to_owned());
        let error = read(&vars).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(name), "{name}={value}: {error}");
        assert!(value.len() < 4 || !error.contains(value), "{error}");
    }
    let error = Config::read(|_| None).map(|_| ()).unwrap_err();
    assert_eq!(error.0.len(), 3);
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", read(&good()).unwrap());
    for secret in ["sk-test", &"k".repeat(43), &"n".repeat(43), &"t".repeat(43)] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_zone_and_its_token_come_together() {
    let zone = "0123456789abcdef0123456789abcdef".to_owned();
    let with = |more: &[(&'static str, &str)]| {
        let mut vars = good();
        vars.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        read(&vars)
    };
    let both = with(&[("CDN_ZONE", &zone), ("CDN_PURGE_TOKEN", "a-token")]).unwrap();
    assert_eq!(both.cdn.as_ref().map(|cdn| cdn.api.as_str()), Some("https://api.cloudflare.com/client/v4"));
    assert!(both.settings.zone && both.reach().cdn);
    assert!(!format!("{both:?}").contains("a-token"));
    let neither = with(&[("CDN_ZONE", ""), ("CDN_PURGE_TOKEN", "")]).unwrap();
    assert!(neither.cdn.is_none() && !neither.settings.zone && !neither.reach().cdn);
    for (one, missing) in
        [(("CDN_ZONE", zone.as_str()), "CDN_PURGE_TOKEN"), (("CDN_PURGE_TOKEN", "a-token"), "CDN_ZONE")]
    {
        assert!(with(&[one]).unwrap_err().to_string().contains(&format!("{missing} is missing")), "{missing}");
    }
}
