//! Who is let in, at what cost, and for how long what was found out is believed.

use std::cell::Cell;

use domain::access::api_key::mint;
use domain::access::client::{ApiKey, SigningKeyRecord};
use domain::access::jwk::Jwk;
use domain::access::jwt::Alg;
use domain::access::policy::{Defaults, UnknownHold};
use domain::access::{AccountName, SigningKey};
use domain::delivery::ByteRange;
use domain::picture::{Digest, PictureKey, Pointer};
use futures::FutureExt as _;
use serde_json::{Value, json};

use super::*;
use crate::account::Account;
use crate::account::tests::Shelf;
use crate::ask::{Answer, Ask};
use crate::ports::{Clock, ObjectError, Opened, Random, StoreError};

const START_MS: u64 = 1_800_000_000_000;
const KID: &str = "shop-00000001";
const ADMIN: &str = "tttttttttttttttttttttttttttttttt";

/// One account, which can be out of reach, and counts how often it is asked.
#[derive(Default)]
struct Fake {
    shelf: Shelf,
    down: Cell<bool>,
    asked: Cell<u32>,
}

impl Clock for Fake {
    fn now_ms(&self) -> u64 {
        START_MS
    }

    async fn sleep_ms(&self, _: u64) {}
}

impl Random for Fake {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl EdgePorts for Fake {
    type Body = ();

    async fn pointer(&self, _: &PictureKey) -> Result<Option<Pointer>, StoreError> {
        unreachable!()
    }

    async fn cached(&self, _: &Digest, _: Option<ByteRange>) -> Option<Opened<()>> {
        unreachable!()
    }

    async fn blob(&self, _: &Digest, _: Option<ByteRange>) -> Result<Option<Opened<()>>, StoreError> {
        unreachable!()
    }

    async fn ask(&self, _: &PictureKey, _: &Ask) -> Result<(Answer, Vec<()>), ObjectError> {
        unreachable!()
    }

    async fn catalog(&self, _: &crate::catalog::CatalogAsk) -> Result<crate::catalog::CatalogAnswer, ObjectError> {
        Err(ObjectError { message: "there is no catalog here".to_owned(), overloaded: false })
    }

    async fn account(&self, name: &AccountName, ask: &AccountAsk) -> Result<AccountAnswer, ObjectError> {
        self.asked.set(self.asked.get() + 1);
        if self.down.get() {
            return Err(ObjectError { message: "down".to_owned(), overloaded: false });
        }
        let nobody = Shelf::default();
        let store = if name.to_string() == "client/shop" { &self.shelf } else { &nobody };
        Ok(Account::new(store, name.clone()).ask(ask.clone(), START_MS).unwrap().answer)
    }
}

impl Jose for Fake {
    async fn verify(&self, _: &Jwk, _: Alg, _: &str, _: &[u8]) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn sign(&self, _: &[u8; 32], _: &str) -> Result<Vec<u8>, StoreError> {
        unreachable!()
    }

    async fn public(&self, _: &[u8; 32]) -> Result<[u8; 32], StoreError> {
        Ok([0; 32])
    }

    async fn fetch_jwks(&self, _: &str) -> Result<Vec<u8>, StoreError> {
        unreachable!()
    }
}

/// An isolate, and the client `shop` with a key and a signing key.
struct World {
    fake: Fake,
    credentials: Credentials,
    profiles: RefCell<Profiles>,
    tokens: RefCell<Tokens>,
    key: String,
}

impl World {
    fn new(scopes: &Value) -> Self {
        let masters = Masters::parse(&"m".repeat(32)).unwrap();
        let defaults = Defaults { namespace: "n".to_owned(), unknown_hold: UnknownHold::Ms(1) };
        let body = json!({
            "id": "shop", "scopes": scopes, "policy": { "budget_per_day_usd": null, "budget_per_month_usd": null },
        });
        let mut client = Client::read(body.as_object().unwrap(), &defaults, 0).unwrap();
        let key = mint(&masters, &client.id, [1; 24]);
        let read = PresentedKey::read(&masters, &key).unwrap();
        client.add_key(ApiKey::new(&read, "key_1".to_owned(), String::new(), 0)).unwrap();
        client.add_signing_key(SigningKeyRecord { kid: KID.to_owned(), created_ms: 0 }).unwrap();
        let world = Self {
            fake: Fake::default(),
            credentials: Credentials {
                masters,
                admin_token: Token::parse(ADMIN).unwrap(),
                issuers: Issuers::default(),
            },
            profiles: RefCell::default(),
            tokens: RefCell::default(),
            key,
        };
        world.account(&AccountAsk::Open { client: Box::new(client) });
        world
    }

    fn account(&self, ask: &AccountAsk) {
        let name = AccountName::Client(ClientId("shop".to_owned()));
        self.fake.account(&name, ask).now_or_never().unwrap().unwrap();
        self.fake.asked.set(0);
    }

    fn change(&self, body: &Value) {
        self.account(&AccountAsk::Change { body: body.as_object().unwrap().clone() });
    }

