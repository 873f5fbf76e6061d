//! One token that is good, and every way in which it can be damaged.

use super::*;

/// Asks a fresh isolate about a token; the issuer publishes `keys`.
#[track_caller]
fn check(config: &Value, keys: &[Value], token: &str, expected: Result<(&str, &[Scope]), JwtError>) {
    let (fake, isolate) = (Fake::new(keys), Isolate::new(config));
    let got = isolate.ask(&fake, token);
    match expected {
        Ok((client, scopes)) => {
            let expected =
                Verified { client: ClientId(client.to_owned()), scopes: scopes.to_vec(), exp_s: NOW_S + 7_200 };
            assert_eq!(got, Ok(expected), "{token}");
            assert!(isolate.tokens.borrow().recall(OWN, token, fake.now_ms()).is_some());
        }
        Err(error) => {
            assert_eq!(got, Err(Refusal::Token(error)), "{token}");
            // Nothing wrong is remembered, and the second answer is the first.
            assert_eq!(isolate.tokens.borrow().verified.len(), 0);
            assert_eq!(isolate.ask(&fake, token), Err(Refusal::Token(error)), "{token}");
            let told = ApiError::from(Refusal::Token(error));
            assert_eq!((told.status, told.code.as_deref(), told.retry_after_ms), (401, Some("invalid_token"), None));
        }
    }
}

fn keys() -> [Value; 3] {
    [key(Alg::Rs256, "r", 1), key(Alg::Es256, "e", 2), key(Alg::EdDsa, "o", 3)]
}

const GOOD: Result<(&str, &[Scope]), JwtError> = Ok(("shop", &[Scope::Read]));

#[test]
fn good_ones() {
    for token in [token(Alg::Rs256, "r", 1), token(Alg::Es256, "e", 2), token(Alg::EdDsa, "o", 3)] {
        check(&json!({}), &keys(), &token, GOOD);
    }
}

/// The algorithm is the key's, whatever the token says.
#[test]
fn algorithms() {
    let material_of = |at: usize| material(&keys()[at]);
    let by = |alg: &str, kid: &str, at: usize| {
        signed(&json!({ "alg": alg, "kid": kid }), &claims(&json!({})), &material_of(at))
    };
    for alg in ["none", "None", "NONE", "HS256", "HS384", "PS256", "RS384", "ES512", ""] {
        check(&json!({}), &keys(), &by(alg, "r", 0), Err(JwtError::Algorithm));
    }
    // The public key as if it were a shared secret.
    let n = keys()[0]["n"].as_str().unwrap().to_owned();
    let hs = signed(&json!({ "alg": "HS256", "kid": "r" }), &claims(&json!({})), &n);
    check(&json!({}), &keys(), &hs, Err(JwtError::Algorithm));
    for (alg, kid, at) in
        [("RS256", "e", 1), ("RS256", "o", 2), ("ES256", "r", 0), ("ES256", "o", 2), ("EdDSA", "e", 1)]
    {
        check(&json!({}), &keys(), &by(alg, kid, at), Err(JwtError::UnknownKey));
    }
    // By the key that has the name under which it is looked for, and by another one.
    check(&json!({}), &keys(), &by("ES256", "e", 1), GOOD);
    check(&json!({}), &keys(), &by("ES256", "e", 0), Err(JwtError::Signature));
    // What this issuer does not use is refused, though it has a key for it.
    let only = json!({ "algorithms": ["ES256"] });
    check(&only, &keys(), &token(Alg::Es256, "e", 2), GOOD);
    check(&only, &keys(), &token(Alg::Rs256, "r", 1), Err(JwtError::AlgorithmOfIssuer));
}

