//! The token endpoint as tables: what is sent, what comes of it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;
use crate::access::Masters;
use crate::access::jwt::{self, Alg, Expect};

const FORM: &str = "application/x-www-form-urlencoded";
const NOW_S: u64 = 1_800_000_000;

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

/// The client, the secret and the scopes that are read, or the error.
#[track_caller]
fn check(authorization: Option<&str>, body: &str, expected: Result<(&str, &str, Option<&[&str]>), &str>) {
    let got = TokenRequest::parse(authorization, Some(FORM), body.as_bytes());
    match (&got, expected) {
        (Ok(got), Ok((id, secret, scopes))) => {
            assert_eq!((got.client_id.as_str(), got.client_secret.as_str()), (id, secret), "{body}");
            assert_eq!(got.scopes, scopes.map(|all| all.iter().map(|one| (*one).to_owned()).collect()), "{body}");
        }
        (Err(error), Err(expected)) => assert_eq!(error.error, expected, "{authorization:?} {body}"),
        _ => panic!("{got:?} to {authorization:?} {body}"),
    }
}

#[test]
fn by_the_form() {
    let good = "grant_type=client_credentials&client_id=shop&client_secret=pcl_x";
    check(None, good, Ok(("shop", "pcl_x", None)));
    check(None, &format!("{good}&scope=&audience=x&audience2"), Ok(("shop", "pcl_x", None)));
    check(None, &format!("{good}&scope=a+b%20c"), Ok(("shop", "pcl_x", Some(&["a", "b", "c"]))));
    check(None, "&client_secret=%70cl_x&grant_type=client%5fcredentials&client_id=sh%6fp", Ok(("shop", "pcl_x", None)));

    check(None, "grant_type=client_credentials&client_id=shop", Err("invalid_client"));
    check(None, "grant_type=client_credentials&client_id=shop&client_secret=", Err("invalid_client"));
    check(None, "grant_type=client_credentials&client_secret=pcl_x", Err("invalid_client"));
    check(None, "grant_type=client_credentials", Err("invalid_client"));
    check(None, "", Err("invalid_client"));
    check(None, &format!("{good}&client_assertion=x"), Err("invalid_request"));

    check(None, "client_id=shop&client_secret=pcl_x", Err("invalid_request"));
    check(None, "grant_type=&client_id=shop&client_secret=pcl_x", Err("invalid_request"));
    for grant in ["password", "authorization_code", "refresh_token", "Client_Credentials", "client_credentials+"] {
        let body = format!("grant_type={grant}&client_id=shop&client_secret=pcl_x");
        check(None, &body, Err("unsupported_grant_type"));
    }
    // RFC 6749 §3.2: not even twice the same, nor one that nobody knows.
    for more in ["grant_type=client_credentials", "client_id=shop", "scope=a&scope=a", "scope=&scope=a", "x=1&x=2"] {
        check(None, &format!("{good}&{more}"), Err("invalid_request"));
    }
    for broken in ["%", "x=%zz", "x=%ff", "scope=%c3%28"] {
        check(None, &format!("{good}&{broken}"), Err("invalid_request"));
    }
}

#[test]
fn by_the_header() {
    let grant = "grant_type=client_credentials";
    check(Some(&basic("shop:pcl_x")), grant, Ok(("shop", "pcl_x", None)));
    check(Some(&basic("shop:pcl_x").replace("Basic ", "bASIC  ")), grant, Ok(("shop", "pcl_x", None)));
    // Encoded as in a form before base64 (RFC 6749 §2.3.1).
    check(Some(&basic("sh%6Fp:a%3Ab+c%2B")), grant, Ok(("shop", "a:b c+", None)));
    check(Some(&basic("shop:a:b")), grant, Ok(("shop", "a:b", None)));
    check(Some(&basic("shop:pcl_x")), &format!("{grant}&client_id=shop&scope=a"), Ok(("shop", "pcl_x", Some(&["a"]))));

    for wrong in [
        "",
        "Basic",
        "Basic ",
        "Basic !",
        "Bearer pcl_x",
        "Basic c2hvcDpwY2xfeA",
        &basic("shop"),
        &basic("shop:"),
        &basic(":pcl_x"),
        &basic("shop:%"),
        &basic("shop:%ff"),
        &basic("shop:a&value=b"),
        &basic("shop:a=b"),
        &format!("Basic {}", STANDARD.encode(b"shop:\xff")),
    ] {
        check(Some(wrong), grant, Err("invalid_client"));
    }
    // Two ways at once, even if they agree.
    for second in ["client_id=shop&client_secret=pcl_x", "client_secret=pcl_x", "client_id=other", "client_assertion=x"]
    {
        check(Some(&basic("shop:pcl_x")), &format!("{grant}&{second}"), Err("invalid_request"));
    }
    check(Some(&basic("shop:pcl_x")), "", Err("invalid_request"));
    check(Some(&basic("shop:pcl_x")), "grant_type=password", Err("unsupported_grant_type"));
}

