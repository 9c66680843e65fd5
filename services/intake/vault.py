"""Sealing of identities: AES-256-GCM with a data key per report, itself wrapped by a master key.

In: the identity as bytes and the report's id; out: a `Sealed` row. The report's id is associated data of both layers,
so a row moved to another report does not open. Erasing the wrapped key erases the identity, whatever else is kept.
Source: NIST SP 800-38D; every data key seals one message, so its nonce never repeats.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12

Random = Callable[[int], bytes]
"""So many bytes from a cryptographic source."""


class SealBrokenError(Exception):
    """A sealed identity does not open: wrong key, wrong report, or altered bytes."""


class Sealed(NamedTuple):
    """A row of the vault. `wrapped_key` is the data key under the master key that `key_id` names."""

    nonce: bytes
    ciphertext: bytes
    wrapped_key: bytes
    key_id: str


class KeyProvider(Protocol):
    """Holds master keys and never gives them out: a file today, a key management service where there is one."""

    def wrap(self, data_key: bytes, context: bytes) -> tuple[str, bytes]:
        """The id of the current master key, and `data_key` wrapped by it for `context`."""

    def unwrap(self, key_id: str, wrapped_key: bytes, context: bytes) -> bytes:
        """The data key; `SealBrokenError` when it cannot be unwrapped for `context`."""


class MasterKey:
    """A `KeyProvider` of one master key of `KEY_BYTES` bytes, held in memory."""

    def __init__(self, key: bytes, random: Random) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self.key_id = hashlib.sha256(b"ibalagh master key id" + key).hexdigest()[:16]
        self._cipher = AESGCM(key)
        self._random = random

    def wrap(self, data_key: bytes, context: bytes) -> tuple[str, bytes]:
        """See `KeyProvider`. The nonce precedes the wrapped key."""
        nonce = self._random(NONCE_BYTES)
        return self.key_id, nonce + self._cipher.encrypt(nonce, data_key, context)

    def unwrap(self, key_id: str, wrapped_key: bytes, context: bytes) -> bytes:
        """See `KeyProvider`."""
        if key_id != self.key_id:
            raise SealBrokenError
        return _decrypt(self._cipher, wrapped_key[:NONCE_BYTES], wrapped_key[NONCE_BYTES:], context)


class KeyRing:
    """A `KeyProvider` of several master keys: the first is the current one, the others only unwrap."""

    def __init__(self, keys: Sequence[bytes], random: Random) -> None:
        """Raises ValueError for no key, one of another size, or the same key twice."""
        masters = [MasterKey(key, random) for key in keys]
        self._masters = {master.key_id: master for master in masters}
        if not masters or len(self._masters) < len(masters):
            raise ValueError("a key ring holds at least one key, and none twice")
        self._current = masters[0]
        self.check_values = {master.key_id: check_value(key) for master, key in zip(masters, keys, strict=True)}
        """By the key's id, the current one first: what is stored to recognise the key by."""

    @property
    def current(self) -> str:
        """The id of the key that wraps."""
        return self._current.key_id

    def wrap(self, data_key: bytes, context: bytes) -> tuple[str, bytes]:
        """See `KeyProvider`."""
        return self._current.wrap(data_key, context)

    def unwrap(self, key_id: str, wrapped_key: bytes, context: bytes) -> bytes:
        """See `KeyProvider`."""
        master = self._masters.get(key_id)
        if master is None:
            raise SealBrokenError
        return master.unwrap(key_id, wrapped_key, context)


def check_value(key: bytes) -> bytes:
    """What tells later whether a key is the same; it tells nothing of the key itself, which is random."""
    return hmac.digest(key, b"ibalagh key check v1", "sha256")


def rewrap(key_id: str, wrapped_key: bytes, report_id: str, keys: KeyProvider) -> tuple[str, bytes]:
    """The same data key under the current master key. Raises `SealBrokenError`."""
    context = report_id.encode()
    return keys.wrap(keys.unwrap(key_id, wrapped_key, context), context)


def seal(plain: bytes, report_id: str, keys: KeyProvider, random: Random) -> Sealed:
    """Seal `plain` for `report_id` with a data key of its own."""
    context = report_id.encode()
    data_key = random(KEY_BYTES)
    nonce = random(NONCE_BYTES)
    ciphertext = AESGCM(data_key).encrypt(nonce, plain, context)
    key_id, wrapped_key = keys.wrap(data_key, context)
    return Sealed(nonce, ciphertext, wrapped_key, key_id)


def unseal(sealed: Sealed, report_id: str, keys: KeyProvider) -> bytes:
    """What was sealed for `report_id`. Raises `SealBrokenError`."""
    context = report_id.encode()
    data_key = keys.unwrap(sealed.key_id, sealed.wrapped_key, context)
    return _decrypt(AESGCM(data_key), sealed.nonce, sealed.ciphertext, context)


def _decrypt(cipher: AESGCM, nonce: bytes, ciphertext: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, ciphertext, context)
    except (InvalidTag, ValueError):
        raise SealBrokenError from None
