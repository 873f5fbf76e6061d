//! Everything that a token can get wrong, one damage at a time.

use serde_json::json;

use super::*;

const NOW_S: u64 = 1_800_000_000;

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A token of this header and these claims, with a signature of three bytes.
fn token(header: &Value, claims: &Value) -> String {
    format!("{}.{}.AAAA", encode(&header.to_string()), encode(&claims.to_string()))
}

#[track_caller]
fn check_header(header: &Value, expected: Result<(Alg, Option<&str>, bool), JwtError>) {
    let token = token(header, &json!({}));
    let got = parse(&token).map(|jwt| (jwt.header.alg, jwt.header.kid, jwt.header.is_access_token));
    assert_eq!(got, expected.map(|(alg, kid, at)| (alg, kid.map(str::to_owned), at)), "{header}");
}

#[test]
fn headers() {
    check_header(&json!({ "alg": "RS256" }), Ok((Alg::Rs256, None, false)));
    check_header(&json!({ "alg": "ES256", "kid": "", "typ": "jwt" }), Ok((Alg::Es256, Some(""), false)));
    check_header(&json!({ "alg": "EdDSA", "kid": "k", "typ": "at+JWT" }), Ok((Alg::EdDsa, Some("k"), true)));
    check_header(&json!({ "alg": "EdDSA", "typ": "Application/AT+jwt" }), Ok((Alg::EdDsa, None, true)));
    check_header(&json!({ "alg": "EdDSA", "typ": "application/jwt", "x": 1 }), Ok((Alg::EdDsa, None, false)));
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "rs256", "RS512", "PS256", "ES384", "eddsa"] {
        check_header(&json!({ "alg": alg }), Err(JwtError::Algorithm));
    }
    for header in [json!({}), json!({ "alg": null }), json!({ "alg": ["RS256"] }), json!({ "ALG": "RS256" })] {
        check_header(&header, Err(JwtError::Algorithm));
    }
    for crit in [json!([]), json!(["exp"]), json!(["b64"]), json!(null)] {
        check_header(&json!({ "alg": "RS256", "crit": crit }), Err(JwtError::Critical));
    }
    for typ in
        [json!("id+jwt"), json!("JOSE"), json!(""), json!("application/"), json!("text/jwt"), json!(1), json!(null)]
    {
        check_header(&json!({ "alg": "RS256", "typ": typ }), Err(JwtError::Type));
    }
    for kid in [json!(1), json!(null), json!(["k"])] {
        check_header(&json!({ "alg": "RS256", "kid": kid }), Err(JwtError::KeyId));
    }
}

#[track_caller]
fn check_shape(token: &str, expected: JwtError) {
    assert_eq!(parse(token), Err(expected), "{token}");
}

