//! Tokens that this deployment makes for its clients.

use super::*;

const PERIOD_S: u64 = 30 * 86_400;

fn isolate(of: &str) -> Isolate {
    Isolate { masters: masters(of), ..Isolate::new(&json!({})) }
}

/// A token for the client `shop`.
fn minted(fake: &Fake, isolate: &Isolate) -> String {
    let scopes = [Scope::Read, Scope::Generate];
    let reply = run(mint(fake, isolate.trust(), &ClientId("shop".to_owned()), &scopes)).unwrap();
    assert_eq!((&reply["token_type"], &reply["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(reply["scope"], "images:read images:generate");
    reply["access_token"].as_str().unwrap().to_owned()
}

fn good(exp_s: u64) -> Verified {
    Verified { client: ClientId("shop".to_owned()), scopes: vec![Scope::Generate, Scope::Read], exp_s }
}

#[test]
fn a_token_is_accepted_until_it_expires() {
    let (fake, isolate) = (Fake::new(&[]), isolate("m"));
    let token = minted(&fake, &isolate);
    assert_eq!(isolate.ask(&fake, &token), Ok(good(NOW_S + 600)));
    assert_eq!(isolate.ask(&fake, &token), Ok(good(NOW_S + 600)));
    assert_eq!((fake.verifications.get(), fake.publics.get(), fake.fetches.borrow().len()), (1, 1, 0));
    fake.pass(659_999);
    assert_eq!(isolate.ask(&fake, &token), Ok(good(NOW_S + 600)));
    fake.pass(1);
    assert_eq!(isolate.ask(&fake, &token), Err(Refusal::Token(JwtError::Expired)));
    // The public half of a key is computed once.
    assert_eq!(fake.publics.get(), 1);
}

#[test]
fn across_the_border_of_two_periods() {
    let (fake, isolate) = (Fake::new(&[]), isolate("m"));
    let border_ms = (NOW_S / PERIOD_S + 1) * PERIOD_S * 1_000;
    fake.now_ms.set(border_ms - 1_000);
    let before = minted(&fake, &isolate);
    fake.now_ms.set(border_ms);
    let after = minted(&fake, &isolate);
    let kid = |token: &str| jwt::parse(token).unwrap().header.kid.unwrap();
    assert_ne!(kid(&before), kid(&after));
    // On both sides: an isolate whose clock is behind has the next key already.
    for now_ms in [border_ms - 1_000, border_ms, border_ms + 500_000] {
        fake.now_ms.set(now_ms);
        for token in [&before, &after] {
            assert!(run(isolate.verify(&fake, token)).is_ok(), "{now_ms}");
        }
    }
}

#[test]
fn an_old_master_verifies_and_a_removed_one_does_not() {
    let fake = Fake::new(&[]);
    let (before, during, after) = (isolate("a"), isolate("ba"), isolate("b"));
    let (old, new) = (minted(&fake, &before), minted(&fake, &during));
    assert!(before.ask(&fake, &old).is_ok());
    assert!(during.ask(&fake, &old).is_ok() && during.ask(&fake, &new).is_ok());
    assert!(after.ask(&fake, &new).is_ok());
    for (isolate, token) in [(&before, &new), (&after, &old)] {
        assert_eq!(isolate.ask(&fake, token), Err(Refusal::Token(JwtError::UnknownKey)));
    }
}

/// Signs by the present key whatever it is given.
fn forged(isolate: &Isolate, header: &Value, claims: &Value) -> String {
    let key = domain::access::oauth::TokenKey::current(&isolate.masters, NOW_S);
    let mut header = header.clone();
    if header.get("kid").is_none() {
        header["kid"] = json!(key.kid);
    }
    signed(&header, claims, &Jwk::ed25519("", &public_of(&key.seed)).to_json())
}

#[track_caller]
fn check(header: &Value, change: &Value, expected: Result<(), JwtError>) {
    let (fake, isolate) = (Fake::new(&[key(Alg::EdDsa, "o", 3)]), isolate("m"));
    let mut claims = claims(&json!({ "iss": OWN, "aud": OWN, "client_id": "shop" }));
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let token = forged(&isolate, header, &claims);
    assert_eq!(isolate.ask(&fake, &token).map(drop), expected.map_err(Refusal::Token), "{header} {change}");
    assert_eq!(fake.fetches.borrow().len(), 0);
}

#[test]
fn damages() {
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt" });
    check(&header, &json!({}), Ok(()));
    check(&json!({ "alg": "EdDSA", "typ": "application/at+jwt" }), &json!({}), Ok(()));
    // Only as what it is (RFC 9068 §4).
    check(&json!({ "alg": "EdDSA", "typ": "JWT" }), &json!({}), Err(JwtError::Type));
    check(&json!({ "alg": "EdDSA" }), &json!({}), Err(JwtError::Type));
    for alg in ["ES256", "RS256"] {
        check(&json!({ "alg": alg, "typ": "at+jwt" }), &json!({}), Err(JwtError::AlgorithmOfIssuer));
    }
    for alg in ["none", "HS256"] {
        check(&json!({ "alg": alg, "typ": "at+jwt" }), &json!({}), Err(JwtError::Algorithm));
    }
    // Neither without a name nor by the key of an issuer.
    for kid in ["", "o", "694-00000000"] {
        check(&json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid }), &json!({}), Err(JwtError::UnknownKey));
    }
    check(&header, &json!({ "aud": "pincel" }), Err(JwtError::Audience));
    check(&header, &json!({ "aud": ["x", OWN] }), Ok(()));
    check(&header, &json!({ "exp": NOW_S - 60 }), Err(JwtError::Expired));
    check(&header, &json!({ "iat": NOW_S + 61 }), Err(JwtError::NotYet));
    for client in [json!(null), json!("no client"), json!(5)] {
        check(&header, &json!({ "client_id": client }), Err(JwtError::Client));
    }
}

/// The keys of one issuer are nothing to another.
#[test]
fn an_issuer_cannot_speak_for_this_deployment_nor_the_other_way() {
    let (fake, isolate) = (Fake::new(&[key(Alg::EdDsa, "o", 3)]), isolate("m"));
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt" });
    let by_us_for_it = forged(&isolate, &header, &claims(&json!({})));
    assert_eq!(isolate.ask(&fake, &by_us_for_it), Err(Refusal::Token(JwtError::UnknownKey)));
    let own = claims(&json!({ "iss": OWN, "aud": OWN, "client_id": "shop" }));
    let name = domain::access::oauth::TokenKey::current(&isolate.masters, NOW_S).kid;
    let named = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": name });
    let by_it_for_us = signed(&named, &own, &material(&key(Alg::EdDsa, "o", 3)));
    assert_eq!(isolate.ask(&fake, &by_it_for_us), Err(Refusal::Token(JwtError::Signature)));
}

#[test]
fn the_published_keys_verify_what_is_signed() {
    let (fake, isolate) = (Fake::new(&[]), isolate("ba"));
    let document = run(jwks(&isolate.tokens, &fake, &isolate.masters)).unwrap();
    let keys = document["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 6);
    for key in keys {
        let names: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
    }
    let set = domain::access::jwk::JwkSet::parse(document.to_string().as_bytes()).unwrap();
    let token = minted(&fake, &isolate);
    let read = jwt::parse(&token).unwrap();
    let key = set.select(read.header.kid.as_deref(), Alg::EdDsa).unwrap();
    assert_eq!(run(fake.verify(key, Alg::EdDsa, read.message, &read.signature)), Ok(true));
    // And again without computing them again.
    assert_eq!(run(jwks(&isolate.tokens, &fake, &isolate.masters)).unwrap(), document);
    assert_eq!(fake.publics.get(), 6);
}

#[test]
fn the_platform_fails() {
    let (fake, isolate) = (Fake::new(&[]), isolate("m"));
    let token = minted(&fake, &isolate);
    fake.broken.set(true);
    let refusal = isolate.ask(&fake, &token).map_err(ApiError::from).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_deref()), (503, Some("tokens_unavailable")));
    assert_eq!(run(jwks(&isolate.tokens, &fake, &isolate.masters)).unwrap_err().status, 503);
    let refusal = run(mint(&fake, isolate.trust(), &ClientId("shop".to_owned()), &[])).unwrap_err();
    assert_eq!((refusal.status, refusal.error), (503, "temporarily_unavailable"));
    fake.broken.set(false);
    assert!(isolate.ask(&fake, &token).is_ok());
}
