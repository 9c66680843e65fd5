"""What a file is, from its content alone: a seekable file in, a `Kind` out, or the rule that refuses it. Pure.

Kinds that are taken are told by their signature and then walked to their end by their own structure (`pictures`,
`boxes`, `sound`, `documents`, `office`), a window of 64 KB at a time; nothing is decoded here and no
library parses anything. Names and media types that a sender states play no part.
"""

import re
from typing import BinaryIO, Final

from services.intake.evidence.boxes import boxes_end, kind_of_boxes, looks_like_boxes
from services.intake.evidence.documents import pdf_end, text_encoding
from services.intake.evidence.kinds import MAX_FILE_BYTES, RULES, Kind, RefusedFileError
from services.intake.evidence.office import kind_of_office
from services.intake.evidence.pictures import gif_end, jpeg_end, png_end, webp_end
from services.intake.evidence.sound import frame_length, mp3_end, mp3_frames, ogg_end
from services.intake.evidence.source import Source
from services.intake.evidence.tails import check_alone, check_tail

__all__ = ["RULES", "Kind", "RefusedFileError", "inspect"]

_BEFORE_PDF: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\r ]{0,16}%PDF-\d")
_REFUSED: Final = re.compile(
    rb"PK\x03\x04|PK\x05\x06|PK\x07\x08|Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|\x1f\x9d|MSCF|ISc\("
    rb"|MZ|\x7fELF|\xca\xfe\xba\xbe|[\xce\xcf]\xfa\xed\xfe|\xfe\xed\xfa[\xce\xcf]|dex\n|\x00asm|\xd0\xcf\x11\xe0"
    rb"|L\x00\x00\x00\x01\x14\x02\x00|conectix|KDMV|QFI\xfb|vhdxfile|!<arch>|SQLite format 3|FWS|CWS|ZWS",
    re.DOTALL,
)
"""What programs, archives, disk images, shortcuts and old office documents begin with."""
_TELLTALES: Final = ((257, b"ustar"), (0x8001, b"CD001"))


def inspect(file: BinaryIO) -> Kind:
    """The kind of a seekable file; its position afterwards is anywhere.

    Raises `RefusedFileError`, with a key of `RULES` as `code`, for a file that is not taken in. Holds a window of the
    file at a time, and takes steps in proportion to its size, which is bounded.
    """
    source = Source(file)
    if source.size == 0:
        raise RefusedFileError("empty_file")
    if source.size > MAX_FILE_BYTES:
        raise RefusedFileError("too_large")
    found = _picture(source) or _pdf(source) or _film(source) or _sound(source) or _office(source)
    if found is None:
        return _text(source)
    kind, end = found
    check_alone(source, kind)
    check_tail(source, kind, end)
    return kind


def _picture(source: Source) -> tuple[Kind, int] | None:
    head = source.peek(0, 16)
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG, jpeg_end(source, 0)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG, png_end(source, 0)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Kind.GIF, gif_end(source, 0)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Kind.WEBP, webp_end(source, 0)
    return None


def _pdf(source: Source) -> tuple[Kind, int] | None:
    start = _BEFORE_PDF.match(source.peek(0, 32))
    if start is None:
        return None
    check_alone(source, Kind.PDF)  # before its end is looked for, which an archive behind it may have pushed away
    return Kind.PDF, pdf_end(source, start.end() - 6)


def _film(source: Source) -> tuple[Kind, int] | None:
    if not looks_like_boxes(source, 0):
        return None
    end = boxes_end(source, 0, source.size)
    kind = kind_of_boxes(source, 0, end)
    if kind is None:
        raise RefusedFileError("unknown_kind")
    return kind, end


def _sound(source: Source) -> tuple[Kind, int] | None:
    head = source.peek(0, 4)
    if head == b"OggS":
        end = ogg_end(source, 0)
        if end is None:
            raise RefusedFileError("unknown_kind")
        return Kind.OGG, end
    if head.startswith(b"ID3") or frame_length(head) is not None:
        frames = mp3_frames(source, 0)
        if frames is not None:
            return Kind.MP3, mp3_end(source, frames[1])
    return None


def _office(source: Source) -> tuple[Kind, int] | None:
    kind = kind_of_office(source)
    return None if kind is None else (kind, source.size)


def _text(source: Source) -> Kind:
    """Plain text, or the refusal of everything that is nothing else."""
    if text_encoding(source) is not None:
        check_alone(source, Kind.TEXT)
        return Kind.TEXT
    if _REFUSED.match(source.peek(0, 32)) or any(source.peek(place, len(mark)) == mark for place, mark in _TELLTALES):
        raise RefusedFileError("refused_kind")
    raise RefusedFileError("unknown_kind")
