"""The audit of the vault: a chain of rows, each with the hash of the one before, checked here apart from the database.

In: the rows as they are stored; out: what is wrong with them. The hash is SHA-256 over the previous hash and the
fields, each as its length in four bytes and its UTF-8 text (`intake_vault.note` in the migrations computes the same).
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

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


class Head(NamedTuple):
    """The newest row, by number and hash: kept elsewhere, it shows later that nothing up to it was rewritten."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """What `str` made. Raises ValueError."""
        number, _, digest = text.partition(":")
        return cls(int(number), bytes.fromhex(digest))


def hash_of(entry: Entry) -> bytes:
    """What the hash of a row must be, given the hash before it."""
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    fields = (
        str(entry.number),
        at,
        entry.actor,
        entry.login,
        entry.action,
        entry.report_id or "",
        entry.outcome,
        entry.reason,
    )
    framed = b"".join(len(field.encode()).to_bytes(4, "big") + field.encode() for field in fields)
    return hashlib.sha256(entry.previous + framed).digest()


def problems(entries: Iterable[Entry], head: Head, expected: Head | None = None) -> list[str]:
    """What is wrong with the audit, a sentence each; none when it is whole.

    `entries` are all rows in order, `head` is what the database says is the newest, `expected` a head noted earlier.
    """
    found: list[str] = []
    last = Head(0, START)
    met = expected is None or expected == last
    for entry in entries:
        if entry.number != last.number + 1:
            found.append(f"Rows {last.number + 1} to {entry.number - 1} are missing.")
        elif entry.previous != last.hash:
            found.append(f"Row {entry.number} does not follow from the row before it.")
        if entry.hash != hash_of(entry):
            found.append(f"Row {entry.number} was changed.")
        last = Head(entry.number, entry.hash)
        met = met or last == expected
    if last != head:
        found.append(f"The newest row should be {head.number}, the last one there is {last.number}.")
    if not met and expected is not None:
        found.append(f"Row {expected.number} is not the one that was noted: the audit was written anew.")
    return found
