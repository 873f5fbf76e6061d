use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_800_000_000;
const PATH: &str = "/v1/image";

const KID: &str = "shop-00000001";

fn masters() -> Masters {
    Masters::parse(&format!("{},{}", "n".repeat(32), "m".repeat(32))).unwrap()
}

/// Made under the older of the two masters.
fn key() -> SigningKey {
    SigningKey::derived(masters().iter().last().unwrap(), KID)
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn signed() -> String {
    key().sign_query(PATH, &[pair("prompt", "red fox & hare"), pair("size", "1024x1024")], NOW + 60)
}

#[track_caller]
fn check(method: &str, path: &str, query: &str, expected: Result<(), &str>) {
    let query = Query::parse(query).unwrap();
    match (verify(&masters(), method, path, &query, NOW), expected) {
        (Ok((client, kid)), Ok(())) => assert_eq!((client.as_str(), kid), ("shop", KID)),
        (Err(error), Err(code)) => assert_eq!(error.code.as_deref(), Some(code), "{query:?}"),
        (got, _) => panic!("{got:?}: {method} {path} {query:?}"),
    }
}

/// The signature of one URL, computed apart from this code. The secret:
/// `printf 'pincel/signing-key/1\nshop-00000001' | openssl dgst -sha256 -hmac <32 m's> -binary | basenc --base64url | tr -d =`;
/// the signature, with it:
/// `printf 'GET\n/v1/image\nexp=1800000060&kid=shop-00000001&prompt=red%20fox%20%26%20hare&size=1024x1024'`, through the same.
#[test]
fn golden() {
    assert!(signed().ends_with("&sig=yFOJoAv7uCB_0rkCUkaP_TzmnCGyhfpolDVq709cXZU"), "{}", signed());
}

#[test]
fn table() {
    let good = signed();
    check("GET", PATH, &good, Ok(()));
    check("HEAD", PATH, &good, Ok(()));
    check("GET", PATH, &format!("{good}&download=1"), Ok(()));
    check("GET", PATH, &good.replace("%20", "+"), Ok(()));
    check("GET", PATH, &good.split('&').rev().collect::<Vec<_>>().join("&"), Ok(()));
    for wrong in [
        good.replace("fox", "dog"),
        good.replace("1024x1024", "1024x1536"),
        good.replace("kid=shop-00000001", "kid=shop-00000002"),
        good.replace("kid=shop-00000001", "kid=shop"),
        good.replace("kid=shop-00000001", "kid=shop-0000000A"),
        good.replace("kid=shop-00000001", "kid=other-00000001"),
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
    check("GET", PATH, &key().sign_query(PATH, &[], NOW), Err("signature_expired"));
    check("GET", PATH, &key().sign_query(PATH, &[], NOW - 1), Err("signature_expired"));
    check("GET", PATH, &key().sign_query(PATH, &[], u64::MAX), Ok(()));
}

#[test]
fn a_key_has_an_owner_and_is_never_shown() {
    let client = ClientId::parse("shop").unwrap();
    assert_eq!(kid(&client, [0, 0, 0, 1]), KID);
    assert_eq!(key().secret().len(), 43);
    assert_ne!(key().secret(), SigningKey::derived(masters().first(), KID).secret());
    assert_eq!(format!("{:?}", key()), "SigningKey(shop-00000001)");
}

proptest! {
    #[test]
    fn any_pairs_verify_and_any_change_is_refused(
        names in proptest::collection::hash_map("[a-z]{1,6}", any::<String>(), 0..5),
        extra in "[A-Z]{1,3}",
    ) {
        let pairs: Vec<_> = names.into_iter().collect();
        prop_assume!(pairs.iter().all(|(name, _)| !matches!(name.as_str(), "kid" | "exp" | "sig")));
        let query = key().sign_query(PATH, &pairs, NOW + 1);
        prop_assert!(verify(&masters(), "GET", PATH, &Query::parse(&query).unwrap(), NOW).is_ok());
        let altered = format!("{query}&{extra}=1");
        prop_assert!(verify(&masters(), "GET", PATH, &Query::parse(&altered).unwrap(), NOW).is_err());
    }
}
