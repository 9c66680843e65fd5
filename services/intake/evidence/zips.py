"""The directory of a ZIP archive, read without unpacking anything (APPNOTE 6.3.10, clauses 4.3 and 4.4). Pure.

In: a file that starts as an archive; out: its entries, in the order of their places. Refused (`RefusedFileError`) is
whatever two readers could read differently: bytes that no entry has, entries that overlap, a name twice, a local header
that says otherwise than the directory, ZIP64, several disks; and what would unpack to too much (`unpacks_too_large`).
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from services.intake.evidence.kinds import RefusedFileError
from services.intake.evidence.source import Source

MOST_ENTRIES: Final = 4_000
"""A presentation with some hundred slides has two thousand parts."""
MOST_BYTES: Final = 200 * 1024 * 1024
"""All entries together, unpacked: ten times the largest file."""
_RATIO: Final = 250
"""So many times larger may a part become that is larger than `_SMALL`; honest tables reach 60, a bomb 1,000."""
_SMALL: Final = 1024 * 1024
_END_BYTES: Final = 22
_DESCRIPTOR_BYTES: Final = 24
"""The longest record behind an entry's data, for writers that know the sizes only then (4.3.9)."""
_STORED, _DEFLATED = 0, 8
_ENCRYPTED: Final = 0x41
"""Bits 0 and 6 of the flags (4.4.4)."""


class Entry(NamedTuple):
    """A part of an archive: its name, where its header starts, where its data is, how large it says it is unpacked."""

    name: str
    start: int
    data: int
    packed_bytes: int
    size_bytes: int
    stored: bool
    locked: bool


def entries(source: Source) -> Sequence[Entry]:
    """The entries. Raises as said above; `truncated_file` where the directory's end is not that of the file."""
    end = source.size - _END_BYTES
    if end < 0 or source.peek(end, 4) != b"PK\x05\x06":
        raise RefusedFileError("truncated_file")
    count, size, start = source.little(end + 10, 2), source.little(end + 12, 4), source.little(end + 16, 4)
    if start + size != end or source.peek(end + 4, 4) != bytes(4) or source.little(end + 8, 2) != count:
        raise RefusedFileError("ambiguous_file")
    if not 0 < count <= MOST_ENTRIES:
        raise RefusedFileError("unpacks_too_large" if count else "damaged_file")
    found = sorted(_listed(source, start, end, count), key=lambda entry: entry.start)
    place = 0
    for entry in found:
        _check_between(entry.start - place)
        place = entry.data + entry.packed_bytes
    _check_between(start - place)
    if found[0].start != 0 or len({entry.name.lower() for entry in found}) != count:
        raise RefusedFileError("ambiguous_file")
    if sum(entry.size_bytes for entry in found) > MOST_BYTES:
        raise RefusedFileError("unpacks_too_large")
    return found


def _listed(source: Source, place: int, end: int, count: int) -> Iterator[Entry]:
    for _ in range(count):
        head = source.at(place, 46)
        if head[:4] != b"PK\x01\x02":
            raise RefusedFileError("damaged_file")
        flags, method = _little(head, 8, 2), _little(head, 10, 2)
        packed, size, named = _little(head, 20, 4), _little(head, 24, 4), _little(head, 28, 2)
        start = _little(head, 42, 4)
        written = source.at(place + 46, named)
        place += 46 + named + _little(head, 30, 2) + _little(head, 32, 2)
        if place > end or method not in {_STORED, _DEFLATED} or (method == _STORED and packed != size):
            raise RefusedFileError("damaged_file")
        if size > _SMALL and size > _RATIO * packed:
            raise RefusedFileError("unpacks_too_large")
        local = source.at(start, 30)
        data = start + 30 + _little(local, 26, 2) + _little(local, 28, 2)
        if local[:4] != b"PK\x03\x04" or data + packed > end:
            raise RefusedFileError("damaged_file")
        if _little(local, 8, 2) != method or source.at(start + 30, _little(local, 26, 2)) != written:
            raise RefusedFileError("ambiguous_file")
        yield Entry(_name(written), start, data, packed, size, method == _STORED, bool(flags & _ENCRYPTED))
    if place != end:
        raise RefusedFileError("damaged_file")


def _name(written: bytes) -> str:
    """A path inside the archive, and of nowhere else."""
    try:
        name = written.decode()
    except UnicodeDecodeError:
        name = written.decode("latin-1")
    steps = name.rstrip("/").split("/")
    if "\\" in name or "\0" in name or {"", ".", ".."} & set(steps):
        raise RefusedFileError("damaged_file")
    return name


def _check_between(gap: int) -> None:
    if not 0 <= gap <= _DESCRIPTOR_BYTES:
        raise RefusedFileError("ambiguous_file")


def _little(head: bytes, start: int, length: int) -> int:
    return int.from_bytes(head[start : start + length], "little")
