"""Who is signed in to a service's pages: a signed cookie that holds a pseudonym and an end, and its forms' token. Pure.

The keys are derived from the interface's bearer token and the service's name (HMAC-SHA-256, RFC 2104): a new token ends
every session, and a session of one service is none of another.
"""

import base64
import hmac
from typing import NamedTuple


class Session(NamedTuple):
    """The pseudonym of who signed in (empty where none was asked), and the end in seconds since the epoch."""

    person: str
    ends_at_s: int


class Sessions:
    """The sessions of one service. With an empty `token` there are none."""

    def __init__(self, service: str, token: str) -> None:
        self.cookie = f"ibalagh_{service}"
        self._service = service
        self._token = token.encode()

    def issue(self, session: Session) -> str:
        """The cookie's value."""
        payload = f"{session.ends_at_s}.{base64.urlsafe_b64encode(session.person.encode()).decode()}"
        return f"{payload}.{self._mark('session', payload)}"

    def check(self, cookie: str | None, now_s: float) -> Session | None:
        """The session of a cookie; None for one that is missing, forged or over."""
        payload, _, mark = (cookie or "").rpartition(".")
        if not self._token or not payload:
            return None
        if not hmac.compare_digest(mark.encode(), self._mark("session", payload).encode()):
            return None
        ends_at, _, person = payload.partition(".")
        session = Session(base64.urlsafe_b64decode(person).decode(), int(ends_at))
        return session if session.ends_at_s > now_s else None

    def form_token(self, cookie: str) -> str:
        """What every form of a session must send back: another site cannot know it."""
        return self._mark("form", cookie)

    def form_token_matches(self, given: str, cookie: str) -> bool:
        """Whether a form came from this session's own page."""
        return hmac.compare_digest(given.encode(), self.form_token(cookie).encode())

    def _mark(self, purpose: str, text: str) -> str:
        return hmac.digest(self._token, f"{self._service}|{purpose}|{text}".encode(), "sha256").hex()
