"""A sign-in under way: what the browser keeps, in a signed cookie, between leaving for the provider and coming back.

Pure. The cookie ties the provider's answer to the browser that asked (`state`, RFC 6749 section 10.12), the ID token to
this sign-in (`nonce`, OpenID Connect Core 1.0 section 3.1.2.1) and the code to whoever began (`verifier`, RFC 7636).
Nothing is written on the server before somebody has signed in.
"""

import base64
import hmac
from typing import Final, NamedTuple

import orjson

LASTS_S: Final = 600


class Flow(NamedTuple):
    """`to` is the local address to go on to, `ends_at_s` in seconds since the epoch."""

    state: str
    nonce: str
    verifier: str
    to: str
    language: str
    ends_at_s: int


def cookie_name(service: str, *, https: bool) -> str:
    """The cookie's name."""
    return f"__Host-ibalagh_{service}_sign_in" if https else f"ibalagh_{service}_sign_in"


def write(flow: Flow, key: bytes) -> str:
    """The cookie's value."""
    payload = base64.urlsafe_b64encode(orjson.dumps(list(flow))).decode()
    return f"{payload}.{_mark(payload, key)}"


def read(cookie: str | None, state: str, now_s: float, key: bytes) -> Flow | None:
    """The sign-in that an answer with this `state` belongs to; None for a cookie that is missing, forged, over or of
    another sign-in."""
    payload, _, mark = (cookie or "").rpartition(".")
    if not payload or not hmac.compare_digest(mark.encode(), _mark(payload, key).encode()):
        return None
    flow = Flow(*orjson.loads(base64.urlsafe_b64decode(payload)))
    if flow.ends_at_s <= now_s or not hmac.compare_digest(flow.state.encode(), state.encode()):
        return None
    return flow


def local(address: str) -> str:
    """An address to go on to, if it is one of this service, else the first page: no sign-in leads to another site."""
    safe = address.startswith("/") and not address.startswith(("//", "/sign-")) and address.isprintable()
    return address if safe and "\\" not in address else "/"


def _mark(payload: str, key: bytes) -> str:
    return hmac.digest(key, f"sign-in|{payload}".encode(), "sha256").hex()