#[test]
fn keys_and_names() {
    check(&json!({}), &keys(), &token(Alg::Es256, "f", 2), Err(JwtError::UnknownKey));
    check(&json!({}), &keys(), &token(Alg::Es256, "", 2), GOOD);
    let two = [key(Alg::Es256, "e", 2), key(Alg::Es256, "f", 4)];
    check(&json!({}), &two, &token(Alg::Es256, "", 2), Err(JwtError::UnknownKey));
    check(&json!({}), &two, &token(Alg::Es256, "f", 4), GOOD);
    check(&json!({}), &[], &token(Alg::Es256, "e", 2), Err(JwtError::UnknownKey));
    let mut for_encryption = key(Alg::Es256, "e", 2);
    for_encryption["use"] = json!("enc");
    check(&json!({}), &[for_encryption], &token(Alg::Es256, "e", 2), Err(JwtError::UnknownKey));
}

#[test]
fn forgeries() {
    let good = token(Alg::Es256, "e", 2);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let other = encode(claims(&json!({ "sub": "admin" })).to_string());
    check(&json!({}), &keys(), &format!("{header}.{other}.{signature}"), Err(JwtError::Signature));
    let other = encode(json!({ "alg": "ES256", "kid": "e" }).to_string());
    check(&json!({}), &keys(), &format!("{other}.{payload}.{signature}"), Err(JwtError::Signature));
    check(&json!({}), &keys(), &format!("{message}.AAAA"), Err(JwtError::Signature));
    check(&json!({}), &keys(), &token(Alg::Es256, "e", 9), Err(JwtError::Signature));
    for (alg, kid, mark) in [(Alg::Rs256, "r", 1), (Alg::Es256, "e", 2), (Alg::EdDsa, "o", 3)] {
        let good = token(alg, kid, mark);
        let (message, _) = good.rsplit_once('.').unwrap();
        for length in [1, 63, 64, 65, 256] {
            let zeros = encode(vec![0; length]);
            check(&json!({}), &keys(), &format!("{message}.{zeros}"), Err(JwtError::Signature));
        }
    }
    // In a token by a wrong key nothing but the signature is told to be wrong.
    let header = json!({ "alg": "ES256", "kid": "e" });
    let expired = signed(&header, &claims(&json!({ "exp": 1, "aud": "x" })), &material(&key(Alg::Es256, "e", 9)));
    check(&json!({}), &keys(), &expired, Err(JwtError::Signature));
}

#[test]
fn shapes() {
    let good = token(Alg::Es256, "e", 2);
    let (message, signature) = good.rsplit_once('.').unwrap();
    check(&json!({}), &keys(), "", Err(JwtError::Parts));
    check(&json!({}), &keys(), message, Err(JwtError::Parts));
    check(&json!({}), &keys(), &format!("{message}."), Err(JwtError::Parts));
    check(&json!({}), &keys(), &format!("{good}.{signature}"), Err(JwtError::Parts));
    check(&json!({}), &keys(), &format!("{good}="), Err(JwtError::Encoding));
    check(&json!({}), &keys(), &format!(" {good}"), Err(JwtError::Encoding));
    check(&json!({}), &keys(), &format!("{message}.{}", "A".repeat(9 * 1024)), Err(JwtError::TooLong));
    let header = json!({ "alg": "ES256", "kid": "e" });
    let by = |claims: &Value| signed(&header, claims, &material(&keys()[1]));
    for claims in [json!([]), json!("x"), json!(null)] {
        check(&json!({}), &keys(), &by(&claims), Err(JwtError::Claims));
    }
    let with = |header: Value| signed(&header, &claims(&json!({})), &material(&keys()[1]));
    let critical = with(json!({ "alg": "ES256", "kid": "e", "crit": ["b64"], "b64": false }));
    check(&json!({}), &keys(), &critical, Err(JwtError::Critical));
    check(&json!({}), &keys(), &with(json!({ "alg": "ES256", "kid": "e", "typ": "id+jwt" })), Err(JwtError::Type));
    check(&json!({}), &keys(), &with(json!({ "alg": "ES256", "kid": "e", "typ": "at+jwt" })), GOOD);
}

#[track_caller]
fn check_claims(config: &Value, change: &Value, expected: Result<(&str, &[Scope]), JwtError>) {
    let header = json!({ "alg": "ES256", "kid": "e" });
    check(config, &keys(), &signed(&header, &claims(change), &material(&keys()[1])), expected);
}

