"""Sign-ins of one service: begun by a provider or with the demonstration's people, looked up with each request, ended.

In: cookies, codes, the time. Out: `Session`, or nothing. With a session that is due for it the provider is asked about
the person first, so that a role that was taken away counts at the next request; while the provider does not answer,
roles hold for `roles_grace_s` more. Raises `RefusedError` and `ProviderAwayError` of `ibalagh.web.oidc`, `PassingError`
when the database is away.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from ibalagh.storage import people
from ibalagh.storage.audit import Audit
from ibalagh.storage.people import KeptSession, NewSession
from ibalagh.storage.postgres import Database
from ibalagh.web import flow, session
from ibalagh.web.demo_people import DEMO_PEOPLE
from ibalagh.web.flow import Flow
from ibalagh.web.oidc import Provider, ProviderAwayError, RefusedError, Tokens
from ibalagh.web.roles import Role, roles_from_claims, roles_of
from ibalagh.web.session import Fate, Session, Times
from ibalagh.web.sign_in_settings import How, SignInSettings

_log = logging.getLogger(__name__)
_MOST_NAME_CHARS: Final = 100
_KEY_BYTES: Final = 32
_ASK_AGAIN: Final = timedelta(seconds=15)
"""A request that asks the provider has this long before another one tries."""


class Begun(NamedTuple):
    """A session that began: the cookie's value and what it is."""

    secret: str
    session: Session


