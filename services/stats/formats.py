"""The formats of a communiqué. In: a signed document, a format, a language. Out: bytes and their media type."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

from services.stats import press_csv
from services.stats.labels import label
from services.stats.press_html import html
from services.stats.press_pdf import pdf
from services.stats.press_text import text
from services.stats.release import Signed
from services.stats.sheet import Sheet, sheet

Format = Literal["text", "html", "pdf", "json", "csv"]


class Written(NamedTuple):
    """A file: its bytes, their media type, the ending of its name."""

    content: bytes
    media_type: str
    ending: str


class _Kind(NamedTuple):
    write: Callable[[Sheet], bytes]
    media_type: str
    ending: str


_IN_WORDS: Final[Mapping[Format, _Kind]] = {
    "text": _Kind(lambda sheet: text(sheet).encode(), "text/plain; charset=utf-8", "txt"),
    "html": _Kind(html, "text/html; charset=utf-8", "html"),
    "pdf": _Kind(pdf, "application/pdf", "pdf"),
}
FORMATS: Final[tuple[Format, ...]] = ("text", "html", "pdf", "json", "csv")


def write(signed: Signed, format_: Format, language: str) -> Written:
    """A document in a format; the language is that of text, page and PDF."""
    if format_ == "json":
        return Written(signed.to_json(), "application/json", "json")
    if format_ == "csv":
        return Written(press_csv.table(signed), press_csv.MEDIA_TYPE, "csv")
    kind = _IN_WORDS[format_]
    return Written(kind.write(sheet(signed, language, label)), kind.media_type, kind.ending)
