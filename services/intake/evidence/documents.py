"""PDF and plain text, as far as bytes tell without a parser. Pure."""

import codecs
import re
from typing import Final

from services.intake.evidence.kinds import RefusedFileError
from services.intake.evidence.source import Source

_TRAILER_WITHIN: Final = 64 * 1024
"""Bytes before the end in which `startxref` is looked for. Readers look in the last 1,024 (ISO 32000-1, annex H);
what was added behind it is judged as other tails are."""
_LOCKED: Final = re.compile(rb"/Encrypt[\x00\t\n\f\r ]*(?:\d{1,10}[\x00\t\n\f\r ]+\d{1,5}[\x00\t\n\f\r ]+R|<<)")

_WRITTEN_FOR_MACHINES: Final = re.compile(
    rb"<(?:!doctype|!--|\?xml|\?php|%|html|head|body|script|iframe|style|title|meta|table|svg|object|embed|math)\b"
    rb"|<(?:!--|%|\?)|<(?:a|b|p|br|h1|div|font|img)[\s/>]|#!|\{\\rtf|%!ps|begin 644 |mime-version:[^\n]*\n.*boundary=",
    re.IGNORECASE | re.DOTALL,
)
"""What web pages, drawings, scripts and the like begin with (the tags are those of WHATWG's MIME sniffing, 7.1)."""
_WEB_PAGE: Final = re.compile(rb"<(?:!doctype\s+html|html|script|svg|iframe)\b|<\?php", re.IGNORECASE)

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_STRANGE: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def holds_web_page(head: bytes) -> bool:
    """Whether the head of a file holds what a browser would take for a page, a script or a drawing."""
    return _WEB_PAGE.search(head) is not None


def pdf_end(source: Source, start: int) -> int:
    """After the last `%%EOF` of the PDF at `start`. Raises `RefusedFileError`: `truncated_file`, `encrypted_file`."""
    tail_start = max(start, source.size - _TRAILER_WITHIN)
    tail = source.peek(tail_start, _TRAILER_WITHIN)
    mark = tail.rfind(b"%%EOF")
    if mark < 0 or tail.rfind(b"startxref", 0, mark) < 0:
        raise RefusedFileError("truncated_file")
    if source.find(_LOCKED, start, source.size, longest=64):
        raise RefusedFileError("encrypted_file")
    return tail_start + mark + 5


def text_encoding(source: Source) -> str | None:
    """The encoding of a plain text, `utf-8-sig` or `utf-16`; None if the file is not one.

    Raises `RefusedFileError` (`refused_kind`) for text that is written for machines: pages, scripts, drawings.
    """
    head = source.peek(0, 1_024)
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8-sig")
    decoder = codecs.getincrementaldecoder(encoding)()
    seen = ""
    try:
        for chunk in source.chunks(0, source.size):
            text = decoder.decode(chunk)
            if _STRANGE.search(text):
                return None
            seen = seen or text[:1_024]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    start = seen.lstrip().encode()
    if _WRITTEN_FOR_MACHINES.match(start) or holds_web_page(start):
        raise RefusedFileError("refused_kind")
    return encoding
