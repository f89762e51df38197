"""An identity provider on loopback: publishes its keys, signs tokens, rotates, and goes away on demand."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

ISSUER = "https://identity.test/"
AUDIENCE = "modelpick"
_LIFETIME_S = 300


class IdentityProvider:
    """Serves `/jwks` at `url`; `fetches` counts how often the keys were asked for.

    `status` other than 200 is what it answers while it is ill.
    """

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.fetches = 0
        self.status = 200
        self.url = ""
        self.rotate()

    def rotate(self, key: Key | None = None) -> str:
        """Replace all keys by one, a new ES256 one unless given; return its id."""
        key_id = uuid4().hex
        self.keys = {key_id: key or ec.generate_private_key(ec.SECP256R1())}
        return key_id

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign a good token with the newest key; a claim of None is left out."""
        key_id, key = list(self.keys.items())[-1]
        return jwt.encode(good_claims(**claims), key, _algorithm(key), {"kid": key_id} | (headers or {}))

    def jwks(self) -> dict[str, Any]:
        return {"keys": [_jwk(key_id, key) for key_id, key in self.keys.items()]}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve on a free port of loopback until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/jwks"
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def good_claims(**claims: Any) -> dict[str, Any]:
    """Return the claims of a good token, with some changed, or left out when None."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "iat": now,
        "exp": now + _LIFETIME_S,
        "email": "ada@example.com",
        "email_verified": True,
    }
    return {name: value for name, value in (good | claims).items() if value is not None}


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    """Return a token of algorithm `none`, or with any other header, whose signature is empty."""
    parts = [json.dumps({"alg": "none", "typ": "JWT"} | header), json.dumps(claims)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


def _algorithm(key: Key) -> str:
    return "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"


def _jwk(key_id: str, key: Key) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": key_id, "use": "sig", "alg": _algorithm(key)}


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.fetches += 1
            body = json.dumps(provider.jwks()).encode()
            self.send_response(provider.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet: tests read what services write."""

    return Handler
