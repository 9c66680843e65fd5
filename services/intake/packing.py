"""Statuses of reports that had none, packed for binary COPY. Pure: what a batch says in, one stream out."""

import struct
from collections.abc import Iterable, Mapping
from typing import Final

from ibalagh.storage.binary import NULL, microseconds, stream, text, uuid
from services.intake.status import Linked, Triaged

COLUMNS: Final = ("report_id", "triage_version", "triage_status", "triaged_at", "case_id", "linked_at")
_start = struct.Struct(">hi16s").pack
_version = struct.Struct(">ii").pack
_time = struct.Struct(">iq").pack
_link = struct.Struct(">i16siq").pack
_NOT_TRIAGED: Final = NULL * 3
_NOT_LINKED: Final = NULL * 2


def statuses(report_ids: Iterable[str], triaged: Mapping[str, Triaged], linked: Mapping[str, Linked]) -> bytes:
    """A row for each of these reports, for `COLUMNS`."""
    parts: list[bytes] = []
    for report_id in report_ids:
        parts += (_start(6, 16, uuid(report_id)), _triage(triaged.get(report_id)), _case(linked.get(report_id)))
    return stream(parts)


def _triage(triaged: Triaged | None) -> bytes:
    if triaged is None:
        return _NOT_TRIAGED
    _, version, status, at, _ = triaged
    return _version(4, version) + text(status) + _time(8, microseconds(at))


def _case(linked: Linked | None) -> bytes:
    if linked is None:
        return _NOT_LINKED
    _, case_id, at, _ = linked
    if case_id is None:
        return NULL + _time(8, microseconds(at))
    return _link(16, uuid(case_id), 8, microseconds(at))
