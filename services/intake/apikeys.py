"""API keys of trusted reporters: their form, what is stored of them, what they allow. Pure.

`ibk_<id>_<secret><check>` in Crockford's base32, lower case: an id of 40 random bits that may be shown, a secret of 256
random bits that is shown once, and a CRC-32 over all of it, so that a typing error is told apart from a wrong key and
a secret scanner can be sure of a find. Only a SHA-256 is stored: a slow hash is for passwords, which can be guessed;
256 random bits cannot, so it would only make every request dear.
"""

import hashlib
import hmac
import re
import zlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from services.intake.receipt import ALPHABET
from services.intake.vault import Random

PREFIX: Final = "ibk"
ID_BYTES: Final = 5
SECRET_BYTES: Final = 32
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,62}", re.ASCII)
"""A reporter's name, as in `hotline-rabat`; without an underscore, so that it is never taken for a key's id."""

_SYMBOLS: Final = ALPHABET.lower()
_ID_SYMBOLS: Final = 8
_SECRET_SYMBOLS: Final = 52
_CHECK_SYMBOLS: Final = 7
_FORM: Final = re.compile(
    rf"({PREFIX}_([{_SYMBOLS}]{{{_ID_SYMBOLS}}})_([{_SYMBOLS}]{{{_SECRET_SYMBOLS}}}))([{_SYMBOLS}]{{{_CHECK_SYMBOLS}}})",
    re.ASCII,
)
_SHOWN_ID: Final = re.compile(rf"{PREFIX}_([{_SYMBOLS}]{{{_ID_SYMBOLS}}})", re.ASCII)


class Scope(StrEnum):
    """What a key may be used for."""

    BATCH = "batch"
    XARF = "xarf"
    STIX = "stix"
    SUBMITTED_AT = "submitted_at"


class MalformedKeyError(Exception):
    """What was given is no key of ours: cut off, mistyped, or something else altogether."""


class Minted(NamedTuple):
    """A new key: `shown` goes to its owner, once; `key_id` and `secret_hash` are kept."""

    shown: str
    key_id: str
    secret_hash: bytes


class Presented(NamedTuple):
    """A well-formed key as it came with a request."""

    key_id: str
    secret_hash: bytes


class Reporter(NamedTuple):
    """A trusted reporter. `daily_quota` counts reports in a civil day of Morocco, `rate_per_s` reports a second; None
    is no limit."""

    name: str
    scopes: frozenset[Scope]
    daily_quota: int | None = None
    rate_per_s: float | None = None

    def own_key(self, key: bytes | None) -> bytes | None:
        """An idempotency key as this reporter's own; the operator's, as the public's, are as they were sent."""
        # A NUL is in no key that anyone can send, so no key of the public is ever a reporter's.
        return key if key is None or not self.name else b"\0%b\0%b" % (self.name.encode(), key)


class StoredKey(NamedTuple):
    """What is kept of a key: whose it is, the hash of its secret, and when it ends; None is never by itself."""

    key_id: str
    reporter: Reporter
    secret_hash: bytes
    ends_at: datetime | None = None

    def opens(self, presented: Presented, now: datetime) -> bool:
        """Whether `presented` is this key, compared in constant time, and it has not ended."""
        same = hmac.compare_digest(self.secret_hash, presented.secret_hash)
        return same and (self.ends_at is None or now < self.ends_at)


def mint(random: Random) -> Minted:
    """A new key from `ID_BYTES` and `SECRET_BYTES` of `random`."""
    key_id = _spelt(random(ID_BYTES), _ID_SYMBOLS)
    secret = _spelt(random(SECRET_BYTES), _SECRET_SYMBOLS)
    body = f"{PREFIX}_{key_id}_{secret}"
    return Minted(body + _check(body), key_id, _hash(key_id, secret))


def parse(shown: str) -> Presented:
    """The parts of a key that came with a request. Raises `MalformedKeyError`, without asking what is stored."""
    found = _FORM.fullmatch(shown)
    if found is None or _check(found[1]) != found[4]:
        raise MalformedKeyError
    return Presented(found[2], _hash(found[2], found[3]))


def is_key_id(text: str) -> str | None:
    """The id in `ibk_<id>`, as `ibalagh keys list` shows it; None for anything else, such as a reporter's name."""
    found = _SHOWN_ID.fullmatch(text)
    return found[1] if found else None


def shown_id(key_id: str) -> str:
    """A key's id in the form in which people see it."""
    return f"{PREFIX}_{key_id}"


def overlap_end(ends_at: datetime | None, now: datetime, overlap: timedelta) -> datetime:
    """When a key ends that another one replaces now: after the overlap, or when it would have ended anyway."""
    end = now + overlap
    return end if ends_at is None else min(ends_at, end)


def _hash(key_id: str, secret: str) -> bytes:
    return hashlib.sha256(f"ibalagh api key v1 {key_id} {secret}".encode()).digest()


def _check(body: str) -> str:
    return _spelt(zlib.crc32(body.encode()).to_bytes(4, "big"), _CHECK_SYMBOLS)


def _spelt(value: bytes, symbols: int) -> str:
    number = int.from_bytes(value, "big")
    return "".join([_SYMBOLS[number >> (5 * place) & 31] for place in reversed(range(symbols))])
