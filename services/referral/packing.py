"""Rows that every report writes, packed for binary COPY (PostgreSQL, "COPY", section "Binary Format"). Pure.

Text format would cost four times as much here and make the database parse every id and time. In: rows; out: one
stream for the columns named beside each function. A null is length -1; dates count days, times microseconds, from 2000.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from uuid_utils import UUID

from services.referral.model import Case, Membership

CLAIM_COLUMNS: Final = ("key", "case_id")
MEMBERSHIP_COLUMNS: Final = Membership._fields
CASE_COLUMNS: Final = (
    "case_id",
    "version",
    "received_on",
    "urgency",
    "opened_at",
    "state",
    "category",
    "province",
    "service",
    "prosecutor",
    "competence_table",
    "competence_rule",
    "tally",
    "result",
)

_START: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END: Final = struct.pack(">h", -1)
_NULL: Final = struct.pack(">i", -1)
_EPOCH_DAY: Final = date(2000, 1, 1).toordinal()
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_claim = struct.Struct(">hi16si16s").pack
_in_case = struct.Struct(">hi16si16siiii").pack
_in_none = struct.Struct(">hi16siiiii").pack
_arrival = struct.Struct(">iiiq").pack
_case = struct.Struct(">hi16siiiiihiq").pack


def claims(rows: Iterable[tuple[str, str, str | None]]) -> bytes:
    """Keys with the cases that own them, for `CLAIM_COLUMNS`; whose they were before is passed over."""
    return b"".join([_START, *[_claim(2, 16, _uuid(key), 16, _uuid(case_id)) for key, case_id, _ in rows], _END])


def memberships(rows: Iterable[Membership]) -> bytes:
    """Reports with their cases, for `MEMBERSHIP_COLUMNS`."""
    parts = [_START]
    for report_id, case_id, version, joined_version, category, received_on, joined_at in rows:
        parts += (
            _in_case(7, 16, _uuid(report_id), 16, _uuid(case_id), 4, version, 4, joined_version)
            if case_id is not None
            else _in_none(7, 16, _uuid(report_id), -1, 4, version, 4, joined_version),
            _text(category),
            _arrival(4, received_on.toordinal() - _EPOCH_DAY, 8, _microseconds(joined_at)),
        )
    parts.append(_END)
    return b"".join(parts)


def cases(rows: Iterable[Case]) -> bytes:
    """New cases, for `CASE_COLUMNS`."""
    parts = [_START]
    for case in rows:
        parts += (
            _case(
                len(CASE_COLUMNS),
                16,
                _uuid(case.case_id),
                4,
                case.version,
                4,
                case.received_on.toordinal() - _EPOCH_DAY,
                2,
                case.urgency,
                8,
                _microseconds(case.opened_at),
            ),
            _text(case.state),
            _text(case.category),
            _text(case.province),
            _text(case.service),
            _text(case.prosecutor),
            _text(case.competence_table),
            _text(case.competence_rule),
            _text(tally_json(case)),
            _text(case.result),
        )
    parts.append(_END)
    return b"".join(parts)


def tally_json(case: Case) -> str:
    """A case's tally as a JSON object, its categories in order."""
    return "{" + ",".join([f'"{category}":{count}' for category, count in case.tally.items()]) + "}"


def _uuid(text: str) -> bytes:
    return UUID(text).bytes


@lru_cache(maxsize=1024)
def _text(value: str | None) -> bytes:
    """A text with its length. Cached: these are codes of closed lists and of the competence table, and tallies, which
    begin with one report of one category."""
    if value is None:
        return _NULL
    content = value.encode()
    return struct.pack(">i", len(content)) + content


@lru_cache(maxsize=64)
def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
