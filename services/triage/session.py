"""Who is signed in to the pages: a signed cookie that holds a pseudonym and an end, and the token of its forms. Pure.

The key is derived from the interface's bearer token (HMAC-SHA-256, RFC 2104), so a new token ends every session.
"""

import base64
import hmac
from typing import Final, NamedTuple

COOKIE: Final = "ibalagh_triage"


class Session(NamedTuple):
    """A session: the analyst's pseudonym, and the end in seconds since the epoch."""

    reviewer: str
    ends_at_s: int


def issue(session: Session, token: str) -> str:
    """The cookie's value."""
    payload = f"{session.ends_at_s}.{base64.urlsafe_b64encode(session.reviewer.encode()).decode()}"
    return f"{payload}.{_mark('session', payload, token)}"


def check(cookie: str | None, token: str, now_s: float) -> Session | None:
    """The session of a cookie; None for one that is missing, forged or over, and for all where there is no token."""
    payload, _, mark = (cookie or "").rpartition(".")
    if not token or not payload or not hmac.compare_digest(mark.encode(), _mark("session", payload, token).encode()):
        return None
    ends_at, _, reviewer = payload.partition(".")
    session = Session(base64.urlsafe_b64decode(reviewer).decode(), int(ends_at))
    return session if session.ends_at_s > now_s else None


def form_token(cookie: str, token: str) -> str:
    """What every form of a session must send back: another site cannot know it."""
    return _mark("form", cookie, token)


def form_token_matches(given: str, cookie: str, token: str) -> bool:
    """Whether a form came from this session's own page."""
    return hmac.compare_digest(given.encode(), form_token(cookie, token).encode())


def _mark(purpose: str, text: str, token: str) -> str:
    return hmac.digest(token.encode(), f"triage|{purpose}|{text}".encode(), "sha256").hex()
