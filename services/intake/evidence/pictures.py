"""JPEG, PNG, GIF and WebP, walked by their own structure: where the picture ends, and how large it says it is. Pure.

Each function takes a file and the place where the picture starts, and returns the place right after its end. Nothing
is decoded. All raise `RefusedFileError`: `truncated_file`, `damaged_file`, `too_many_pixels`.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from services.intake.evidence.kinds import MAX_PIXELS, MAX_SIDE, RefusedFileError
from services.intake.evidence.source import Source

MOST_PARTS: Final = 100_000
"""Segments, chunks or blocks of a picture that are walked: an honest file of 20 MB has some thousands."""

_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Start-of-frame markers (ITU T.81, table B.1)."""
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length (ITU T.81, B.1.1.3)."""


def check_pixels(width: int, height: int) -> None:
    """Refuse a picture of no pixels (`damaged_file`) or of too many (`too_many_pixels`)."""
    if width <= 0 or height <= 0:
        raise RefusedFileError("damaged_file")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise RefusedFileError("too_many_pixels")


def jpeg_end(source: Source, start: int) -> int:
    """After the EOI marker of the JPEG at `start` (ITU T.81, annex B)."""
    end = start
    for segment in jpeg_segments(source, start):
        end = segment.end
    return end


class Segment(NamedTuple):
    """A segment of a JPEG: its marker's second byte, where it starts and ends; a scan ends after its coded data."""

    marker: int
    start: int
    end: int


def jpeg_segments(source: Source, start: int) -> Iterator[Segment]:
    """The segments between SOI and EOI, and EOI itself as the last; no more than `MOST_PARTS`."""
    place, framed, scanned = start + 2, False, False
    for _ in range(MOST_PARTS):
        head = source.at(place, 2)
        if head[0] != 0xFF or head[1] in {0x00, 0xD8}:
            raise RefusedFileError("damaged_file")
        marker = head[1]
        if marker == 0xFF:  # a filling byte
            place += 1
            continue
        if marker == 0xD9:
            if not (framed and scanned):
                raise RefusedFileError("damaged_file")
            yield Segment(marker, place, place + 2)
            return
        length = 0 if marker in _BARE else source.number(place + 2, 2)
        end = place + 2 + length
        if marker in _FRAMES:
            check_pixels(source.number(place + 7, 2), source.number(place + 5, 2))
            framed = True
        elif marker == 0xDA:
            found = source.find(_MARKER, end, source.size)
            if found is None:
                raise RefusedFileError("truncated_file")
            end, scanned = found[0], True
        yield Segment(marker, place, end)
        place = end
    raise RefusedFileError("damaged_file")


def png_end(source: Source, start: int) -> int:
    """After the IEND chunk of the PNG at `start` (PNG third edition, clause 5), with every chunk's CRC checked."""
    place, data = start + 8, False
    for number in range(MOST_PARTS):
        length, name = source.number(place, 4), source.at(place + 4, 4)
        if (number == 0) != (name == b"IHDR") or not name.isalpha():
            raise RefusedFileError("damaged_file")
        if number == 0:
            if length != 13:
                raise RefusedFileError("damaged_file")
            check_pixels(source.number(place + 8, 4), source.number(place + 12, 4))
        end = place + 8 + length
        if end + 4 > source.size:
            raise RefusedFileError("truncated_file")
        crc = 0
        for chunk in source.chunks(place + 4, end):
            crc = zlib.crc32(chunk, crc)
        if crc != source.number(end, 4):
            raise RefusedFileError("damaged_file")
        place, data = end + 4, data or name == b"IDAT"
        if name == b"IEND":
            if not data:
                raise RefusedFileError("damaged_file")
            return place
    raise RefusedFileError("damaged_file")


def gif_end(source: Source, start: int) -> int:
    """After the trailer of the GIF at `start` (GIF89a, clauses 17 to 27)."""
    check_pixels(source.little(start + 6, 2), source.little(start + 8, 2))
    place, drawn = start + 13 + _table(source.at(start + 10, 1)[0]), False
    for _ in range(MOST_PARTS):
        introducer = source.at(place, 1)[0]
        if introducer == 0x3B:
            if not drawn:
                raise RefusedFileError("damaged_file")
            return place + 1
        if introducer == 0x2C:
            check_pixels(source.little(place + 5, 2), source.little(place + 7, 2))
            place = _sub_blocks(source, place + 11 + _table(source.at(place + 9, 1)[0]))
            drawn = True
        elif introducer == 0x21:
            place = _sub_blocks(source, place + 2)
        else:
            raise RefusedFileError("damaged_file")
    raise RefusedFileError("damaged_file")


def _table(packed: int) -> int:
    """Bytes of the colour table that the packed fields announce."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _sub_blocks(source: Source, place: int) -> int:
    for _ in range(MOST_PARTS):
        length = source.at(place, 1)[0]
        place += 1 + length
        if length == 0:
            return place
    raise RefusedFileError("damaged_file")


def webp_end(source: Source, start: int) -> int:
    """After the RIFF container of the WebP at `start` (RFC 9649, section 2)."""
    end = start + 8 + source.little(start + 4, 4)
    if end > source.size:
        raise RefusedFileError("truncated_file")
    place, drawn = start + 12, False
    for _ in range(MOST_PARTS):
        if place >= end:
            break
        name, length = source.at(place, 4), source.little(place + 4, 4)
        if place + 8 + length > end:
            raise RefusedFileError("damaged_file")
        size = _webp_size(source, name, place + 8)
        if size:
            check_pixels(*size)
        drawn = drawn or name in {b"VP8 ", b"VP8L", b"ANMF"}
        place += 8 + length + length % 2
    if not drawn or place < end:
        raise RefusedFileError("damaged_file")
    return end


def _webp_size(source: Source, name: bytes, place: int) -> tuple[int, int] | None:
    if name == b"VP8X":
        return source.little(place + 4, 3) + 1, source.little(place + 7, 3) + 1
    if name == b"ANMF":
        return source.little(place + 6, 3) + 1, source.little(place + 9, 3) + 1
    if name == b"VP8L":
        bits = source.little(place + 1, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 ":
        return source.little(place + 6, 2) & 0x3FFF, source.little(place + 8, 2) & 0x3FFF
    return None
