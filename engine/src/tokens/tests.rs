//! Tokens against issuers that are told what to say, with a clock that moves only while somebody waits.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::ports::Random;

mod damages;
mod own;
mod sets;

const NOW_MS: u64 = 1_800_000_000_000;
const NOW_S: u64 = NOW_MS / 1_000;
const OWN: &str = "https://pincel.example";
const ISSUER: &str = "https://login.example/";

/// The platform. A signature is a hash of the key and the text: everybody can make one, and only of what they know.
struct Fake {
    now_ms: Cell<u64>,
    /// What the issuer publishes; nothing while it is out of reach.
    published: RefCell<Option<Vec<u8>>>,
    /// How long it takes to answer, and how often it was asked.
    latency_ms: Cell<u64>,
    fetches: RefCell<Vec<String>>,
    verifications: Cell<u32>,
    publics: Cell<u32>,
    /// Cryptography fails.
    broken: Cell<bool>,
}

impl Fake {
    fn new(keys: &[Value]) -> Self {
        let fake = Self {
            now_ms: Cell::new(NOW_MS),
            published: RefCell::default(),
            latency_ms: Cell::new(100),
            fetches: RefCell::default(),
            verifications: Cell::new(0),
            publics: Cell::new(0),
            broken: Cell::new(false),
        };
        fake.publish(keys);
        fake
    }

    fn publish(&self, keys: &[Value]) {
        self.published.replace(Some(json!({ "keys": keys }).to_string().into_bytes()));
    }

    fn go_down(&self) {
        self.published.replace(None);
    }

    fn pass(&self, ms: u64) {
        self.now_ms.set(self.now_ms.get() + ms);
    }

    /// Each look at the clock by somebody who waits moves it.
    async fn wait(&self, ms: u64) {
        let until_ms = self.now_ms() + ms;
        std::future::poll_fn(|context| {
            if self.now_ms() >= until_ms {
                return Poll::Ready(());
            }
            self.pass(1);
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn check_broken(&self) -> Result<(), StoreError> {
        if self.broken.get() { Err(StoreError("broken".to_owned())) } else { Ok(()) }
    }
}

impl Clock for Fake {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    async fn sleep_ms(&self, ms: u64) {
        self.wait(ms).await;
    }
}

impl Random for Fake {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl Jose for Fake {
    async fn verify(&self, key: &Jwk, alg: Alg, message: &str, signature: &[u8]) -> Result<bool, StoreError> {
        self.verifications.set(self.verifications.get() + 1);
        self.check_broken()?;
        assert_eq!(key.alg(), alg, "a key for another algorithm reached the platform");
        assert!(alg.may_have(signature.len()), "{alg:?} with {} bytes reached the platform", signature.len());
        Ok(signature == signature_of(&key.to_json(), message))
    }

    async fn sign(&self, seed: &[u8; 32], message: &str) -> Result<Vec<u8>, StoreError> {
        self.check_broken()?;
        Ok(signature_of(&Jwk::ed25519("", &public_of(seed)).to_json(), message))
    }

    async fn public(&self, seed: &[u8; 32]) -> Result<[u8; 32], StoreError> {
        self.publics.set(self.publics.get() + 1);
        self.check_broken()?;
        Ok(public_of(seed))
    }

    async fn fetch_jwks(&self, address: &str) -> Result<Vec<u8>, StoreError> {
        self.fetches.borrow_mut().push(address.to_owned());
        self.wait(self.latency_ms.get()).await;
        self.published.borrow().clone().ok_or_else(|| StoreError("out of reach".to_owned()))
    }
}

fn signature_of(key: &str, message: &str) -> Vec<u8> {
    let half = Sha256::digest(format!("{key}\n{message}"));
    [half, half].concat()
}

fn public_of(seed: &[u8; 32]) -> [u8; 32] {
    Sha256::digest([b"public".as_slice(), seed].concat()).into()
}

/// Polls until it is done; what waits keeps the clock going.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("it never ends");
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key of the issuer for each algorithm, told apart by `mark`.
fn key(alg: Alg, kid: &str, mark: u8) -> Value {
    let x = encode([mark; 32]);
    let mut key = match alg {
        Alg::Rs256 => json!({ "kty": "RSA", "n": encode([mark | 0x80; 256]), "e": "AQAB" }),
        Alg::Es256 => json!({ "kty": "EC", "crv": "P-256", "x": x, "y": x }),
        Alg::EdDsa => json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
    };
    if !kid.is_empty() {
        key["kid"] = json!(kid);
    }
    key
}

/// What the platform gets of a key to verify with.
fn material(key: &Value) -> String {
    let mut public = key.clone();
    for name in ["kid", "use", "alg"] {
        public.as_object_mut().unwrap().remove(name);
    }
    public.to_string()
}

fn signed(header: &Value, claims: &Value, material: &str) -> String {
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = signature_of(material, &message);
    format!("{message}.{}", encode(signature))
}

/// Claims that are good; a null takes one away.
fn claims(change: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "pincel", "sub": "shop", "exp": NOW_S + 7_200, "iat": NOW_S, "scope": "openid images:read",
    });
    let members = claims.as_object_mut().unwrap();
    members.extend(change.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    claims
}

/// A good token by a key of the issuer.
fn token(alg: Alg, kid: &str, mark: u8) -> String {
    let mut header = json!({ "alg": alg.as_str(), "typ": "JWT" });
    if !kid.is_empty() {
        header["kid"] = json!(kid);
    }
    signed(&header, &claims(&json!({})), &material(&key(alg, kid, mark)))
}

fn masters(text: &str) -> Masters {
    let all: Vec<String> = text.chars().map(|letter| letter.to_string().repeat(32)).collect();
    Masters::parse(&all.join(",")).unwrap()
}

/// One isolate of a deployment with one outside issuer.
struct Isolate {
    tokens: RefCell<Tokens>,
    masters: Masters,
    issuers: Issuers,
}

impl Isolate {
    fn new(change: &Value) -> Self {
        let mut entry = json!({ "issuer": ISSUER, "audience": "pincel", "jwks_uri": "https://login.example/keys" });
        entry.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let issuers = Issuers::parse(&json!([entry]).to_string()).unwrap();
        Self { tokens: RefCell::default(), masters: masters("m"), issuers }
    }

    fn trust(&self) -> Trust<'_> {
        Trust { masters: &self.masters, issuers: &self.issuers, own_issuer: OWN }
    }

    async fn verify(&self, fake: &Fake, token: &str) -> Result<Verified, Refusal> {
        examine(&self.tokens, fake, self.trust(), token).await
    }

    /// As a request does it: what is remembered first.
    fn ask(&self, fake: &Fake, token: &str) -> Result<Verified, Refusal> {
        let recalled = self.tokens.borrow().recall(OWN, token, fake.now_ms());
        recalled.map_or_else(|| run(self.verify(fake, token)), Ok)
    }
}