#[test]
fn shapes() {
    let (header, claims) = (encode("{\"alg\":\"ES256\"}"), encode("{\"iss\":\"x\"}"));
    let good = format!("{header}.{claims}.AAAA");
    let read = parse(&good).unwrap();
    assert_eq!((read.message, &read.signature[..]), (&good[..good.len() - 5], &[0, 0, 0][..]));
    assert_eq!(read.claims.text("iss"), Some("x"));

    for parts in ["", "a", "..", "...", ".a.b"] {
        check_shape(parts, JwtError::Parts);
    }
    check_shape(&format!("{header}.{claims}"), JwtError::Parts);
    check_shape(&format!("{header}.{claims}."), JwtError::Parts);
    check_shape(&format!("{header}..AAAA"), JwtError::Parts);
    check_shape(&format!(".{claims}.AAAA"), JwtError::Parts);
    check_shape(&format!("{good}.AAAA"), JwtError::Parts);
    check_shape(&format!("{good}."), JwtError::Parts);
    // Of JWE, which has five parts.
    check_shape(&format!("{good}.AAAA.AAAA"), JwtError::Parts);

    // Padding, the other alphabet, white space, bits that are left over, a length that no bytes have.
    for wrong in ["AAA=", "AA==", "A+/A", " AAA", "AAAA\n", "AB", "A", "é"] {
        check_shape(&format!("{header}.{claims}.{wrong}"), JwtError::Encoding);
        check_shape(&format!("{header}.{wrong}.AAAA"), JwtError::Encoding);
        check_shape(&format!("{wrong}.{claims}.AAAA"), JwtError::Encoding);
    }
    for wrong in ["[]", "null", "\"{}\"", "{", "{}{}", "\u{feff}{}", "{\"a\":1e400}"] {
        check_shape(&format!("{header}.{}.AAAA", encode(wrong)), JwtError::Claims);
        check_shape(&format!("{}.{claims}.AAAA", encode(wrong)), JwtError::Header);
    }
    let not_utf8 = URL_SAFE_NO_PAD.encode(b"{\"a\":\"\xff\"}");
    check_shape(&format!("{header}.{not_utf8}.AAAA"), JwtError::Claims);
    let deep = encode(&format!("{{\"a\":{}{}}}", "[".repeat(2_000), "]".repeat(2_000)));
    check_shape(&format!("{header}.{deep}.AAAA"), JwtError::Claims);

    // 8 KiB and not a byte more; what is longer is not looked at.
    let longest = format!("{header}.{claims}.{}", "A".repeat(MAX_BYTES - header.len() - claims.len() - 2));
    assert_eq!(longest.len(), MAX_BYTES);
    assert_ne!(parse(&longest), Err(JwtError::TooLong));
    check_shape(&format!("{longest}A"), JwtError::TooLong);
    check_shape(&".".repeat(9 * 1024), JwtError::TooLong);
}

/// Claims that are right but for the change; a null takes one away.
#[track_caller]
fn check_claims(change: &Value, expected: Result<u64, JwtError>) {
    let mut claims = json!({ "iss": "https://i.example/", "aud": "pincel", "exp": NOW_S + 300 });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let claims = Claims(claims.as_object().unwrap().clone());
    let expect = Expect { issuer: "https://i.example/", audience: "pincel", now_s: NOW_S };
    assert_eq!(check(&claims, &expect), expected, "{change}");
}

#[test]
fn claims() {
    check_claims(&json!({}), Ok(NOW_S + 300));
    check_claims(&json!({ "nbf": NOW_S, "iat": NOW_S, "sub": 5, "more": {} }), Ok(NOW_S + 300));

    for iss in [json!("https://i.example"), json!("https://I.example/"), json!(""), json!(null), json!(1)] {
        check_claims(&json!({ "iss": iss }), Err(JwtError::Issuer));
    }
    check_claims(&json!({ "iss": ["https://i.example/"] }), Err(JwtError::Issuer));

    check_claims(&json!({ "aud": ["other", "pincel"] }), Ok(NOW_S + 300));
    let wrong =
        [json!("Pincel"), json!("pincel "), json!(null), json!(1), json!({ "pincel": 1 }), json!([]), json!(["x", 1])];
    for aud in wrong {
        check_claims(&json!({ "aud": aud }), Err(JwtError::Audience));
    }
    check_claims(&json!({ "aud": [["pincel"]] }), Err(JwtError::Audience));

    // A minute of leeway, at either end.
    check_claims(&json!({ "exp": NOW_S - 59 }), Ok(NOW_S - 59));
    check_claims(&json!({ "exp": NOW_S - 60 }), Err(JwtError::Expired));
    check_claims(&json!({ "exp": 0 }), Err(JwtError::Expired));
    check_claims(&json!({ "exp": -1 }), Err(JwtError::Expired));
    check_claims(&json!({ "exp": -1e300 }), Err(JwtError::Expired));
    check_claims(&json!({ "exp": 1_800_000_299.9 }), Ok(NOW_S + 299));
    check_claims(&json!({ "exp": 1_799_999_940.9 }), Err(JwtError::Expired));
    check_claims(&json!({ "exp": NOW_S + 100 * 86_400 }), Ok(NOW_S + 100 * 86_400));
    check_claims(&json!({ "exp": u64::MAX }), Ok(i64::MAX.unsigned_abs()));
    check_claims(&json!({ "exp": 1e300 }), Ok(i64::MAX.unsigned_abs()));
    check_claims(&json!({ "exp": null }), Err(JwtError::NoExpiry));
    for time in [json!("1800000300"), json!(true), json!([]), json!({})] {
        check_claims(&json!({ "exp": time }), Err(JwtError::Time));
        check_claims(&json!({ "nbf": time }), Err(JwtError::Time));
        check_claims(&json!({ "iat": time }), Err(JwtError::Time));
    }
    for name in ["nbf", "iat"] {
        check_claims(&json!({ name: NOW_S + 60 }), Ok(NOW_S + 300));
        check_claims(&json!({ name: 1_800_000_060.9 }), Ok(NOW_S + 300));
        check_claims(&json!({ name: NOW_S + 61 }), Err(JwtError::NotYet));
        check_claims(&json!({ name: u64::MAX }), Err(JwtError::NotYet));
        check_claims(&json!({ name: 0 }), Ok(NOW_S + 300));
    }
}

