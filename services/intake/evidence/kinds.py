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
}
"""The suffix that a file of each kind is shown and offered with."""

ACCEPTED: Final = (
    "Pictures (JPEG, PNG, WebP, GIF, HEIC), PDF, videos (MP4, MOV), sound (MP3, Ogg, M4A) and plain text are taken."
)

RULES: Final[Mapping[str, str]] = {
    "empty_file": "The file is empty.",
    "too_large": "The file is larger than 20 MB.",
    "truncated_file": "The file ends too early: it was not copied or sent in full. Send it again from where it came.",
    "damaged_file": "The file cannot be opened: it is damaged, or opening it takes too much time or memory.",
    "unknown_kind": f"The kind of this file is not known. {ACCEPTED}",
    "refused_kind": (
        f"Programs, scripts, archives, web pages, drawings (SVG), office documents and disk images are not taken. "
        f"{ACCEPTED} An office document can be sent as a PDF."
    ),
    "encrypted_file": "The file is locked with a password. Send a copy without a password.",
    "too_many_pixels": "The picture is too large: at most 64 million pixels, and 30,000 along a side.",
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