#[test]
fn media_types() {
    let body = b"grant_type=client_credentials&client_id=shop&client_secret=pcl_x";
    for kind in [FORM, "Application/X-WWW-Form-Urlencoded", "application/x-www-form-urlencoded ; charset=utf-8"] {
        assert!(TokenRequest::parse(None, Some(kind), body).is_ok(), "{kind}");
    }
    for kind in [None, Some(""), Some("application/json"), Some("multipart/form-data"), Some("application/x-www-form")]
    {
        assert_eq!(TokenRequest::parse(None, kind, body).unwrap_err().error, "invalid_request", "{kind:?}");
    }
    assert_eq!(TokenRequest::parse(None, Some(FORM), b"a=\xff").unwrap_err().error, "invalid_request");
}

#[test]
fn refusals_are_as_the_rfc_has_them() {
    for (error, status) in [
        (OauthError::invalid_request("Say it."), 400),
        (OauthError::invalid_client(), 401),
        (OauthError::unsupported_grant_type(), 400),
        (OauthError::invalid_scope(), 400),
        (OauthError::unavailable(), 503),
    ] {
        assert_eq!((error.status, error.challenge), (status, status == 401), "{error}");
        let body: Value = serde_json::from_str(&error.body()).unwrap();
        assert_eq!(body, json!({ "error": error.error, "error_description": error.description }));
    }
    // What a description may consist of (RFC 6749 §5.2), of those that are written here.
    let grant = |more: &str| format!("grant_type=client_credentials{more}");
    for (authorization, body) in [
        (None, grant("&x=1&x=2")),
        (None, grant("&x=%")),
        (None, grant("")),
        (None, "client_id=a&client_secret=b".to_owned()),
        (None, "grant_type=x&client_id=a&client_secret=b".to_owned()),
        (Some(basic("a:b")), grant("&client_secret=b")),
        (Some(basic("a:b")), grant("&client_id=b")),
    ] {
        let error = TokenRequest::parse(authorization.as_deref(), Some(FORM), body.as_bytes()).unwrap_err();
        let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(error.description.bytes().all(allowed), "{error}");
    }
}

#[test]
fn a_secret_is_not_shown() {
    let request =
        TokenRequest::parse(Some(&basic("shop:hidden")), Some(FORM), b"grant_type=client_credentials").unwrap();
    assert!(!format!("{request:?}").contains("hidden"));
    let key = TokenKey::current(&Masters::parse(&"m".repeat(32)).unwrap(), NOW_S);
    assert_eq!(format!("{key:?}"), format!("TokenKey({})", key.kid));
}

#[track_caller]
fn check_granted(requested: Option<&[&str]>, allowed: &[Scope], expected: Option<&[Scope]>) {
    let requested: Option<Vec<String>> = requested.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    let got = granted(requested.as_deref(), allowed);
    match expected {
        Some(scopes) => assert_eq!(got.unwrap(), scopes, "{requested:?}"),
        None => assert_eq!(got.unwrap_err(), OauthError::invalid_scope(), "{requested:?}"),
    }
}

#[test]
fn scopes() {
    let both = [Scope::Generate, Scope::Read];
    check_granted(None, &both, Some(&both));
    check_granted(None, &[], Some(&[]));
    check_granted(Some(&["images:read"]), &both, Some(&[Scope::Read]));
    check_granted(
        Some(&["images:read", "images:generate", "images:read"]),
        &both,
        Some(&[Scope::Read, Scope::Generate]),
    );
    check_granted(Some(&["images:generate"]), &[Scope::Read], None);
    check_granted(Some(&["images:read", "admin:read"]), &both, None);
    for name in ["", "images:*", "IMAGES:READ", "openid"] {
        check_granted(Some(&["images:read", name]), &both, None);
    }
}

