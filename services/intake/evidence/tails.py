"""What may stand behind the end of a file, and what makes a file two files at once. Pure.

Phones append to pictures: further pictures (multi-picture format, gain maps), the film of a motion photo, Samsung's
trailer, a maker's notes. These are accepted, since evidence is kept as it is and a viewing copy leaves them out.
"""

import re
from typing import Final

from services.intake.evidence.boxes import boxes_end, looks_like_boxes
from services.intake.evidence.documents import holds_web_page
from services.intake.evidence.kinds import OFFICE, Kind, RefusedFileError
from services.intake.evidence.pictures import jpeg_end
from services.intake.evidence.source import Source

TOLERANCE: Final = 64 * 1024
"""Bytes of no known form that may follow a picture or a film; makers' notes are smaller."""
_MOST_APPENDED: Final = 64
_FILLING: Final = re.compile(rb"[^\x00\xff\r\n ]", re.DOTALL)
_FOREIGN: Final = re.compile(
    rb"PK\x03\x04|PK\x05\x06|%PDF-|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\x7fELF|\xfd7zXZ\x00",
    re.DOTALL,
)
_CENTRAL_END_WITHIN: Final = 22 + 65_535
"""How far before the end a ZIP's directory may end: its record and the longest comment (APPNOTE 4.3.16)."""
_WITH_APPENDIX: Final = frozenset({Kind.JPEG, Kind.HEIC})


def check_tail(source: Source, kind: Kind, start: int) -> None:
    """Refuse (`ambiguous_file`) what follows the end of the file at `start`, unless it is known to be harmless."""
    end = source.size
    if kind in _WITH_APPENDIX:
        end = _before_samsung(source, start)
        for _ in range(_MOST_APPENDED):
            start = _after_filling(source, start, end)
            after = _after_part(source, start, end)
            if after == start:
                break
            start = after
    start = _after_filling(source, start, end)
    if end - start > TOLERANCE:
        raise RefusedFileError("ambiguous_file")
    rest = source.peek(start, end - start)
    if _FOREIGN.search(rest) or holds_web_page(rest):
        raise RefusedFileError("ambiguous_file")


def check_alone(source: Source, kind: Kind) -> None:
    """Refuse (`ambiguous_file`) a file that is also read as a PDF, a web page, an archive or a disk image."""
    head = source.peek(0, 1_024)
    if kind is not Kind.PDF and b"%PDF-" in head:
        raise RefusedFileError("ambiguous_file")
    if holds_web_page(head) or source.peek(257, 5) == b"ustar" or source.peek(0x8001, 5) == b"CD001":
        raise RefusedFileError("ambiguous_file")
    if kind not in OFFICE and _is_zip(source):
        raise RefusedFileError("ambiguous_file")


def _is_zip(source: Source) -> bool:
    """Whether a ZIP's directory can be found from the file's end, whatever stands before it."""
    first = max(0, source.size - _CENTRAL_END_WITHIN)
    tail = source.peek(first, _CENTRAL_END_WITHIN)
    place = tail.rfind(b"PK\x05\x06")
    while place >= 0:
        record = tail[place : place + 22]
        directory = first + place - int.from_bytes(record[12:16], "little")
        if len(record) == 22 and directory >= 0 and source.peek(directory, 4) in {b"PK\x01\x02", b"PK\x05\x06"}:
            return True
        place = tail.rfind(b"PK\x05\x06", 0, place)
    return False


def _after_filling(source: Source, start: int, end: int) -> int:
    found = source.find(_FILLING, start, end)
    if found is None:
        return end
    return found[0] - (source.peek(found[0] - 1, 2) == b"\xff\xd8" and found[0] - 1 >= start)


def _after_part(source: Source, start: int, end: int) -> int:
    """After the picture or the boxes at `start`; `start` itself where there is neither. One that was cut is refused."""
    try:
        if source.peek(start, 3) == b"\xff\xd8\xff":
            return min(jpeg_end(source, start), end)
        if end - start > 16 and (looks_like_boxes(source, start) or source.peek(start + 4, 4) == b"mpvd"):
            return boxes_end(source, start, end)
    except RefusedFileError as error:
        if error.code in {"too_many_pixels", "truncated_file"}:
            raise
    return start


def _before_samsung(source: Source, start: int) -> int:
    """Where Samsung's trailer begins, or the file's end: `SEFH`, a directory of parts before it, `SEFT` at the end."""
    size = source.size
    if size - start < 24 or source.peek(size - 4, 4) != b"SEFT":
        return size
    directory = size - 8 - source.little(size - 8, 4)
    if directory < start or source.peek(directory, 4) != b"SEFH":
        return size
    count = source.little(directory + 8, 4)
    if count > _MOST_APPENDED or directory + 12 + 12 * count > size - 8:
        return size
    furthest = max((source.little(directory + 12 + 12 * number + 4, 4) for number in range(count)), default=0)
    return directory - furthest if directory - furthest >= start else size
