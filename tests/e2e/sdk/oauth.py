"""Authlib as a client of the token endpoint, and joserfc as somebody who verifies what comes of it."""

import base64
import json
import os
import time
import urllib.request

import openai
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

# The Worker of a test is reached without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

URL = os.environ["PINCEL_URL"]
KEY = os.environ["PINCEL_API_KEY"]
CLIENT = KEY.split("_")[1]
QUICK = {"quality": "low", "size": "1024x640"}
checks = []


def check(function):
    checks.append(function)
    return function


def session(secret=KEY, **more):
    made = OAuth2Session(CLIENT, secret, token_endpoint=f"{URL}/oauth/token", **more)
    made.trust_env = False
    return made


def document(path):
    with urllib.request.urlopen(f"{URL}{path}") as reply:
        assert reply.headers["content-type"] == "application/json"
        return reply.read()


def refused(call):
    try:
        call()
    except OAuthError as error:
        return error.error
    raise AssertionError("it was not refused")


def both_ways_of_authenticating():
    for method in ["client_secret_basic", "client_secret_post"]:
        yield session(token_endpoint_auth_method=method)


@check
def a_token_buys_a_picture():
    bytes_seen = set()
    for client in both_ways_of_authenticating():
        token = client.fetch_token(grant_type="client_credentials")
        assert token["token_type"] == "Bearer" and token["expires_in"] == 600, token
        assert set(token["scope"].split()) == {"images:generate", "images:read"}, token
        reply = client.post(f"{URL}/v1/images/generations", json={"prompt": "by token", **QUICK})
        assert reply.status_code == 200, reply.text
        bytes_seen.add(base64.b64decode(reply.json()["data"][0]["b64_json"], validate=True))
    assert len(bytes_seen) == 1


@check
def a_token_is_an_api_key_to_the_sdk():
    token = session().fetch_token(grant_type="client_credentials")
    client = openai.OpenAI(api_key=token["access_token"], base_url=f"{URL}/v1")
    images = client.images.generate(model="gpt-image-2.6-flare", prompt="by token and sdk", **QUICK)
    assert base64.b64decode(images.data[0].b64_json).startswith(b"\x89PNG")


@check
def a_token_has_the_scopes_that_were_asked_for():
    reader = session(scope="images:read")
    assert reader.fetch_token(grant_type="client_credentials")["scope"] == "images:read"
    picture = {"prompt": "by token", **QUICK}
    assert reader.get(f"{URL}/v1/image", params=picture).status_code == 200
    reply = reader.get(f"{URL}/v1/image", params={**picture, "prompt": "beyond the scope"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "insufficient_scope"), reply.text
    for scope in ["images:read admin:write", "openid"]:
        assert refused(lambda: session(scope=scope).fetch_token(grant_type="client_credentials")) == "invalid_scope"


@check
def a_wrong_secret_is_an_invalid_client():
    for method in ["client_secret_basic", "client_secret_post"]:
        stranger = session(KEY[:-1], token_endpoint_auth_method=method)
        assert refused(lambda: stranger.fetch_token(grant_type="client_credentials")) == "invalid_client"


@check
def another_library_verifies_a_token():
    token = session().fetch_token(grant_type="client_credentials")["access_token"]
    keys = KeySet.import_key_set(json.loads(document("/.well-known/jwks.json")))
    assert len(keys.keys) >= 3, keys.keys
    read = jwt.decode(token, keys, algorithms=["EdDSA"])
    assert read.header["typ"] == "at+jwt", read.header
    issuer = json.loads(document("/.well-known/oauth-authorization-server"))["issuer"]
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": issuer},
        sub={"essential": True, "value": CLIENT},
        exp={"essential": True},
        jti={"essential": True},
    ).validate(read.claims)
    assert read.claims["client_id"] == CLIENT
    assert read.claims["exp"] - read.claims["iat"] == 600
    assert abs(read.claims["iat"] - time.time()) < 60


@check
def the_metadata_is_valid():
    metadata = AuthorizationServerMetadata(json.loads(document("/.well-known/oauth-authorization-server")))
    for name in metadata:
        # There is no page for a person, so there are no response types; Authlib demands one.
        if name != "response_types_supported":
            try:
                getattr(metadata, f"validate_{name}")()
            except ValueError as error:
                # Without TLS, as said above.
                assert "https" in str(error), error
    assert metadata["issuer"] == URL, metadata
    assert metadata["token_endpoint"] == f"{URL}/oauth/token", metadata
    assert metadata["jwks_uri"] == f"{URL}/.well-known/jwks.json", metadata
    assert metadata["grant_types_supported"] == ["client_credentials"], metadata


for function in checks:
    function()
print(f"{len(checks)} checks passed")
