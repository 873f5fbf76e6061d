"""Issuers of access tokens for the tests: their JWK sets, and the tokens that they are told to make, by joserfc.

One server with several issuers, each below a path of its own:

- GET /NAME/jwks.json: the keys that are published now, or 503 while the issuer is down.
- POST /NAME/publish {"keys": [["RS256", "kid"], ...]}: publishes these keys, made when they are new, and no others.
- POST /NAME/down {"down": true}
- POST /NAME/token {"alg", "kid", "by": kid of the key that signs, "header": {}, "claims": {}}: a token that is good
  but for what is given; null takes a member away.
- GET /NAME/fetches: how often the set was read.
"""

import base64
import hmac
import json
import time
import uuid
import warnings
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

# EdDSA is what most libraries call it still (RFC 9864 has another name).
warnings.simplefilter("ignore")

MAKE = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}


class Issuer:
    def __init__(self):
        self.keys = {}
        self.published = []
        self.down = False
        self.fetches = 0

    def publish(self, keys):
        for alg, kid in keys:
            if kid not in self.keys:
                self.keys[kid] = (alg, MAKE[alg]())
        self.published = [kid for _, kid in keys]

    def key_set(self):
        keys = []
        for kid in self.published:
            alg, key = self.keys[kid]
            keys.append({**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": alg})
        # Sets of real issuers have keys for other uses as well.
        keys.append({"kty": "oct", "kid": "shared", "k": "c2VjcmV0"})
        keys.append({**RSAKey.generate_key(1024).as_dict(private=False), "kid": "short"})
        return {"keys": keys}

    def token(self, issuer, alg, kid, by=None, header=None, claims=None):
        now = int(time.time())
        whole = {"iss": issuer, "aud": "pincel", "sub": "dev", "scope": "images:read images:generate"}
        whole.update(iat=now, exp=now + 300, jti=str(uuid.uuid4()))
        whole = present({**whole, **(claims or {})})
        head = present({"alg": alg, "typ": "JWT", "kid": kid, **(header or {})})
        own, key = self.keys[by or kid]
        if (own, kid, header) == (alg, by or kid, None):
            return jwt.encode(head, whole, key, algorithms=[alg])
        # What no library would write.
        message = f"{encoded(json.dumps(head))}.{encoded(json.dumps(whole))}"
        if str(head.get("alg")).startswith("HS"):
            signature = hmac.digest(key.as_pem(private=False), message.encode(), "sha256")
        else:
            signature = JWSRegistry.algorithms[own].sign(message.encode(), key)
        return f"{message}.{encoded(signature)}"


def present(members):
    return {name: value for name, value in members.items() if value is not None}


def encoded(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


issuers = defaultdict(Issuer)


class Handler(BaseHTTPRequestHandler):
    def answer(self, document, status=200):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        _, name, what = self.path.split("/")
        issuer = issuers[name]
        if what == "jwks.json":
            issuer.fetches += 1
            self.answer({} if issuer.down else issuer.key_set(), 503 if issuer.down else 200)
        else:
            self.answer({"fetches": issuer.fetches})

    def do_POST(self):
        _, name, what = self.path.split("/")
        issuer = issuers[name]
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if what == "publish":
            issuer.publish(asked["keys"])
            self.answer({})
        elif what == "down":
            issuer.down = asked["down"]
            self.answer({})
        else:
            address = f"http://127.0.0.1:{self.server.server_port}/{name}/"
            self.answer({"token": issuer.token(address, **asked)})

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"port": server.server_port}), flush=True)
server.serve_forever()