class SignIns:
    """The sign-ins of one service. Any thread may use it; calls block."""

    def __init__(
        self,
        settings: SignInSettings,
        database: Database,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.audit = Audit(database)
        self._settings = settings
        self._database = database
        self._clock = clock
        self._key = b""
        self._provider: Provider | None = None
        if settings.oidc_issuer:
            # Both are there: `SignInSettings` refuses an issuer without them.
            self._key = _read(settings.sign_in_key_file)
            if len(self._key) < _KEY_BYTES:
                raise ValueError(f"the key of pseudonyms needs {_KEY_BYTES} bytes or more")
            secret = _read(settings.oidc_client_secret_file).decode()
            self._provider = Provider(settings.oidc_issuer, settings.oidc_client_id, secret)

    def close(self) -> None:
        """Hang up on the provider."""
        if self._provider is not None:
            self._provider.close()

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser back to."""
        return f"{self._settings.site_url.rstrip('/')}/sign-in/return"

    def leave(self, to: str, language: str) -> tuple[str, str]:
        """Begin a sign-in by the provider: where to send the browser, and the cookie that it keeps meanwhile."""
        provider = self._asked()
        begun = Flow(
            state=secrets.token_urlsafe(),
            nonce=secrets.token_urlsafe(),
            verifier=secrets.token_urlsafe(48),
            to=flow.local(to),
            language=language,
            ends_at_s=int(self._clock().timestamp()) + flow.LASTS_S,
        )
        url = provider.authorization_url(
            self.redirect_uri, state=begun.state, nonce=begun.nonce, verifier=begun.verifier, language=language
        )
        return url, flow.write(begun, self._key)

    def come_back(self, cookie: str | None, state: str, code: str) -> tuple[Flow, Begun]:
        """End a sign-in by the provider, with its answer. Raises RefusedError: `unknown_sign_in`, `code_refused`, those
        of `id_token`, `no_role`, `shut_out`."""
        begun = flow.read(cookie, state, self._clock().timestamp(), self._key)
        if begun is None:
            raise RefusedError("unknown_sign_in")
        provider = self._asked()
        tokens, id_claims = provider.redeem(code, self.redirect_uri, nonce=begun.nonce, verifier=begun.verifier)
        try:
            claims = provider.claims(tokens)
        except RefusedError:
            raise RefusedError("code_refused") from None
        if claims["sub"] != id_claims["sub"]:
            raise RefusedError("wrong_sub")
        person = session.pseudonym_of(self._settings.oidc_issuer, claims["sub"], self._key)
        return begun, self._begin(Session(person, _name(claims, person), self._roles(claims)), tokens)

    def as_demo_person(self, pseudonym: str) -> Begun | None:
        """Begin a session of one of the demonstration's people; None for anybody else. The caller saw the token, and
        that there is a demonstration."""
        person = DEMO_PEOPLE.get(pseudonym)
        return None if person is None else self._begin(Session(*person), None)

    def find(self, secret: str | None, how: How) -> Session | None:
        """The session of a cookie; None when there is none, it is over, or people sign in otherwise by now. Raises
        `ProviderAwayError` when the provider has not confirmed its roles for too long."""
        if not secret:
            return None
        id_hash = session.id_of(secret)
        kept = people.find(self._database, id_hash)
        if kept is None:
            return None
        now = self._clock()
        settings = self._settings
        times = Times(kept.seen_at, kept.ends_at, kept.next_check_at, kept.confirmed_at)
        unconfirmed_s = settings.roles_recheck_s + settings.roles_grace_s
        roles: frozenset[Role] | None = roles_of(kept.roles)
        match session.fate(times, now, idle_s=settings.session_idle_s, unconfirmed_s=unconfirmed_s):
            case Fate.OVER:
                people.end(self._database, id_hash)
                return None
            case Fate.ASK:
                roles = self._recheck(
                    kept, secret, now, too_old=now >= kept.confirmed_at + timedelta(seconds=unconfirmed_s)
                )
            case Fate.UNCONFIRMED:
                raise ProviderAwayError("roles unconfirmed for too long")
        if not roles or (kept.next_check_at is None) is not (how is How.DEMO):
            people.end(self._database, id_hash)
            self.audit.note(kept.person, "session_ended", "session", settings.service, detail="no_role")
            return None
        if session.needs_touch(times, now, settings.session_idle_s):
            people.touch(self._database, id_hash, now)
        return Session(kept.person, kept.name, roles)

    def end(self, secret: str) -> str | None:
        """Sign out; where the browser signs out of the provider too, None when there is no such place."""
        ended = people.end(self._database, session.id_of(secret))
        if ended is None:
            return None
        person, sealed = ended
        self.audit.note(person, "signed_out", "session", self._settings.service)
        if sealed is None or self._provider is None:
            return None
        tokens = Tokens(*orjson.loads(session.unseal(sealed, secret)))
        try:
            return self._provider.sign_out_url(tokens.id_token, f"{self._settings.site_url.rstrip('/')}/")
        except ProviderAwayError:
            return None  # signed out here all the same

    def _begin(self, new: Session, tokens: Tokens | None) -> Begun:
        if not new.roles:
            self.audit.note(new.person, "sign_in_refused", "session", self._settings.service, detail="no_role")
            raise RefusedError("no_role")
        now = self._clock()
        secret = secrets.token_urlsafe(session.SECRET_BYTES)
        row = NewSession(
            id_hash=session.id_of(secret),
            person=new.person,
            name=new.name,
            roles=new.roles,
            now=now,
            ends_at=now + timedelta(seconds=self._settings.session_s),
            next_check_at=None if tokens is None else now + timedelta(seconds=self._settings.roles_recheck_s),
            sealed=None if tokens is None else _sealed(tokens, secret),
        )
        if not people.begin(self._database, row, idle_s=self._settings.session_idle_s):
            self.audit.note(new.person, "sign_in_refused", "session", self._settings.service, detail="shut_out")
            raise RefusedError("shut_out")
        roles = " ".join(sorted(new.roles))
        self.audit.note(new.person, "signed_in", "session", self._settings.service, detail=roles)
        return Begun(secret, new)

    def _recheck(self, kept: KeptSession, secret: str, now: datetime, *, too_old: bool) -> frozenset[Role] | None:
        """The roles after asking the provider; the known ones, unless they are too old, when another request asks or it
        does not answer; None when the session is to end."""
        id_hash = session.id_of(secret)
        if self._provider is None or kept.sealed is None:
            return None
        if not people.claim_check(self._database, id_hash, now, now + _ASK_AGAIN):
            if too_old:
                raise ProviderAwayError("roles unconfirmed for too long")
            return roles_of(kept.roles)
        tokens = Tokens(*orjson.loads(session.unseal(kept.sealed, secret)))
        try:
            tokens, claims = self._ask_about(tokens)
        except RefusedError:
            return None
        except ProviderAwayError as error:
            _log.warning("the identity provider does not answer", extra={"error": str(error)})
            if too_old:
                raise
            return roles_of(kept.roles)
        roles = self._roles(claims)
        if session.pseudonym_of(self._settings.oidc_issuer, claims["sub"], self._key) != kept.person:
            return None
        people.confirm(
            self._database,
            id_hash,
            kept,
            roles,
            now,
            next_check_at=now + timedelta(seconds=self._settings.roles_recheck_s),
            sealed=_sealed(tokens, secret),
        )
        return roles

    def _ask_about(self, tokens: Tokens) -> tuple[Tokens, Mapping[str, Any]]:
        provider = self._asked()
        try:
            return tokens, provider.claims(tokens)
        except RefusedError:
            renewed = provider.renew(tokens)
            return renewed, provider.claims(renewed)

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[Role]:
        return roles_from_claims(claims, self._settings.oidc_roles_claim, self._settings.oidc_roles)

    def _asked(self) -> Provider:
        if self._provider is None:
            raise RefusedError("no_provider")
        return self._provider


def _sealed(tokens: Tokens, secret: str) -> bytes:
    return session.seal(orjson.dumps(list(tokens)), secret, secrets.token_bytes(session.NONCE_BYTES))


def _read(path: Any) -> bytes:
    content: bytes = path.read_bytes()
    return content.strip()


def _name(claims: Mapping[str, Any], otherwise: str) -> str:
    """What the person is called, for the person's own eyes."""
    found = next((claims[each] for each in ("name", "preferred_username") if claims.get(each)), otherwise)
    return str(found)[:_MOST_NAME_CHARS]