    fn gate(&self) -> Gate<'_, Fake> {
        let Self { fake, credentials, profiles, tokens, .. } = self;
        Gate { ports: fake, credentials, profiles, tokens }
    }

    fn signed(&self) -> String {
        let key = SigningKey::derived(self.credentials.masters.first(), KID);
        key.sign_query("/v1/image", &[("prompt".to_owned(), "x".to_owned())], START_MS / 1_000 + 3_600)
    }

    fn principal(&self, bearer: Option<&str>, query: &str, now_ms: u64) -> Result<Principal, ApiError> {
        let header = bearer.map(|bearer| format!("Bearer {bearer}"));
        let presented = presented(header.as_deref(), query, now_ms);
        self.gate().principal(&presented).now_or_never().unwrap()
    }

    fn recalled(&self, bearer: Option<&str>, query: &str, now_ms: u64) -> Option<Principal> {
        let header = bearer.map(|bearer| format!("Bearer {bearer}"));
        let presented = presented(header.as_deref(), query, now_ms);
        let query = Query::parse(query).unwrap();
        recall(&self.credentials, &self.profiles.borrow(), &self.tokens.borrow(), &presented, &query)
    }

    #[track_caller]
    fn check(&self, bearer: Option<&str>, query: &str, expected: Result<Proof, (u16, &str)>) {
        match (self.principal(bearer, query, START_MS), expected) {
            (Ok(who), Ok(proof)) => assert_eq!(who.proof, proof),
            (Err(error), Err(expected)) => {
                assert_eq!((error.status, error.code.as_deref()), (expected.0, Some(expected.1)));
                assert_eq!(error.retry, domain::error::Retry::Never);
            }
            (got, _) => panic!("{got:?}: {bearer:?} {query}"),
        }
    }
}

fn presented<'a>(authorization: Option<&'a str>, query: &'a str, now_ms: u64) -> Presented<'a> {
    Presented { authorization, method: "GET", path: "/v1/image", query, issuer: "https://img.shop", now_ms }
}

fn both() -> Value {
    json!(["images:generate", "images:read"])
}

#[test]
fn table() {
    let world = World::new(&both());
    let (key, signed) = (world.key.clone(), world.signed());
    world.check(Some(&key), "", Ok(Proof::Bearer));
    world.check(Some(&key), "prompt=%ff&prompt", Ok(Proof::Bearer));
    world.check(None, &signed, Ok(Proof::SignedUrl));
    let asked = world.fake.asked.get();
    for (bearer, query, expected) in [
        (Some("wrong"), signed.as_str(), (401, "invalid_api_key")),
        (Some(ADMIN), "", (401, "invalid_api_key")),
        (Some(""), "", (401, "invalid_api_key")),
        (Some(&key[..key.len() - 1]), "", (401, "invalid_api_key")),
        (Some("e30.e30.e30"), "", (401, "invalid_token")),
        (None, "", (401, "missing_credentials")),
        (None, "prompt=x", (401, "missing_credentials")),
        (None, "prompt=x&prompt=x&sig=x", (401, "missing_credentials")),
        (None, "sig=x", (403, "invalid_signature")),
        (None, &signed.replace("prompt=x", "prompt=y"), (403, "invalid_signature")),
        (None, &signed.replace(KID, "shop-00000002"), (403, "invalid_signature")),
    ] {
        world.check(bearer, query, Err(expected));
    }
    // None of these was worth a question to an account.
    assert_eq!(world.fake.asked.get(), asked);
}

/// Made with the master secret, but not, or not any more, one of the client's.
#[test]
fn what_the_account_does_not_know_is_refused_like_any_forgery() {
    let world = World::new(&both());
    let masters = &world.credentials.masters;
    let other = mint(masters, &ClientId("shop".to_owned()), [2; 24]);
    let nobody = mint(masters, &ClientId("nobody".to_owned()), [1; 24]);
    let unknown = SigningKey::derived(masters.first(), "shop-00000002").sign_query("/v1/image", &[], START_MS);
    let forged = |world: &World| world.principal(Some("wrong"), "", START_MS).unwrap_err();
    for key in [other, nobody] {
        assert_eq!(world.principal(Some(&key), "", START_MS).unwrap_err(), forged(&world));
    }
    let later = START_MS - 1_000;
    let wrong = world.principal(None, &unknown.replace("sig=", "sig=A"), later).unwrap_err();
    assert_eq!(world.principal(None, &unknown, later).unwrap_err(), wrong);
    world.account(&AccountAsk::RevokeSigningKey { kid: KID.to_owned() });
    assert_eq!(world.principal(None, &world.signed(), START_MS + 60_000).unwrap_err(), wrong);
}