#[track_caller]
fn check_scopes(claim: &Value, expected: &[Scope]) {
    let claims = Claims(json!({ "scope": claim }).as_object().unwrap().clone());
    assert_eq!(claims.scopes("scope"), expected, "{claims:?}");
}

#[test]
fn scopes() {
    check_scopes(&json!("images:read"), &[Scope::Read]);
    check_scopes(&json!("openid  images:read images:generate images:read"), &[Scope::Generate, Scope::Read]);
    check_scopes(&json!(["images:read", "x", 5, "admin:read"]), &[Scope::Read, Scope::AdminRead]);
    check_scopes(&json!(["images:read images:generate"]), &[]);
    for none in [json!(""), json!("IMAGES:READ"), json!("images:read,images:generate"), json!("images"), json!(null)] {
        check_scopes(&none, &[]);
    }
    check_scopes(&json!({ "images:read": true }), &[]);
    assert_eq!(Claims(Map::new()).scopes("scope"), []);
}

#[test]
fn lengths_of_signatures() {
    for (alg, length, expected) in [
        (Alg::Rs256, 256, true),
        (Alg::Rs256, 512, true),
        (Alg::Es256, 64, true),
        (Alg::Es256, 63, false),
        (Alg::Es256, 70, false),
        (Alg::EdDsa, 64, true),
        (Alg::EdDsa, 65, false),
        (Alg::EdDsa, 0, false),
    ] {
        assert_eq!(alg.may_have(length), expected, "{alg:?} {length}");
    }
}

/// Before the signature is verified there are two answers, and none of them says what would have been right.
#[test]
fn what_a_client_is_told() {
    let told = |error: JwtError| {
        let error = ApiError::from(error);
        assert_eq!((error.status, error.code.as_deref(), error.retry_after_ms), (401, Some("invalid_token"), None));
        error.message
    };
    let unreadable = told(JwtError::Parts);
    for error in [
        JwtError::TooLong,
        JwtError::Encoding,
        JwtError::Header,
        JwtError::Algorithm,
        JwtError::Critical,
        JwtError::Type,
        JwtError::KeyId,
        JwtError::Claims,
    ] {
        assert_eq!(told(error), unreadable, "{error}");
    }
    let forged = told(JwtError::Signature);
    for error in [JwtError::Issuer, JwtError::AlgorithmOfIssuer, JwtError::UnknownKey] {
        assert_eq!(told(error), forged, "{error}");
    }
    assert_ne!(unreadable, forged);
    assert!(told(JwtError::Expired).contains("expired"));
}

#[test]
fn no_claim_is_in_a_log() {
    let token = token(&json!({ "alg": "ES256" }), &json!({ "email": "someone@example.com" }));
    assert!(!format!("{:?}", parse(&token).unwrap().claims).contains("someone"));
}

#[test]
fn a_fingerprint_is_of_both() {
    let all = [("a", "b.c.d"), ("b", "b.c.d"), ("a", "b.c.e")].map(|(issuer, token)| fingerprint(issuer, token));
    assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2]);
    assert_eq!(fingerprint("a", "b.c.d"), all[0]);
    assert!(may_be("a.b.c") && may_be("a.b") && !may_be("pcl_shop_secret"));
}