#[test]
fn what_is_claimed() {
    let none = json!({});
    check_claims(&none, &json!({ "aud": ["x", "pincel"] }), GOOD);
    for aud in [json!("x"), json!(["x"]), json!([]), json!(null), json!(1)] {
        check_claims(&none, &json!({ "aud": aud }), Err(JwtError::Audience));
    }
    for iss in ["https://login.example", "https://evil.example/", "", OWN] {
        let error = if iss == OWN { JwtError::AlgorithmOfIssuer } else { JwtError::Issuer };
        check_claims(&none, &json!({ "iss": iss }), Err(error));
    }
    check_claims(&none, &json!({ "iss": null }), Err(JwtError::Issuer));
    check_claims(&none, &json!({ "iss": [ISSUER] }), Err(JwtError::Issuer));
    check_claims(&none, &json!({ "exp": NOW_S - 61 }), Err(JwtError::Expired));
    // The leeway is a minute, less what passes while the keys are fetched, which rounds to nothing here.
    check_claims(&none, &json!({ "exp": NOW_S - 60 }), Err(JwtError::Expired));
    check_claims(&none, &json!({ "exp": null }), Err(JwtError::NoExpiry));
    check_claims(&none, &json!({ "exp": "never" }), Err(JwtError::Time));
    check_claims(&none, &json!({ "nbf": NOW_S + 62 }), Err(JwtError::NotYet));
    check_claims(&none, &json!({ "iat": NOW_S + 62 }), Err(JwtError::NotYet));
    check_claims(&none, &json!({ "nbf": NOW_S + 30, "iat": NOW_S + 30 }), GOOD);
}

#[test]
fn whom_it_speaks_for() {
    for sub in [json!(null), json!(5), json!(["shop"]), json!("no client"), json!("")] {
        check_claims(&json!({}), &json!({ "sub": sub }), Err(JwtError::Client));
    }
    let mapped = json!({ "client_claim": "azp", "clients": { "app|1": "shop" } });
    check_claims(&mapped, &json!({ "azp": "app|1" }), GOOD);
    check_claims(&mapped, &json!({ "azp": "app|2" }), Err(JwtError::Client));
    check_claims(&mapped, &json!({ "azp": "shop" }), Err(JwtError::Client));
    check_claims(&mapped, &json!({}), Err(JwtError::Client));
}

#[test]
fn what_it_grants() {
    let none = json!({});
    check_claims(&none, &json!({ "scope": null }), Ok(("shop", &[])));
    check_claims(&none, &json!({ "scope": "openid profile" }), Ok(("shop", &[])));
    check_claims(&none, &json!({ "scope": ["images:generate", "x"] }), Ok(("shop", &[Scope::Generate])));
    check_claims(&none, &json!({ "scope": "admin:write" }), Ok(("shop", &[Scope::AdminWrite])));
    let fixed = json!({ "scopes": ["images:generate"] });
    check_claims(&fixed, &json!({ "scope": "admin:write" }), Ok(("shop", &[Scope::Generate])));
    check_claims(&json!({ "scope_claim": "scp" }), &json!({ "scp": ["images:read"], "scope": "x" }), GOOD);
}

/// What can be refused without the issuer is, so that nobody can make this service ask it.
#[test]
fn who_is_not_asked() {
    let fake = Fake::new(&keys());
    let isolate = Isolate::new(&json!({ "algorithms": ["ES256"] }));
    let header = json!({ "alg": "ES256", "kid": "e" });
    let foreign = signed(&header, &claims(&json!({ "iss": "https://evil.example/" })), "x");
    let ours = signed(&header, &claims(&json!({ "iss": OWN })), "x");
    for token in [foreign, ours, token(Alg::Rs256, "r", 1), "a.b".to_owned()] {
        isolate.ask(&fake, &token).unwrap_err();
    }
    assert_eq!((fake.fetches.borrow().len(), fake.verifications.get()), (0, 0));
}
