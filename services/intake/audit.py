"""The audit of the vault: a chain of rows (`ibalagh.storage.chain`), checked here apart from the database.

In: the rows as they are stored; out: what is wrong with them. `intake_vault.note` in the migrations computes the same
hashes.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from ibalagh.storage import chain
from ibalagh.storage.chain import Head, Link

START: Final = hashlib.sha256(b"ibalagh vault audit").digest()
"""The hash before the first row."""


class Entry(NamedTuple):
    """A row of the audit. `login` is the login of the database; `outcome`: `granted`, `done`, or why it was refused."""

    number: int
    at: datetime
    actor: str
    login: str
    action: str
    report_id: str | None
    outcome: str
    reason: str
    previous: bytes
    hash: bytes


def hash_of(entry: Entry) -> bytes:
    """What the hash of a row must be, given the hash before it."""
    fields = (
        str(entry.number),
        chain.moment(entry.at),
        entry.actor,
        entry.login,
        entry.action,
        entry.report_id or "",
        entry.outcome,
        entry.reason,
    )
    return chain.hash_of(entry.previous, fields)


def problems(entries: Iterable[Entry], head: Head, expected: Head | None = None) -> list[str]:
    """What is wrong with the audit, a sentence each; none when it is whole.

    `entries` are all rows in order, `head` is what the database says is the newest, `expected` a head noted earlier.
    """
    links = (Link(entry.number, entry.previous, entry.hash, hash_of(entry)) for entry in entries)
    return chain.problems(links, START, head, expected)
