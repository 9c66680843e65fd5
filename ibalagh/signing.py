"""Ed25519 signatures of documents (RFC 8032), by keys that anyone can look up: what receipts and communiqués share.

In: a document as JSON values and a seed; out: a signature of the document's canonical form (`canonical`). Keys are
published as a JSON Web Key Set (RFC 7517, RFC 8037); a key's id is its thumbprint (RFC 7638), so nobody can give
another key's id to a key. Ed25519 is deterministic: an equal document and an equal key give an equal signature.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_BYTES: Final = 32


class UnknownKeyError(Exception):
    """Nobody here knows the key that is said to have signed."""


class BadSignatureError(Exception):
    """The signature is not of this document."""


class PublicKeys:
    """Public keys by id; `jwks` is the document that publishes them, in their order."""

    def __init__(self, publics: Sequence[bytes] = ()) -> None:
        keys = {thumbprint(public): public for public in publics}
        self._keys = {id_: Ed25519PublicKey.from_public_bytes(public) for id_, public in keys.items()}
        self.publics: Sequence[bytes] = tuple(keys.values())
        self.jwks: Mapping[str, Any] = {"keys": [_jwk(id_, public) for id_, public in keys.items()]}

    @classmethod
    def read(cls, given: object) -> Self:
        """Published keys from parsed JSON: a key set, or one key of it. Raises `ValueError` for anything else, also for
        a key whose id is not its thumbprint."""
        keys = given.get("keys", [given]) if isinstance(given, dict) else None
        if not isinstance(keys, list) or not keys:
            raise ValueError("no published keys")
        return cls([_public(key) for key in keys])

    def check(self, key_id: str, document: Mapping[str, Any], signature: str) -> None:
        """Raises `UnknownKeyError` or `BadSignatureError` unless the key of this id signed exactly this document."""
        key = self._keys.get(key_id)
        if key is None:
            raise UnknownKeyError(key_id)
        try:
            key.verify(decoded(signature), canonical(document))
        except (InvalidSignature, ValueError):
            raise BadSignatureError(key_id) from None


class SigningKey:
    """Signs with one key; `public` is its public part of 32 bytes, `key_id` its id."""

    def __init__(self, seed: bytes) -> None:
        """Raises `ValueError` for a seed that has not `SEED_BYTES` bytes."""
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a signing key has {SEED_BYTES} bytes")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()
        self.key_id = thumbprint(self.public)

    def signature(self, document: Mapping[str, Any]) -> str:
        """The signature of the document's canonical form, base64url without padding."""
        return encoded(self._private.sign(canonical(document)))


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: JSON with members sorted by name and no white space, UTF-8, as RFC 8785 writes it for
    documents whose numbers are integers below 2^53 and whose names are ASCII."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def thumbprint(public: bytes) -> str:
    """The id of a public key of 32 bytes (RFC 7638)."""
    required = canonical({"crv": "Ed25519", "kty": "OKP", "x": encoded(public)})
    return encoded(hashlib.sha256(required).digest())


def encoded(raw: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    """The bytes that `encoded` writes as `text`, and no other text for them. Raises `ValueError`."""
    raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if encoded(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def _jwk(id_: str, public: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": encoded(public), "kid": id_, "use": "sig", "alg": "EdDSA"}


def _public(key: object) -> bytes:
    if not isinstance(key, dict) or (key.get("kty"), key.get("crv")) != ("OKP", "Ed25519"):
        raise ValueError("not an Ed25519 key")
    try:
        public = decoded(str(key.get("x", "")))
    except ValueError:
        raise ValueError("a key is not base64url") from None
    if len(public) != SEED_BYTES or key.get("kid") != thumbprint(public):
        raise ValueError("a key's id is not its thumbprint")
    return public
