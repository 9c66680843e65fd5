"""Who saw and did what: rows that are only added, each with the hash of the one before (`ibalagh.storage.chain`).

A row says who (a pseudonym), when, what, about which subject and by which permission; never anything of a reporter, and
no network address. It is committed before the page is answered: what cannot be noted is not shown. One statement writes
the rows of a request, however many subjects it is about. Everything raises `PassingError` when the database is away.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.storage import chain
from ibalagh.storage.chain import Head, Link
from ibalagh.storage.postgres import Database
from ibalagh.storage.queries import load

START: Final = hashlib.sha256(b"ibalagh access audit").digest()
"""The hash before the first row."""
BY_COMMAND: Final = "(command)"
"""Who does what is done by the command line; no pseudonym has brackets."""
_SQL: Final = load("ibalagh.storage")
_PAGE: Final = 1_000
_LAST: Final = 2**63 - 1


class Entry(NamedTuple):
    """A row. `login` is the login of the database; `kind` and `subject` say what it is about, e.g. a report and its
    id; `detail` is a code."""

    number: int
    at: datetime
    person: str
    login: str
    action: str
    kind: str
    subject: str
    permission: str
    detail: str
    previous: bytes
    hash: bytes


class Audit:
    """The audit of one service. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def viewed(self, person: str, kind: str, *subjects: str, permission: str) -> None:
        """Somebody is about to see these reports, cases or whatever `kind` is."""
        self.note(person, "viewed", kind, *subjects, permission=permission)

    def note(self, person: str, action: str, kind: str, *subjects: str, permission: str = "", detail: str = "") -> None:
        """Append a row for each subject."""
        if not subjects:
            return
        fields = {
            "person": person,
            "action": action,
            "kind": kind,
            "subjects": list(subjects),
            # Members of enumerations are texts here.
            "permission": str(permission),
            "detail": str(detail),
        }
        with self._database.transaction() as tx:
            tx.fetch_one(_SQL["audit_note"], fields)

    def newest(self, *, person: str = "", subject: str = "", limit: int = 100, before: int = _LAST) -> list[Entry]:
        """The newest rows before number `before`, of one person or about one subject if these are given, the newest
        first."""
        with self._database.transaction(read_only=True) as tx:
            rows = tx.fetch_all(
                _SQL["audit_newest"], {"person": person, "subject": subject, "limit": limit, "before": before}
            )
        return [Entry(*row) for row in rows]

    def problems(self, expected: Head | None = None) -> tuple[Head, list[str]]:
        """The newest row, and what is wrong with the audit up to it. `expected`: a head noted earlier."""
        with self._database.transaction(read_only=True) as tx:
            head = Head(*(tx.fetch_one(_SQL["audit_head"]) or (0, b"")))
        links = (_link(entry) for entry in self._all() if entry.number <= head.number)
        return head, chain.problems(links, START, head, expected)

    def _all(self) -> Iterator[Entry]:
        after = 0
        while True:
            with self._database.transaction(read_only=True) as tx:
                rows = tx.fetch_all(_SQL["audit_rows"], {"after": after, "limit": _PAGE})
            yield from (Entry(*row) for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]


def hash_of(entry: Entry) -> bytes:
    """What the hash of a row must be, given the hash before it."""
    texts = (entry.person, entry.login, entry.action, entry.kind, entry.subject, entry.permission, entry.detail)
    return chain.hash_of(entry.previous, (str(entry.number), chain.moment(entry.at), *texts))


def _link(entry: Entry) -> Link:
    return Link(entry.number, entry.previous, entry.hash, hash_of(entry))