#[test]
fn a_minute_is_remembered_and_a_revocation_takes_no_longer() {
    let world = World::new(&both());
    let key = Some(world.key.as_str());
    assert!(world.recalled(key, "", START_MS).is_none());
    let who = world.principal(key, "", START_MS).unwrap();
    assert_eq!(world.fake.asked.get(), 1);
    for now_ms in [START_MS, START_MS + 59_999] {
        assert_eq!(world.principal(key, "", now_ms).unwrap(), who);
        assert_eq!(world.recalled(key, "", now_ms), Some(who.clone()));
        let signed = world.signed();
        assert_eq!(world.recalled(None, &signed, now_ms).unwrap().proof, Proof::SignedUrl);
    }
    assert_eq!(world.fake.asked.get(), 1);
    world.account(&AccountAsk::RevokeKey { id: "key_1".to_owned() });
    assert!(world.principal(key, "", START_MS + 59_999).is_ok());
    assert!(world.recalled(key, "", START_MS + 60_000).is_none());
    assert_eq!(world.principal(key, "", START_MS + 60_000).unwrap_err().status, 401);
    // From then on at once, also by what is remembered.
    assert!(world.recalled(key, "", START_MS + 60_001).is_none());
}

#[test]
fn a_key_that_was_made_a_moment_ago_is_good_at_once() {
    let world = World::new(&both());
    world.principal(Some(&world.key), "", START_MS).unwrap();
    let text = mint(&world.credentials.masters, &ClientId("shop".to_owned()), [2; 24]);
    let read = PresentedKey::read(&world.credentials.masters, &text).unwrap();
    world.account(&AccountAsk::AddKey { key: ApiKey::new(&read, "key_2".to_owned(), String::new(), 0) });
    assert!(world.principal(Some(&text), "", START_MS).is_ok());
    let kid = "shop-00000002";
    world.account(&AccountAsk::AddSigningKey { key: SigningKeyRecord { kid: kid.to_owned(), created_ms: 0 } });
    let key = SigningKey::derived(world.credentials.masters.first(), kid);
    let signed = key.sign_query("/v1/image", &[], START_MS / 1_000 + 3_600);
    assert!(world.principal(None, &signed, START_MS).is_ok());
}

#[test]
fn a_revoked_key_costs_a_question_a_second() {
    let world = World::new(&both());
    world.account(&AccountAsk::RevokeKey { id: "key_1".to_owned() });
    for now_ms in START_MS..START_MS + 2_500 {
        assert_eq!(world.principal(Some(&world.key), "", now_ms).unwrap_err().status, 401);
    }
    assert_eq!(world.fake.asked.get(), 3);
}

#[test]
fn pictures_outlive_the_account_for_a_while() {
    let world = World::new(&both());
    let key = Some(world.key.as_str());
    world.principal(key, "", START_MS).unwrap();
    world.fake.down.set(true);
    assert!(world.principal(key, "", START_MS + 299_999).is_ok());
    let error = world.principal(key, "", START_MS + 300_000).unwrap_err();
    assert_eq!((error.status, error.code.as_deref()), (503, Some("account_unavailable")));
}

#[test]
fn a_suspended_client_gets_what_its_policy_says() {
    let world = World::new(&both());
    world.change(&json!({ "state": "suspended" }));
    let who = world.principal(Some(&world.key), "", START_MS).unwrap();
    assert_eq!(who.may_buy().unwrap_err().code.as_deref(), Some("client_suspended"));
    world.change(&json!({ "policy": { "when_suspended": "nothing" } }));
    let error = world.principal(None, &world.signed(), START_MS + 60_000).unwrap_err();
    assert_eq!((error.status, error.code.as_deref()), (403, Some("client_suspended")));
}

#[test]
fn operators() {
    let admin = |world: &World, bearer: Option<&str>, scope| {
        let header = bearer.map(|bearer| format!("Bearer {bearer}"));
        let presented = presented(header.as_deref(), "", START_MS);
        let got = world.gate().admin(&presented, scope).now_or_never().unwrap();
        got.map_err(|error| error.status)
    };
    let world = World::new(&json!(["images:read", "admin:read"]));
    for scope in [Scope::AdminRead, Scope::AdminWrite] {
        assert_eq!(admin(&world, Some(ADMIN), scope), Ok("admin".to_owned()));
        assert_eq!(admin(&world, None, scope), Err(401));
        assert_eq!(admin(&world, Some("wrong"), scope), Err(401));
        assert_eq!(admin(&world, Some(&ADMIN[1..]), scope), Err(401));
    }
    assert_eq!(admin(&world, Some(&world.key), Scope::AdminRead), Ok("client/shop".to_owned()));
    assert_eq!(admin(&world, Some(&world.key), Scope::AdminWrite), Err(403));
    // A URL of a client that is an operator opens no more than pictures.
    let who = world.principal(None, &world.signed(), START_MS).unwrap();
    assert_eq!(who.scopes, [Scope::Read]);
}

#[test]
fn a_client_shows_its_id_and_its_key_for_a_token() {
    let world = World::new(&both());
    let shown = |id: &str, secret: &str| {
        let got = world.gate().by_secret(id, secret, START_MS).now_or_never().unwrap();
        got.map(|who| who.client.id.0.clone()).map_err(|error| error.status)
    };
    assert_eq!(shown("shop", &world.key), Ok("shop".to_owned()));
    assert_eq!(shown("other", &world.key), Err(401));
    assert_eq!(shown("shop", "wrong"), Err(401));
    assert_eq!(shown("", ""), Err(401));
}
