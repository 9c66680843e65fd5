"""A chain of hashes, by which an audit shows that no row of it was changed or removed. Pure.

In: rows as they are stored, each with the hash of the row before. Out: what is wrong with them. The hash of a row is
SHA-256 over the hash before and the fields, each as its length in four bytes and its UTF-8 text; functions of the
migrations compute the same, and this is to be checked apart from the database.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple


class Link(NamedTuple):
    """A row of an audit: its number from 1, the hash before it, its own, and the one that its fields give."""

    number: int
    previous: bytes
    hash: bytes
    computed: bytes


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


def hash_of(previous: bytes, fields: Sequence[str]) -> bytes:
    """What the hash of a row must be."""
    framed = b"".join(len(field.encode()).to_bytes(4, "big") + field.encode() for field in fields)
    return hashlib.sha256(previous + framed).digest()


def moment(at: datetime) -> str:
    """A time as it is hashed."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def problems(links: Iterable[Link], start: bytes, head: Head, expected: Head | None = None) -> list[str]:
    """What is wrong with an audit, a sentence each; none when it is whole.

    `links` are all rows in order, `start` the hash before the first, `head` is what the database says is the newest,
    `expected` a head noted earlier.
    """
    found: list[str] = []
    last = Head(0, start)
    met = expected is None or expected == last
    for link in links:
        if link.number != last.number + 1:
            found.append(f"Rows {last.number + 1} to {link.number - 1} are missing.")
        elif link.previous != last.hash:
            found.append(f"Row {link.number} does not follow from the row before it.")
        if link.hash != link.computed:
            found.append(f"Row {link.number} was changed.")
        last = Head(link.number, link.hash)
        met = met or last == expected
    if last != head:
        found.append(f"The newest row should be {head.number}, the last one there is {last.number}.")
    if not met and expected is not None:
        found.append(f"Row {expected.number} is not the one that was noted: the audit was written anew.")
    return found
