"""Pictures inside documents, byte by byte as they were, but for what tells of their makers. Pure.

In: a picture; out: the same pixels. Raises `RefusedFileError` for what is not whole, or has too many pixels.
"""

import io
from typing import Final

from services.intake.evidence.boxes import boxes
from services.intake.evidence.kinds import RefusedFileError
from services.intake.evidence.pictures import jpeg_segments, png_end
from services.intake.evidence.source import Source

_FIRST_APPLICATION, _LAST_APPLICATION, _ADOBE, _COMMENT = 0xE0, 0xEF, 0xEE, 0xFE
_SEEN: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs"})
"""Chunks of a PNG that its look and size depend on; texts, times, EXIF and colour profiles go."""


def bare_jpeg(data: bytes) -> bytes:
    """The same JPEG without application segments, but for Adobe's, which tells how colours are meant, and comments."""
    source = Source(io.BytesIO(data))
    start = data.find(b"\xff\xd8")
    if start < 0:
        raise RefusedFileError("damaged_file")
    kept = [
        data[each.start : each.end]
        for each in jpeg_segments(source, start)
        if each.marker == _ADOBE
        or not (_FIRST_APPLICATION <= each.marker <= _LAST_APPLICATION or each.marker == _COMMENT)
    ]
    return b"\xff\xd8" + b"".join(kept)


def bare_jpeg2000(data: bytes) -> bytes:
    """The same JPEG 2000 picture with only the boxes that decoding needs (ISO/IEC 15444-1, annex I)."""
    if not data.startswith(b"\0\0\0\x0cjP  "):
        return data  # a bare code stream
    found = boxes(Source(io.BytesIO(data)), 0, len(data), outermost=True)
    return b"".join(data[box.start : box.end] for box in found if box.name in {b"jP  ", b"ftyp", b"jp2h", b"jp2c"})


def bare_png(data: bytes) -> bytes:
    """The same PNG with only the chunks that its look depends on; of a moving one the first picture."""
    source = Source(io.BytesIO(data))
    end, place = png_end(source, 0), 8
    kept = [data[:8]]
    while place < end:
        after = place + 12 + source.number(place, 4)
        if data[place + 4 : place + 8] in _SEEN:
            kept.append(data[place:after])
        place = after
    return b"".join(kept)
