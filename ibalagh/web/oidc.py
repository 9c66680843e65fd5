"""An OpenID provider, spoken to by HTTP: discovery, the code flow with PKCE, the person's claims, signing out.

OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0; RFC 6749, RFC 7636. In: addresses, codes and tokens.
Out: tokens and claims that were checked. Raises `RefusedError` when the provider, or a check of what it sent, says no,
and `ProviderAwayError` when it does not answer as it should; neither holds anything that was sent. Any thread may use
it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlencode

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from ibalagh.web.id_token import Expected, IdTokenError, check

SCOPES: Final = "openid profile"
TIMEOUT_S: Final = 5.0
METADATA_LASTS_S: Final = 3600.0
KEYS_AGAIN_AFTER_S: Final = 30.0
"""A token signed with a key that is not known makes us ask for the keys again, this often at most."""
MAX_BYTES: Final = 1 << 20


class RefusedError(Exception):
    """No. `code` is a short machine code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ProviderAwayError(Exception):
    """The provider cannot be reached, or its answer is none. The text names the endpoint's kind and what happened."""


class Metadata(BaseModel):
    """What discovery says (OpenID Connect Discovery 1.0, section 3), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Tokens(NamedTuple):
    """What the provider gave for a sign-in: to ask about the person, to renew that, and to sign out with."""

    access: str
    refresh: str
    id_token: str


class Provider:
    """One provider, and this service as its client."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        *,
        clock_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock_s = clock_s
        self._monotonic_s = monotonic_s
        self._http = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False)
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def authorization_url(self, redirect_uri: str, *, state: str, nonce: str, verifier: str, language: str) -> str:
        """Where to send the browser."""
        url: str = prepare_grant_uri(
            self.metadata().authorization_endpoint,
            client_id=self._client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=SCOPES,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            ui_locales=language,
        )
        return url

    def redeem(self, code: str, redirect_uri: str, *, nonce: str, verifier: str) -> tuple[Tokens, Mapping[str, Any]]:
        """The tokens for a code, and the ID token's claims, all checked."""
        answer = self._token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            }
        )
        tokens = _tokens(answer)
        expected = Expected(self.issuer, self._client_id, nonce, tokens.access)
        now_s = int(self._clock_s())
        try:
            claims = check(tokens.id_token, self._key_set(), expected, now_s)
        except IdTokenError as error:
            # Signed with a key that is newer than what we know?
            if error.code != "forged" or not self._forget_keys():
                raise RefusedError(error.code) from None
            try:
                claims = check(tokens.id_token, self._key_set(), expected, now_s)
            except IdTokenError as again:
                raise RefusedError(again.code) from None
        return tokens, claims

    def renew(self, tokens: Tokens) -> Tokens:
        """New tokens by the refresh token (RFC 6749, section 6)."""
        if not tokens.refresh:
            raise RefusedError("token_ended")
        new = _tokens(self._token({"grant_type": "refresh_token", "refresh_token": tokens.refresh}))
        return Tokens(new.access, new.refresh or tokens.refresh, tokens.id_token)

    def claims(self, tokens: Tokens) -> Mapping[str, Any]:
        """What the provider says of the person now. Raises RefusedError `token_ended` when the access token does not
        count any more. The caller compares `sub` (OpenID Connect Core 1.0, section 5.3.2)."""
        headers = {"Authorization": f"Bearer {tokens.access}"}
        response = self._ask("GET", self.metadata().userinfo_endpoint, headers=headers)
        if response.status_code in (400, 401, 403):
            raise RefusedError("token_ended")
        claims = _json(response, "userinfo")
        if not isinstance(claims.get("sub"), str):
            raise ProviderAwayError("userinfo: no subject")
        return claims

    def sign_out_url(self, id_token: str, to: str) -> str | None:
        """Where the browser ends the session with the provider, to come back to `to`; None if it has no such place."""
        end = self.metadata().end_session_endpoint
        if end is None:
            return None
        query = urlencode({"id_token_hint": id_token, "client_id": self._client_id, "post_logout_redirect_uri": to})
        return f"{end}{'&' if '?' in end else '?'}{query}"

    def metadata(self) -> Metadata:
        """What the provider says of itself; asked once an hour."""
        now = self._monotonic_s()
        with self._lock:
            if self._metadata is not None and now < self._metadata[0]:
                return self._metadata[1]
        response = self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = Metadata.model_validate(_json(response, "discovery"))
        except ValidationError:
            raise ProviderAwayError("discovery: something is missing, perhaps the userinfo endpoint") from None
        if metadata.issuer != self.issuer:
            raise ProviderAwayError("discovery: the issuer is another one")
        addresses = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        if self.issuer.startswith("https:") and not all(
            address.startswith("https:") for address in (*addresses, metadata.userinfo_endpoint)
        ):
            raise ProviderAwayError("discovery: an endpoint without https")
        with self._lock:
            self._metadata = now + METADATA_LASTS_S, metadata
        return metadata

    def _token(self, fields: dict[str, str]) -> Mapping[str, Any]:
        metadata = self.metadata()
        headers = {"Accept": "application/json"}
        auth = None
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, section 2.3.1: both are form-encoded before they are put together.
            auth = (quote_plus(self._client_id), quote_plus(self._client_secret))
        else:
            fields = {**fields, "client_id": self._client_id, "client_secret": self._client_secret}
        response = self._ask("POST", metadata.token_endpoint, data=fields, headers=headers, auth=auth)
        if response.status_code in (400, 401, 403):
            raise RefusedError("code_refused" if "code" in fields else "token_ended")
        return _json(response, "token")

    def _key_set(self) -> KeySet:
        with self._lock:
            if self._keys is not None:
                return self._keys[1]
        response = self._ask("GET", self.metadata().jwks_uri)
        try:
            keys = KeySet.import_key_set(_json(response, "keys"))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError):
            raise ProviderAwayError("keys: not a key set") from None
        with self._lock:
            self._keys = self._monotonic_s(), keys
        return keys

    def _forget_keys(self) -> bool:
        with self._lock:
            if self._keys is None or self._monotonic_s() < self._keys[0] + KEYS_AGAIN_AFTER_S:
                return False
            self._keys = None
            return True

    def _ask(self, method: str, url: str, **given: Any) -> httpx.Response:
        try:
            response = self._http.request(method, url, **given)
        except httpx.HTTPError as error:
            raise ProviderAwayError(type(error).__name__) from None
        if response.status_code >= 500 or response.status_code == 429:
            raise ProviderAwayError(f"status {response.status_code}")
        return response


def _json(response: httpx.Response, what: str) -> Mapping[str, Any]:
    if response.status_code != 200 or len(response.content) > MAX_BYTES:
        raise ProviderAwayError(f"{what}: status {response.status_code}")
    try:
        answer = response.json()
    except ValueError:
        raise ProviderAwayError(f"{what}: not JSON") from None
    if not isinstance(answer, dict):
        raise ProviderAwayError(f"{what}: not an object")
    return answer


def _tokens(answer: Mapping[str, Any]) -> Tokens:
    access, refresh, id_token = (answer.get(name) for name in ("access_token", "refresh_token", "id_token"))
    if not isinstance(access, str) or not access:
        raise ProviderAwayError("token: no access token")
    return Tokens(access, refresh if isinstance(refresh, str) else "", id_token if isinstance(id_token, str) else "")
