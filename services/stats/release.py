"""A communiqué as a document that can be signed, stored, compared and explained. Pure.

In: the tables of a period and the positions of the log that they stand on. Out: `Document`, whose canonical JSON
(`ibalagh.signing`) holds integers, texts and nulls only, and nothing of when or where it was made: the same log and the
same key give the same bytes. Two documents of one period are compared row by row: a correction.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, StringConstraints, ValidationError

from ibalagh.signing import PublicKeys, SigningKey, canonical
from ibalagh.stream.ports import Positions
from services.stats.tables import Strict, Table, counts_of

VERSION: Final = "ibalagh.communique.v1"
"""Part of what is signed, so that a signature of something else never passes for a communiqué's."""
_DECEMBER: Final = 12


class BadDocumentError(Exception):
    """What was given is no signed communiqué."""


class Place(Strict):
    """Up to where a partition of the log is counted: `next_offset` is the first offset that is not."""

    topic: str
    partition: Annotated[int, Field(ge=0, lt=2**31)]
    next_offset: Annotated[int, Field(ge=0, lt=2**53)]


class Days(Strict):
    """Civil days of Morocco, both included; null leaves an end open."""

    first: date | None = None
    last: date | None = None


class Document(Strict):
    """What is signed. `smallest_count` is the k below which counts are left out; null when nothing is left out, which
    is for those inside only."""

    version: Literal["ibalagh.communique.v1"] = VERSION
    key_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    period: Days
    compared_with: Days | None
    smallest_count: Annotated[int, Field(ge=2)] | None
    tables: tuple[Table, ...]
    log: tuple[Place, ...]


class Signed(Strict):
    """A document and the signature of its canonical form."""

    document: Document
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{86}$")]

    @property
    def sha256(self) -> str:
        """Of the canonical document, in hexadecimal digits: what a format without a place for a signature names."""
        return hashlib.sha256(canonical(self.document.model_dump(mode="json"))).hexdigest()

    def to_json(self) -> bytes:
        """UTF-8, with members in the order of the model and a line feed at the end: what a person can read."""
        return self.model_dump_json(indent=2).encode() + b"\n"


def sign(
    tables: Sequence[Table],
    period: Days,
    compared_with: Days | None,
    *,
    k: int | None,
    positions: Positions,
    key: SigningKey,
) -> Signed:
    """The document of these tables, signed."""
    places = sorted((topic, partition, offset) for (topic, partition), offset in positions.items())
    document = Document(
        key_id=key.key_id,
        period=period,
        compared_with=compared_with,
        smallest_count=k,
        tables=tuple(tables),
        log=tuple(Place(topic=topic, partition=partition, next_offset=offset) for topic, partition, offset in places),
    )
    return Signed(document=document, signature=key.signature(document.model_dump(mode="json")))


def read(given: bytes) -> Signed:
    """A signed communiqué from its JSON. Raises `BadDocumentError`."""
    try:
        return Signed.model_validate_json(given)
    except ValidationError:
        raise BadDocumentError from None


def verify(signed: Signed, keys: PublicKeys) -> None:
    """Raises `UnknownKeyError` or `BadSignatureError` unless one of these keys signed exactly this document."""
    keys.check(signed.document.key_id, signed.document.model_dump(mode="json"), signed.signature)


def period_before(period: Days) -> Days | None:
    """As many whole months, if the period is made of such, else as many days, that end where the period begins; None
    for a period with an open end, and where the calendar has no such days."""
    if period.first is None or period.last is None:
        return None
    try:
        after = period.last + timedelta(days=1)
        last = period.first - timedelta(days=1)
        if period.first.day != 1 or after.day != 1:
            return Days(first=period.first - (after - period.first), last=last)
        months = (after.year - period.first.year) * _DECEMBER + after.month - period.first.month
        month = period.first.year * _DECEMBER + period.first.month - 1 - months
        return Days(first=date(month // _DECEMBER, month % _DECEMBER + 1, 1), last=last)
    except (OverflowError, ValueError):
        return None


def overlap(one: Days, other: Days) -> bool:
    """Whether two periods have a day in common."""
    begins = max(one.first or date.min, other.first or date.min)
    return begins <= min(one.last or date.max, other.last or date.max)


def left_out(document: Document) -> frozenset[str]:
    """The rows that a document names without a count."""
    return frozenset(row.name for table in document.tables for row in table.rows if row.count is None)


class Correction(NamedTuple):
    """What a row was in an earlier release, and is in a later one; None where it was left out or was not there."""

    name: str
    was: int | None
    now: int | None


def corrections(earlier: Document, later: Document) -> list[Correction]:
    """The rows in which two documents of one period differ, in the order of the later one."""
    was, now = counts_of(earlier.tables), counts_of(later.tables)
    names = dict.fromkeys(row.name for document in (later, earlier) for table in document.tables for row in table.rows)
    return [Correction(name, was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name)]


class Explanation(NamedTuple):
    """Why two releases of one period differ: reports that joined the period's figures since, reports that left them,
    and reports that were moved from one row to another by a person."""

    added: int
    taken_away: int
    moved: int


def explain(earlier: Mapping[str, int], later: Mapping[str, int]) -> Explanation:
    """From the cells that two releases were made of: what cells gained and others lost was moved, as far as it evens
    out; the rest came or went."""
    differences = [later.get(cell, 0) - earlier.get(cell, 0) for cell in earlier.keys() | later.keys()]
    gained, lost = sum(each for each in differences if each > 0), -sum(each for each in differences if each < 0)
    moved = min(gained, lost)
    return Explanation(gained - moved, lost - moved, moved)
