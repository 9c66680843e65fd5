"""Rows that every report writes, packed for binary COPY. Pure.

In: rows; out: one stream for the columns named beside each function.
"""

import struct
from collections.abc import Iterable
from typing import Final

from ibalagh.storage.binary import days, microseconds, stream, text, uuid
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

_claim = struct.Struct(">hi16si16s").pack
_in_case = struct.Struct(">hi16si16siiii").pack
_in_none = struct.Struct(">hi16siiiii").pack
_arrival = struct.Struct(">iiiq").pack
_case = struct.Struct(">hi16siiiiihiq").pack


def claims(rows: Iterable[tuple[str, str, str | None]]) -> bytes:
    """Keys with the cases that own them, for `CLAIM_COLUMNS`; whose they were before is passed over."""
    return stream([_claim(2, 16, uuid(key), 16, uuid(case_id)) for key, case_id, _ in rows])


def memberships(rows: Iterable[Membership]) -> bytes:
    """Reports with their cases, for `MEMBERSHIP_COLUMNS`."""
    parts: list[bytes] = []
    for report_id, case_id, version, joined_version, category, received_on, joined_at in rows:
        parts += (
            _in_case(7, 16, uuid(report_id), 16, uuid(case_id), 4, version, 4, joined_version)
            if case_id is not None
            else _in_none(7, 16, uuid(report_id), -1, 4, version, 4, joined_version),
            text(category),
            _arrival(4, days(received_on), 8, microseconds(joined_at)),
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
        )
    return stream(parts)


def tally_json(case: Case) -> str:
    """A case's tally as a JSON object, its categories in order."""
    return "{" + ",".join([f'"{category}":{count}' for category, count in case.tally.items()]) + "}"
