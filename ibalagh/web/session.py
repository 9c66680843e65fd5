"""Who is signed in, and what becomes of a session at a moment. Pure: time, keys and chance are arguments.

A session is kept by the server. The browser holds a random secret of 256 bits in a cookie; the server keeps the
SHA-256 of it, so that a copy of the table opens nothing, and derives from the secret, which it sees with each request,
the token of the session's forms and the key under which the provider's tokens lie in the row.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ibalagh.web.roles import Permission, Role, permissions_of

SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12
TOUCH_EVERY: Final = timedelta(seconds=30)
"""How old the note of the last request may become: a write now and then instead of one a request."""


class Session(NamedTuple):
    """Someone who is signed in: a stable pseudonym, under which everything is recorded, and a name, which is shown to
    the person alone."""

    person: str
    name: str
    roles: frozenset[Role]

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles has the permission."""
        return permission in permissions_of(self.roles)


class Times(NamedTuple):
    """The moments of a session: the last request noted, the absolute end, the next question to the provider (None where
    there is none), and the last one that it answered."""

    seen_at: datetime
    ends_at: datetime
    next_check_at: datetime | None
    confirmed_at: datetime


class Fate(Enum):
    """What to do with a session at a request."""

    GOES_ON = "goes on"
    ASK = "ask the provider about its person first"
    UNCONFIRMED = "wait: the provider has not answered for too long"
    OVER = "over"


def fate(times: Times, now: datetime, *, idle_s: int, unconfirmed_s: int) -> Fate:
    """What becomes of a session. `idle_s`: longest time between two requests; `unconfirmed_s`: longest time that roles
    hold without the provider's word."""
    if now >= times.ends_at or now >= times.seen_at + timedelta(seconds=idle_s):
        return Fate.OVER
    if times.next_check_at is None:
        return Fate.GOES_ON
    if now >= times.next_check_at:
        return Fate.ASK
    if now >= times.confirmed_at + timedelta(seconds=unconfirmed_s):
        return Fate.UNCONFIRMED
    return Fate.GOES_ON


def needs_touch(times: Times, now: datetime, idle_s: int) -> bool:
    """Whether this request is to be noted as the last one."""
    return now >= times.seen_at + min(TOUCH_EVERY, timedelta(seconds=idle_s / 4))


def cookie_name(service: str, *, https: bool) -> str:
    """The session's cookie. Over https with the prefix that binds it to this host (RFC 6265bis, section 4.1.3.2)."""
    return f"__Host-ibalagh_{service}" if https else f"ibalagh_{service}"


def id_of(secret: str) -> bytes:
    """What the server keeps of a cookie's value."""
    return hashlib.sha256(secret.encode()).digest()


def form_token(secret: str) -> str:
    """What every form of a session must send back: another site cannot know it."""
    return hmac.digest(secret.encode(), b"ibalagh form", "sha256").hex()


def form_token_matches(given: str, secret: str) -> bool:
    """Whether a form came from this session's own page."""
    return hmac.compare_digest(given.encode(), form_token(secret).encode())


def seal(plain: bytes, secret: str, nonce: bytes) -> bytes:
    """Something that only a request with the session's cookie can open again (AES-256-GCM); `nonce` is used once."""
    return nonce + AESGCM(_sealing_key(secret)).encrypt(nonce, plain, id_of(secret))


def unseal(sealed: bytes, secret: str) -> bytes:
    """What `seal` sealed. Raises ValueError for what it did not, or not for this session."""
    try:
        return AESGCM(_sealing_key(secret)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], id_of(secret))
    except (InvalidTag, ValueError):
        raise ValueError("not sealed for this session") from None


def pseudonym_of(issuer: str, subject: str, key: bytes) -> str:
    """The pseudonym of a provider's subject: always the same with the same key, and without it nobody's."""
    mark = hmac.digest(key, f"pseudonym|{len(issuer)}|{issuer}|{subject}".encode(), "sha256")
    return f"p-{base64.b32encode(mark[:10]).decode().lower()}"


def _sealing_key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"ibalagh tokens", "sha256")
