"""Bearer tokens (RFC 6750) until people can sign in: one token from the settings, compared in constant time."""

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Header

from ibalagh.ops.settings import Settings
from ibalagh.web.problems import Problem

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ibalagh"'}


def token_matches(settings: Settings, authorization: str | None) -> bool:
    """Whether an `Authorization` header carries the settings' token. Without a token in the settings: never."""
    if settings.api_token is None or not settings.api_token.get_secret_value():
        return False
    scheme, _, given = (authorization or "").partition(" ")
    expected = settings.api_token.get_secret_value().encode()
    return hmac.compare_digest(given.strip().encode(), expected) and scheme.lower() == "bearer"


def bearer(settings: Settings) -> Callable[[str | None], None]:
    """A FastAPI dependency that refuses requests without the token: 401 with `WWW-Authenticate`."""

    def require_token(authorization: Annotated[str | None, Header(include_in_schema=False)] = None) -> None:
        if not token_matches(settings, authorization):
            raise not_signed_in()

    return require_token


def not_signed_in(title: str = "A token is needed", detail: str = "Send it as Authorization: Bearer …") -> Problem:
    """The refusal of who has no token or key, or a wrong one (RFC 6750, section 3)."""
    return Problem(401, "not_signed_in", title, detail, headers=_CHALLENGE)
