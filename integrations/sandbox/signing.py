"""What the sandbox signs: ID tokens (RS256, published as JWKS) and the sealed tokens it hands out and reads
back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from integrations.sandbox.errors import Json
from integrations.sandbox.store import Store

KEY_ID = "sandbox-key-1"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def seal(store: Store, kind: str, value: Json) -> str:
    """An opaque token that carries `value`; only this store can open it again, and only as this kind."""
    payload = encode(json.dumps(value, separators=(",", ":")).encode())
    return f"{payload}.{_mark(store, kind, payload)}"


def unseal(store: Store, kind: str, token: str) -> Json | None:
    """What was sealed; None when it was not sealed here."""
    payload, _, mark = token.rpartition(".")
    if not payload or not hmac.compare_digest(mark.encode(), _mark(store, kind, payload).encode()):
        return None
    value: Json = json.loads(decode(payload))
    return value


def _mark(store: Store, kind: str, payload: str) -> str:
    key = store.secret("seal").encode()
    return encode(hmac.new(key, f"{kind}:{payload}".encode(), hashlib.sha256).digest()[:12])


@cache
def _fresh_key() -> str:
    """Made once a process: 2048 bits cost a tenth of a second, and tests start many sandboxes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _key(store: Store) -> rsa.RSAPrivateKey:
    text = store.state("signing_key")
    if text is None:
        text = _fresh_key()
        store.set_state("signing_key", text)
    return _loaded(text)


@cache
def _loaded(text: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(text.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("The sandbox's signing key is not an RSA key.")
    return key


def sign_id_token(store: Store, claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
    signed = ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    signature = _key(store).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{encode(signature)}"


def key_set(store: Store) -> Json:
    """The JWKS that /oauth2/v3/certs publishes."""
    numbers = _key(store).public_key().public_numbers()
    return {
        "keys": [
            {
                "kty": "RSA",
                "use": "sig",
                "alg": "RS256",
                "kid": KEY_ID,
                "n": encode(numbers.n.to_bytes(256, "big")),
                "e": encode(numbers.e.to_bytes(3, "big")),
            }
        ]
    }
