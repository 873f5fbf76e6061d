//! Which keys are used, and for what.

use super::*;

/// A number of this many bits, its lowest bit set.
fn modulus_of(bits: usize) -> String {
    let mut bytes = vec![0xa5; bits.div_ceil(8)];
    bytes[0] = 1 << ((bits - 1) % 8);
    *bytes.last_mut().unwrap() |= 1;
    URL_SAFE_NO_PAD.encode(bytes)
}

fn text_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa() -> Value {
    json!({ "kty": "RSA", "kid": "r", "n": modulus_of(2048), "e": "AQAB" })
}

fn ec() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "kid": "e", "x": text_of(&[1; 32]), "y": text_of(&[2; 32]) })
}

fn okp() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": "o", "x": text_of(&[3; 32]) })
}

/// The key with some members changed; a null takes one away.
fn with(key: Value, change: &Value) -> Value {
    let mut key = key;
    let members = key.as_object_mut().unwrap();
    members.extend(change.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    key
}

fn set(keys: &[Value]) -> JwkSet {
    JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// The algorithms for which a set of this key alone has one.
#[track_caller]
fn check(key: &Value, expected: Option<Alg>) {
    let set = set(std::slice::from_ref(key));
    let found: Vec<Alg> = Alg::ALL.into_iter().filter(|alg| set.select(None, *alg).is_some()).collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{key}");
}

#[test]
fn a_key_is_of_one_algorithm() {
    check(&rsa(), Some(Alg::Rs256));
    check(&ec(), Some(Alg::Es256));
    check(&okp(), Some(Alg::EdDsa));
    for (key, alg, foreign) in [
        (rsa(), "RS256", ["RS512", "PS256", "ES256", "HS256", "none"]),
        (ec(), "ES256", ["ES384", "RS256", "ECDH-ES", "EdDSA", "HS256"]),
        (okp(), "EdDSA", ["ES256", "RS256", "eddsa", "HS256", ""]),
    ] {
        let own = Alg::parse(alg);
        check(&with(key.clone(), &json!({ "alg": alg, "use": "sig", "key_ops": ["verify"], "x5t": "x" })), own);
        check(&with(key.clone(), &json!({ "key_ops": ["sign", "verify"], "kid": null })), own);
        for wrong in foreign {
            check(&with(key.clone(), &json!({ "alg": wrong })), None);
        }
        for wrong in [json!("enc"), json!("SIG"), json!(""), json!(1), json!(["sig"])] {
            check(&with(key.clone(), &json!({ "use": wrong })), None);
        }
        for wrong in
            [json!([]), json!(["sign"]), json!(["wrapKey", "encrypt"]), json!("verify"), json!({ "verify": 1 })]
        {
            check(&with(key.clone(), &json!({ "key_ops": wrong })), None);
        }
        check(&with(key.clone(), &json!({ "alg": 5 })), None);
        check(&with(key.clone(), &json!({ "kid": 5 })), None);
        check(&with(key.clone(), &json!({ "kty": null })), None);
        check(&with(key.clone(), &json!({ "kty": "oct", "k": "AAAA" })), None);
    }
}

#[test]
fn what_is_no_sound_key_is_skipped() {
    for bits in [512, 1024, 2047, 8193, 16_384] {
        check(&with(rsa(), &json!({ "n": modulus_of(bits) })), None);
    }
    for bits in [2048, 2049, 3072, 4096, 8192] {
        check(&with(rsa(), &json!({ "n": modulus_of(bits) })), Some(Alg::Rs256));
    }
    // Zeros in front count for nothing.
    let short = [vec![0; 200], vec![0xff; 100]].concat();
    for n in [
        "",
        "AA",
        "A",
        "AAAA",
        &modulus_of(2048).replace('p', "+"),
        &text_of(&short),
        &format!("{}=", modulus_of(2048)),
    ] {
        check(&with(rsa(), &json!({ "n": n })), None);
    }
    for e in ["", "AA", "AQ", "Ag", "AAAB", "AQAA", "AQAAAAAB"] {
        check(&with(rsa(), &json!({ "e": e })), None);
    }
    check(&with(rsa(), &json!({ "e": "Aw" })), Some(Alg::Rs256));
    for name in ["n", "e"] {
        check(&with(rsa(), &json!({ name: null })), None);
        check(&with(rsa(), &json!({ name: 65_537 })), None);
    }
    let wrong = [json!(null), json!(""), json!(text_of(&[1; 31])), json!(text_of(&[1; 33])), json!("!"), json!([1])];
    for value in wrong {
        check(&with(ec(), &json!({ "x": value })), None);
        check(&with(ec(), &json!({ "y": value })), None);
        check(&with(okp(), &json!({ "x": value })), None);
    }
    for (key, crv) in [(ec(), "P-384"), (ec(), "secp256k1"), (ec(), "Ed25519"), (okp(), "X25519"), (okp(), "P-256")] {
        check(&with(key, &json!({ "crv": crv })), None);
    }
    check(&with(ec(), &json!({ "crv": null })), None);
    for odd in [json!(null), json!(1), json!([]), json!({}), json!({ "kty": "oct", "k": "AAAA" })] {
        let both = set(&[odd.clone(), okp()]);
        assert!(both.select(None, Alg::EdDsa).is_some(), "{odd}");
    }
}

#[track_caller]
fn check_choice(keys: &[Value], kid: Option<&str>, alg: Alg, expected: Option<&str>) {
    let set = set(keys);
    let found = set.select(kid, alg).map(|key| key.kid.as_deref().unwrap_or("unnamed"));
    assert_eq!(found, expected, "{kid:?} {alg:?} of {keys:?}");
}

#[test]
fn choices() {
    let unnamed = with(ec(), &json!({ "kid": null }));
    let all = [rsa(), ec(), okp()];
    check_choice(&all, Some("r"), Alg::Rs256, Some("r"));
    check_choice(&all, Some("e"), Alg::Es256, Some("e"));
    check_choice(&all, None, Alg::EdDsa, Some("o"));
    // The name of one key, the algorithm of another.
    check_choice(&all, Some("e"), Alg::Rs256, None);
    check_choice(&all, Some("r"), Alg::EdDsa, None);
    for kid in ["", "R", "r ", "unnamed"] {
        check_choice(&all, Some(kid), Alg::Rs256, None);
    }
    check_choice(&[ec(), with(ec(), &json!({ "kid": "f" }))], None, Alg::Es256, None);
    check_choice(&[ec(), with(ec(), &json!({ "kid": "f" }))], Some("f"), Alg::Es256, Some("f"));
    check_choice(&[ec(), unnamed.clone()], None, Alg::Es256, None);
    // A key without a name is not the one that a token names.
    check_choice(std::slice::from_ref(&unnamed), Some("e"), Alg::Es256, None);
    check_choice(&[unnamed], None, Alg::Es256, Some("unnamed"));
    check_choice(&[rsa(), with(ec(), &json!({ "kid": "r" }))], Some("r"), Alg::Es256, Some("r"));
    check_choice(
        &[with(ec(), &json!({ "use": "enc" })), with(ec(), &json!({ "kid": "f" }))],
        None,
        Alg::Es256,
        Some("f"),
    );
    check_choice(&[], None, Alg::Es256, None);
}

#[test]
fn sets() {
    for wrong in ["", "[]", "{}", "null", "{\"keys\":{}}", "{\"keys\":null}", "{\"keys\":[]}x", "<html>"] {
        assert_eq!(JwkSet::parse(wrong.as_bytes()), Err(JwkSetError::NoSet), "{wrong}");
    }
    assert_eq!(JwkSet::parse(b"{\"keys\":[],\"more\":1}"), Ok(JwkSet::default()));
    assert_eq!(set(&vec![okp(); 100]).0.len(), 100);
    let crowd = json!({ "keys": vec![json!({}); 101] }).to_string();
    assert_eq!(JwkSet::parse(crowd.as_bytes()), Err(JwkSetError::TooManyKeys));
    let padded = |length: usize| {
        let document = json!({ "keys": [okp()] }).to_string();
        format!("{document}{}", " ".repeat(length - document.len()))
    };
    assert_eq!(JwkSet::parse(padded(MAX_SET_BYTES).as_bytes()).unwrap().0.len(), 1);
    assert_eq!(JwkSet::parse(padded(MAX_SET_BYTES + 1).as_bytes()), Err(JwkSetError::TooLong));
}

#[test]
fn only_the_public_part_goes_on() {
    let private = json!({ "d": "ZDA", "p": "cA", "q": "cQ", "dp": "x", "dq": "x", "qi": "x", "k": "a3", "x5c": ["x"] });
    for (key, members) in
        [(rsa(), &["e", "kty", "n"][..]), (ec(), &["crv", "kty", "x", "y"]), (okp(), &["crv", "kty", "x"])]
    {
        let set = set(&[with(key, &private)]);
        let told: Value = serde_json::from_str(&set.0[0].to_json()).unwrap();
        let names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, members);
    }
    // Without the zeros in front, which WebCrypto refuses.
    let padded = text_of(&[vec![0], URL_SAFE_NO_PAD.decode(modulus_of(2048)).unwrap()].concat());
    assert_eq!(set(&[with(rsa(), &json!({ "n": padded, "e": "AAEAAQ" }))]), set(&[rsa()]));
}

#[test]
fn an_own_key_reads_as_what_it_was() {
    let own = Jwk::ed25519("o", &[3; 32]);
    let published = own.published();
    assert_eq!(
        published,
        json!({ "kty": "OKP", "crv": "Ed25519", "x": text_of(&[3; 32]), "kid": "o", "use": "sig", "alg": "EdDSA" })
    );
    assert_eq!(set(&[published]).select(Some("o"), Alg::EdDsa), Some(&own));
}
