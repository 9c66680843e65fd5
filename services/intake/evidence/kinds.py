"""The kinds of files that are taken in, their limits, and the named rules by which a file is refused. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

MAX_FILE_BYTES: Final = 20 * 1024 * 1024
"""The largest file: 20 MB in the larger reading of the word, so that nobody's 20 MB are too large."""

MAX_PIXELS: Final = 64_000_000
"""Width times height of the largest picture. Phones make up to 50 megapixels; 64 decode into 256 MB at most."""

MAX_SIDE: Final = 30_000
"""Pixels along the longer side: a screenshot of a whole conversation is long, but not longer."""


class Kind(StrEnum):
    """A kind of file that is taken in; the value is its media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"
    HEIC = "image/heic"
    PDF = "application/pdf"
    MP4 = "video/mp4"
    QUICKTIME = "video/quicktime"
    MP3 = "audio/mpeg"
    OGG = "audio/ogg"
    M4A = "audio/mp4"
    TEXT = "text/plain"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    ODP = "application/vnd.oasis.opendocument.presentation"


OFFICE: Final = frozenset({Kind.DOCX, Kind.XLSX, Kind.PPTX, Kind.ODT, Kind.ODS, Kind.ODP})
"""Documents that are archives of parts, by ECMA-376 (OPC) and ISO/IEC 26300 (OpenDocument)."""

SUFFIXES: Final[Mapping[Kind, str]] = {
    Kind.JPEG: ".jpg",
    Kind.PNG: ".png",
    Kind.WEBP: ".webp",
    Kind.GIF: ".gif",
    Kind.HEIC: ".heic",
    Kind.PDF: ".pdf",
    Kind.MP4: ".mp4",
    Kind.QUICKTIME: ".mov",
    Kind.MP3: ".mp3",
    Kind.OGG: ".ogg",
    Kind.M4A: ".m4a",
    Kind.TEXT: ".txt",
    Kind.DOCX: ".docx",
    Kind.XLSX: ".xlsx",
    Kind.PPTX: ".pptx",
    Kind.ODT: ".odt",
    Kind.ODS: ".ods",
    Kind.ODP: ".odp",
}
"""The suffix that a file of each kind is shown and offered with."""

ACCEPTED: Final = (
    "Pictures (JPEG, PNG, WebP, GIF, HEIC), PDF, office documents without macros (DOCX, XLSX, PPTX, ODT, ODS, ODP), "
    "videos (MP4, MOV), sound (MP3, Ogg, M4A) and plain text are taken."
)

RULES: Final[Mapping[str, str]] = {
    "empty_file": "The file is empty.",
    "too_large": "The file is larger than 20 MB.",
    "truncated_file": "The file ends too early: it was not copied or sent in full. Send it again from where it came.",
    "damaged_file": "The file cannot be opened: it is damaged, or opening it takes too much time or memory.",
    "unknown_kind": f"The kind of this file is not known. {ACCEPTED}",
    "refused_kind": (
        f"Programs, scripts, archives, web pages, drawings (SVG), older office documents and disk images are not "
        f"taken. {ACCEPTED} An older office document can be sent as a PDF."
    ),
    "encrypted_file": "The file is locked with a password. Send a copy without a password.",
    "too_many_pixels": "The picture is too large: at most 64 million pixels, and 30,000 along a side.",
    "macros": "The document holds macros, which are programs. Send it as a PDF, or screenshots of it.",
    "unpacks_too_large": "Unpacked, the document is far larger than it seems. Send the part that matters as a PDF.",
    "ambiguous_file": "The file is of more than one kind at once, or something was added after its end.",
}
"""Code of each refusal → the sentence that says why; problem details, metrics and texts use the codes."""


class NoCopyError(Exception):
    """Nothing is wrong with a file, but no copy of it can be made that surely leaves its metadata out."""


class RefusedFileError(Exception):
    """A file is not taken in, or cannot be shown; `code` is a key of `RULES`, the message its sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(RULES[code])
        self.code = code