#[test]
fn a_token_reads_as_what_it_says() {
    let client = ClientId("shop".to_owned());
    let grant = Grant {
        issuer: "https://p.example",
        client: &client,
        scopes: &[Scope::Read, Scope::Generate],
        now_s: NOW_S,
        random: [0xab; 16],
    };
    let input = grant.signing_input("k1");
    let token = token(&input, &[9; 64]);
    let read = jwt::parse(&token).unwrap();
    assert_eq!((read.message, read.signature.as_slice()), (input.as_str(), &[9; 64][..]));
    assert_eq!(
        (read.header.alg, read.header.kid.as_deref(), read.header.is_access_token),
        (Alg::EdDsa, Some("k1"), true)
    );
    let expect = Expect { issuer: "https://p.example", audience: "https://p.example", now_s: NOW_S };
    assert_eq!(jwt::check(&read.claims, &expect), Ok(NOW_S + 600));
    let (_, claims) = input.split_once('.').unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(
        claims,
        json!({
            "iss": "https://p.example", "aud": "https://p.example", "sub": "shop", "client_id": "shop", "iat": NOW_S,
            "exp": NOW_S + 600, "jti": "ab".repeat(16), "scope": "images:read images:generate",
        })
    );
    assert_eq!(
        token_reply("t", 600, grant.scopes),
        json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 600, "scope": "images:read images:generate" })
    );
}

#[test]
fn addresses_of_the_metadata() {
    for issuer in ["https://p.example", "https://p.example/"] {
        let metadata = metadata(issuer);
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["token_endpoint"], "https://p.example/oauth/token");
        assert_eq!(metadata["jwks_uri"], "https://p.example/.well-known/jwks.json");
    }
}

const PERIOD_S: u64 = 30 * 86_400;

/// Made by `openssl dgst -sha256 -hmac`, so that no change of the code can invalidate the tokens of a deployment unnoticed.
#[test]
fn golden_key() {
    let masters = Masters::parse(&"m".repeat(32)).unwrap();
    let key = TokenKey::current(&masters, NOW_S);
    assert_eq!(key.kid, "694-662e8182");
    assert_eq!(hex::encode(&key.seed), "a5ac40e0cfe4246b33bacfa61891a6beeebbeb1a0d32f2e1f9a121251716b90b");
}

#[test]
fn keys_rotate_by_themselves() {
    let masters = Masters::parse(&"m".repeat(32)).unwrap();
    let border = 694 * PERIOD_S;
    let (old, new) = (TokenKey::current(&masters, border - 1), TokenKey::current(&masters, border));
    assert!(old.kid.starts_with("693-") && new.kid.starts_with("694-") && old.seed != new.seed, "{old:?} {new:?}");
    // Found one period before and after its own, and published as long.
    for (now_s, found) in [
        (border - PERIOD_S - 1, false),
        (border - PERIOD_S, true),
        (border, true),
        (border + 2 * PERIOD_S - 1, true),
        (border + 2 * PERIOD_S, false),
    ] {
        assert_eq!(TokenKey::find(&masters, &new.kid, now_s), found.then(|| new.clone()), "{now_s}");
        assert_eq!(TokenKey::published(&masters, now_s).contains(&new), found, "{now_s}");
    }
    assert_eq!(TokenKey::find(&masters, "694-00000000", border), None);
    assert_eq!(TokenKey::find(&masters, &new.kid.to_uppercase(), border), None);
}

#[test]
fn every_master_verifies_and_the_first_one_signs() {
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    let (before, after) = (Masters::parse(&a).unwrap(), Masters::parse(&format!("{b},{a}")).unwrap());
    let old = TokenKey::current(&before, NOW_S);
    assert_eq!(TokenKey::find(&after, &old.kid, NOW_S), Some(old.clone()));
    assert_ne!(TokenKey::current(&after, NOW_S), old);
    let published = TokenKey::published(&after, NOW_S);
    let kids: std::collections::BTreeSet<&str> = published.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!((published.len(), kids.len()), (6, 6));
    assert_eq!(TokenKey::find(&Masters::parse(&b).unwrap(), &old.kid, NOW_S), None);
}
