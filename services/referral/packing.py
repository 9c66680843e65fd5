"""Rows that every report writes, packed for binary COPY. Pure.

In: rows; out: one stream for the columns named beside each function.
"""

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ibalagh.storage.binary import NULL, days, microseconds, stream, text, uuid
from services.referral.model import Case, Clock, Membership

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
    "clock",
    "clock_started_at",
    "clock_warns_at",
    "clock_due_at",
    "clock_level",
    "clock_strikes_at",
)

_UUID_OID: Final = 2950
_ARRAY_HEADER: Final = 20
_KEY_BYTES: Final = 20

_claim = struct.Struct(">hi16si16s").pack
_in_case = struct.Struct(">hi16si16siiii").pack
_times = struct.Struct(">iqiqiqih").pack
_strike = struct.Struct(">iq").pack
_in_none = struct.Struct(">hi16siiiii").pack
_arrival = struct.Struct(">iiiq").pack
_array = struct.Struct(">iiiIii").pack
_array_of_one = struct.Struct(">iiiIiii16s").pack
_key = struct.Struct(">i16s").pack
_case = struct.Struct(">hi16siiiiihiq").pack


def claims(rows: Iterable[tuple[str, str, str | None]]) -> bytes:
    """Keys with the cases that own them, for `CLAIM_COLUMNS`; whose they were before is passed over."""
    return stream([_claim(2, 16, uuid(key), 16, uuid(case_id)) for key, case_id, _ in rows])


def memberships(rows: Iterable[Membership]) -> bytes:
    """Reports with their cases, for `MEMBERSHIP_COLUMNS`."""
    parts: list[bytes] = []
    for report_id, case_id, version, joined_version, category, received_on, joined_at, keys in rows:
        parts += (
            _in_case(8, 16, uuid(report_id), 16, uuid(case_id), 4, version, 4, joined_version)
            if case_id is not None
            else _in_none(8, 16, uuid(report_id), -1, 4, version, 4, joined_version),
            text(category),
            _arrival(4, days(received_on), 8, microseconds(joined_at)),
            _keys(keys),
        )
    return stream(parts)


def cases(rows: Iterable[Case]) -> bytes:
    """New cases, for `CASE_COLUMNS`."""
    parts: list[bytes] = []
    for case in rows:
        parts += (
            _case(
                len(CASE_COLUMNS),
                16,
                uuid(case.case_id),
                4,
                case.version,
                4,
                days(case.received_on),
                2,
                case.urgency,
                8,
                microseconds(case.opened_at),
            ),
            text(case.state),
            text(case.category),
            text(case.province),
            text(case.service),
            text(case.prosecutor),
            text(case.competence_table),
            text(case.competence_rule),
            text(tally_json(case)),
            text(case.result),
            _clock(case.clock),
        )
    return stream(parts)


def _keys(keys: tuple[str, ...]) -> bytes:
    """An array of uuid as PostgreSQL sends it (`array_send`): dimensions, nulls, type's OID, length, lower bound."""
    if not keys:
        return NULL
    if len(keys) == 1:  # as nearly every report has it
        return _array_of_one(_ARRAY_HEADER + _KEY_BYTES, 1, 0, _UUID_OID, 1, 1, 16, uuid(keys[0]))
    parts = [_key(16, uuid(key)) for key in keys]
    return _array(_ARRAY_HEADER + len(parts) * _KEY_BYTES, 1, 0, _UUID_OID, len(parts), 1) + b"".join(parts)


@lru_cache(maxsize=1_024)
def _clock(clock: Clock | None) -> bytes:
    """The last six columns. Cached, since the cases that a batch opens share the few clocks that started with it."""
    if clock is None:
        return NULL * 6
    kind, started_at, warns_at, due_at, level, strikes_at = clock
    began, warns, due = microseconds(started_at), microseconds(warns_at), microseconds(due_at)
    times = _times(8, began, 8, warns, 8, due, 2, level)
    return text(kind) + times + (NULL if strikes_at is None else _strike(8, microseconds(strikes_at)))


def tally_json(case: Case) -> str:
    """A case's tally as a JSON object, its categories in order."""
    return "{" + ",".join([f'"{category}":{count}' for category, count in case.tally.items()]) + "}"
