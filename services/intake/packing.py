"""New rows of a batch, packed for binary COPY. Pure: reports or what is said of them in, one stream out."""

import struct
from collections.abc import Iterable, Mapping
from typing import Final

from ibalagh.storage.binary import NULL, microseconds, stream, text, uuid
from services.intake.acceptance import Prepared
from services.intake.status import Linked, Triaged

PENDING: Final = ("report_id", "accepted_at", "value")
VAULT: Final = ("report_id", "nonce", "ciphertext", "wrapped_key", "key_id", "sealed_at")
STATUSES: Final = ("report_id", "triage_version", "triage_status", "triaged_at", "case_id", "linked_at")
_length = struct.Struct(">i").pack
_start = struct.Struct(">hi16s").pack
_version = struct.Struct(">ii").pack
_time = struct.Struct(">iq").pack
_link = struct.Struct(">i16siq").pack
_NOT_TRIAGED: Final = NULL * 3
_NOT_LINKED: Final = NULL * 2


def pending(reports: Iterable[Prepared]) -> bytes:
    """A row for each of these reports, for `PENDING`."""
    parts: list[bytes] = []
    for report in reports:
        time = _time(8, microseconds(report.accepted_at))
        parts += (_start(3, 16, uuid(report.report_id)), time, _bytes(report.record.value or b""))
    return stream(parts)


def vault(reports: Iterable[Prepared]) -> bytes:
    """A row for each of these reports that has a sealed identity, for `VAULT`."""
    parts: list[bytes] = []
    for report in reports:
        if report.sealed is not None:
            nonce, ciphertext, wrapped_key, key_id = report.sealed
            parts += (_start(6, 16, uuid(report.report_id)), _bytes(nonce), _bytes(ciphertext), _bytes(wrapped_key))
            parts += (text(key_id), _time(8, microseconds(report.accepted_at)))
    return stream(parts)


def statuses(report_ids: Iterable[str], triaged: Mapping[str, Triaged], linked: Mapping[str, Linked]) -> bytes:
    """A row for each of these reports, for `STATUSES`."""
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


def _bytes(content: bytes) -> bytes:
    return _length(len(content)) + content
