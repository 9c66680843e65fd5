"""Who sees which cases: postings of people, keys of services' own systems, and transactions that show no more.

In: a pseudonym or an `Authorization` header. Out: a `Scope`; and for a scope, a transaction in which the database
itself (row-level security, PostgreSQL section 5.9) shows the rows of that scope only. Raises `PassingError`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.storage.postgres import Database, Isolation, role_of
from ibalagh.storage.queries import load
from ibalagh.storage.transaction import Transaction
from services.referral.scope import NOTHING, Scope

ROLE: Final = role_of("referral_officer")
"""The database role that sees rows by scope; neither it nor anything it may become owns them."""
KEY_PREFIX: Final = "ibs_"
_SQL: Final = load("services.referral")


class Posting(NamedTuple):
    """Where a person works, and since when."""

    person: str
    scope: Scope
    since: datetime


@contextmanager
def seen(database: Database, scope: Scope, isolation: Isolation = "read committed") -> Iterator[Transaction]:
    """A read-only transaction that shows what `scope` may see."""
    with database.transaction(isolation, read_only=True) as tx:
        if not scope.everything:
            values = {"role": ROLE, "service": scope.service or "", "prosecutor": scope.prosecutor or ""}
            tx.fetch_one(_SQL["limit_to_scope"], values)
        yield tx


class Access:
    """The tables `postings` and `service_keys`. `unposted`: what a person sees who has no posting."""

    def __init__(self, database: Database, *, unposted: Scope = NOTHING) -> None:
        self._database = database
        self._unposted = unposted

    def of_person(self, person: str) -> Scope:
        """What a person who is signed in sees."""
        with self._database.transaction(read_only=True) as tx:
            row = tx.fetch_one(_SQL["posting_of"], {"person": person})
        return self._unposted if row is None else Scope(row[0], row[1])

    def of_key(self, authorization: str | None) -> Scope | None:
        """What a service's own system sees that sends its key as a bearer token; None for anything else."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip().startswith(KEY_PREFIX):
            return None
        with self._database.transaction(read_only=True) as tx:
            row = tx.fetch_one(_SQL["service_of_key"], {"key_hash": hash_of(key.strip())})
        return None if row is None else Scope(row[0])

    def post(self, person: str, scope: Scope, now: datetime) -> None:
        """Say where a person works from now on."""
        values = {"person": person, "service": scope.service, "prosecutor": scope.prosecutor, "since": now}
        with self._database.transaction() as tx:
            tx.execute(_SQL["save_posting"], values)

    def remove(self, person: str) -> bool:
        """End a person's posting; whether there was one."""
        with self._database.transaction() as tx:
            return tx.execute(_SQL["remove_posting"], {"person": person}) > 0

    def postings(self) -> Sequence[Posting]:
        """Everybody who has one."""
        with self._database.transaction(read_only=True) as tx:
            return [Posting(row[0], Scope(row[1], row[2]), row[3]) for row in tx.fetch_all(_SQL["postings"])]

    def add_key(self, key: str, service: str, now: datetime) -> None:
        """Let a key of a service in."""
        with self._database.transaction() as tx:
            tx.execute(_SQL["save_service_key"], {"key_hash": hash_of(key), "service": service, "now": now})

    def end_keys(self, service: str, now: datetime) -> int:
        """End every key of a service; how many there were."""
        with self._database.transaction() as tx:
            return tx.execute(_SQL["end_service_keys"], {"service": service, "now": now})


def hash_of(key: str) -> bytes:
    """What is kept of a key: 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode()).digest()
