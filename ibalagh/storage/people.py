"""The rows of people and of their sessions, in a service's own schema. One small transaction a call.

Everything raises `PassingError` when the database is away.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load

_SQL: Final = load("ibalagh.storage")


class NewSession(NamedTuple):
    """A session that begins. `id_hash`: of the cookie's value; `sealed`: the provider's tokens, if there are any."""

    id_hash: bytes
    person: str
    name: str
    roles: Collection[str]
    now: datetime
    ends_at: datetime
    next_check_at: datetime | None
    sealed: bytes | None


class KeptSession(NamedTuple):
    """A session as it is kept."""

    person: str
    name: str
    roles: list[str]
    seen_at: datetime
    ends_at: datetime
    next_check_at: datetime | None
    confirmed_at: datetime
    sealed: bytes | None


class KnownPerson(NamedTuple):
    """Somebody who ever signed in: roles as they were seen last, how many sessions are open, the last request noted."""

    pseudonym: str
    roles: list[str]
    signed_in_at: datetime
    revoked_at: datetime | None
    sessions: int
    seen_at: datetime | None


def begin(database: Database, new: NewSession, *, idle_s: int) -> bool:
    """Begin a session, and forget those that are over; False for a person who was shut out."""
    fields = new._asdict() | {"roles": sorted(new.roles), "idle_s": idle_s}
    with database.transaction() as tx:
        if not tx.execute(_SQL["note_person"], fields):
            return False
        tx.execute(_SQL["forget_sessions"], fields)
        tx.execute(_SQL["add_session"], fields)
        return True


def find(database: Database, id_hash: bytes) -> KeptSession | None:
    """A session; None for one that is unknown."""
    with database.transaction(read_only=True) as tx:
        row = tx.fetch_one(_SQL["find_session"], {"id_hash": id_hash})
    return None if row is None else KeptSession(*row)


def touch(database: Database, id_hash: bytes, now: datetime) -> None:
    """Note a request."""
    with database.transaction() as tx:
        tx.execute(_SQL["touch_session"], {"id_hash": id_hash, "now": now})


def claim_check(database: Database, id_hash: bytes, now: datetime, until: datetime) -> bool:
    """Whether it is this request that asks the provider; no other one does so before `until`."""
    with database.transaction() as tx:
        return tx.execute(_SQL["claim_check"], {"id_hash": id_hash, "now": now, "until": until}) == 1


def confirm(
    database: Database,
    id_hash: bytes,
    kept: KeptSession,
    roles: Collection[str],
    now: datetime,
    *,
    next_check_at: datetime,
    sealed: bytes,
) -> None:
    """Write what the provider said of a session's person."""
    fields = {
        "id_hash": id_hash,
        "person": kept.person,
        "roles": sorted(roles),
        "now": now,
        "next_check_at": next_check_at,
        "sealed": sealed,
    }
    with database.transaction() as tx:
        tx.execute(_SQL["confirm_session"], fields)
        tx.execute(_SQL["confirm_person"], fields)


def end(database: Database, id_hash: bytes) -> tuple[str, bytes | None] | None:
    """End a session; whose it was and what was sealed in it, None when there was none."""
    with database.transaction() as tx:
        row = tx.fetch_one(_SQL["end_session"], {"id_hash": id_hash})
    return None if row is None else (row[0], row[1])


def shut_out(database: Database, person: str, now: datetime) -> int | None:
    """Let a person not sign in any more and end the open sessions; how many, None for a person unknown here."""
    with database.transaction() as tx:
        if not tx.execute(_SQL["shut_out"], {"person": person, "now": now}):
            return None
        return tx.execute(_SQL["end_sessions_of"], {"person": person})


def let_in(database: Database, person: str) -> bool:
    """Let a person who was shut out sign in again; False when nobody of that name was."""
    with database.transaction() as tx:
        return tx.execute(_SQL["let_in"], {"person": person}) == 1


def everybody(database: Database, now: datetime) -> list[KnownPerson]:
    """Everybody who ever signed in, the latest first."""
    with database.transaction(read_only=True) as tx:
        return [KnownPerson(*row) for row in tx.fetch_all(_SQL["list_people"], {"now": now})]
