"""Is an ID token good? OpenID Connect Core 1.0, section 3.1.3.7, with Authlib's claims. Pure: keys and time come in.

In: a token as the provider sent it, its keys, what is expected of it. Out: its claims. Raises `IdTokenError` with a
short code; the token itself is never part of it.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import KeySet

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Signatures by a key that only the provider has: `none` and those with a shared secret are not among them."""
SKEW_S: Final = 60
"""How far the provider's clock and ours may be apart."""


class IdTokenError(Exception):
    """Not to be trusted. `code`: `forged`, `expired`, `no_<claim>`, `wrong_<claim>`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Expected(NamedTuple):
    """What a token must say: who made it, for whom, in which sign-in, with which access token."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str


def check(token: str, keys: KeySet, expected: Expected, now_s: int) -> Mapping[str, Any]:
    """The claims of a token that holds; its `sub` is a string. Raises `IdTokenError`."""
    try:
        read = jwt.decode(token, keys, algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        raise IdTokenError("forged") from None
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
    }
    params = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token}
    claims = CodeIDToken(read.claims, read.header, options, params)
    try:
        claims.validate(now_s, SKEW_S)
    except ExpiredTokenError:
        raise IdTokenError("expired") from None
    except MissingClaimError as error:
        raise IdTokenError(f"no_{error.claim}") from None
    except InvalidClaimError as error:
        raise IdTokenError(f"wrong_{error.claim}") from None
    except JoseError:
        raise IdTokenError("forged") from None
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise IdTokenError("wrong_sub")
    return dict(claims)
