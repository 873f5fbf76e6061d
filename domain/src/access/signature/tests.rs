use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_800_000_000;
const PATH: &str = "/v1/image";

fn key(kid: &str) -> SigningKey {
    SigningKey::parse(&format!("{kid}:{}", kid.repeat(40))).unwrap()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn signed() -> String {
    key("a").sign_query(PATH, &[pair("prompt", "red fox & hare"), pair("size", "1024x1024")], NOW + 60)
}

#[track_caller]
fn check(method: &str, path: &str, query: &str, expected: Result<&str, &str>) {
    let keys = [key("b"), key("a")];
    let query = Query::parse(query).unwrap();
    let got = verify(&keys, method, path, &query, NOW).map(|key| key.kid.clone());
    match expected {
        Ok(kid) => assert_eq!(got.as_deref(), Ok(kid)),
        Err(code) => assert_eq!(got.unwrap_err().code.as_deref(), Some(code)),
    }
}

/// The signature of one URL, computed apart from this code:
/// `printf 'GET\n/v1/image\nexp=1800000060&kid=a&prompt=red%20fox%20%26%20hare&size=1024x1024' | openssl dgst -sha256 -hmac <40 a's> -binary | basenc --base64url`.
#[test]
fn golden() {
    assert!(signed().ends_with("&sig=i2X7AisL2Gm--jVW_fmiT0ZoccyxzQYrn4ylO4YU49s"), "{}", signed());
}

#[test]
fn table() {
    let good = signed();
    check("GET", PATH, &good, Ok("a"));
    check("HEAD", PATH, &good, Ok("a"));
    check("GET", PATH, &format!("{good}&download=1"), Ok("a"));
    check("GET", PATH, &good.replace("%20", "+"), Ok("a"));
    check("GET", PATH, &good.split('&').rev().collect::<Vec<_>>().join("&"), Ok("a"));
    for wrong in [
        good.replace("fox", "dog"),
        good.replace("1024x1024", "1024x1536"),
        good.replace("kid=a", "kid=b"),
        good.replace("kid=a", "kid=c"),
        good.replace(&format!("exp={}", NOW + 60), &format!("exp={}", NOW + 61)),
        good.replace("sig=", "sig=A"),
        good.replace("sig=", "sig=%20"),
        format!("{good}&take=1"),
        format!("{good}&n="),
        good[..good.len() - 1].to_owned(),
        good.split("&sig").next().unwrap().to_owned(),
        String::new(),
    ] {
        check("GET", PATH, &wrong, Err("invalid_signature"));
    }
    check("POST", PATH, &good, Err("invalid_signature"));
    check("GET", "/v1/images", &good, Err("invalid_signature"));
    check("GET", PATH, &key("a").sign_query(PATH, &[], NOW), Err("signature_expired"));
    check("GET", PATH, &key("a").sign_query(PATH, &[], NOW - 1), Err("signature_expired"));
    check("GET", PATH, &key("a").sign_query(PATH, &[], u64::MAX), Ok("a"));
}

#[test]
fn keys_are_read_strictly_and_never_shown() {
    for wrong in [
        "",
        "a",
        "a:",
        ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "a:short",
        "a b:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        assert!(SigningKey::parse(wrong).is_none(), "{wrong}");
    }
    assert_eq!(format!("{:?}", key("a")), "SigningKey(a)");
}

proptest! {
    #[test]
    fn any_pairs_verify_and_any_change_is_refused(
        names in proptest::collection::hash_map("[a-z]{1,6}", any::<String>(), 0..5),
        extra in "[A-Z]{1,3}",
    ) {
        let pairs: Vec<_> = names.into_iter().collect();
        prop_assume!(pairs.iter().all(|(name, _)| !matches!(name.as_str(), "kid" | "exp" | "sig")));
        let query = key("a").sign_query(PATH, &pairs, NOW + 1);
        let keys = [key("a")];
        prop_assert!(verify(&keys, "GET", PATH, &Query::parse(&query).unwrap(), NOW).is_ok());
        let altered = format!("{query}&{extra}=1");
        prop_assert!(verify(&keys, "GET", PATH, &Query::parse(&altered).unwrap(), NOW).is_err());
    }
}
