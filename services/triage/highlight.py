"""Where a report's indicators stand in its text, and links that nobody can follow by accident. Pure.

In: the text as it was written, the indicators in canonical form; out: the text in pieces, each marked with the kind of
what it is, or with nothing. An indicator that is written too differently from its canonical form is not found, and
stands in the list only. Linear in the text for each of at most `MOST` indicators.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ibalagh.events.reports import Indicator
from ibalagh.events.vocabulary import IndicatorKind

MOST: Final = 50
"""Indicators that are looked for; a text with more of them is a list already."""
_PHONE_DIGITS: Final = 9
"""Of a number, so many last digits stand in every way of writing it."""
_SCHEME: Final = re.compile(r"\bhttp(s?)://", re.IGNORECASE)
_EASTERN: Final = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_PERSIAN: Final = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


class Piece(NamedTuple):
    """A part of a text: what stands there, and of which kind of indicator it is; empty for plain text."""

    text: str
    kind: str


class Span(NamedTuple):
    """From where to where in a text something stands, and what it is."""

    start: int
    end: int
    kind: str


def defang(link: str) -> str:
    """A link as it is shown: `hxxps://a[.]example/x`, which no programme takes for one."""
    return _SCHEME.sub(r"hxxp\1://", link).replace(".", "[.]")


def spans(text: str, indicators: Sequence[Indicator]) -> list[Span]:
    """Where the indicators stand, in order, without overlaps: what begins first holds, of two the longer."""
    found = [
        Span(match.start(), match.end(), indicator.kind.value)
        for indicator in indicators[:MOST]
        for match in _pattern(indicator).finditer(text)
        if match.end() > match.start()
    ]
    return _apart(found)


def pieces(text: str, marked: Iterable[Span]) -> list[Piece]:
    """The text in pieces. Links among them are defanged. Spans that overlap are put in order first."""
    parts: list[Piece] = []
    end = 0
    for span in _apart(marked):
        if span.start > end:
            parts.append(Piece(text[end : span.start], ""))
        said = text[span.start : span.end]
        parts.append(Piece(defang(said) if span.kind == IndicatorKind.URL else said, span.kind))
        end = span.end
    return [*parts, Piece(text[end:], "")] if end < len(text) or not parts else parts


def _apart(found: Iterable[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def _pattern(indicator: Indicator) -> re.Pattern[str]:
    value = indicator.value
    match indicator.kind:
        case IndicatorKind.URL:
            host, slash, path = value.partition("/")
            named = r"(?:\.|\[\.\])".join(map(re.escape, host.split(".")))
            return re.compile(
                rf"(?<![\w.-])(?:h(?:tt|xx)ps?://)?(?:www\.)?{named}{re.escape(slash + path)}/?(?![\w-])", re.IGNORECASE
            )
        case IndicatorKind.PHONE:
            digits = re.sub(r"\D", "", value)[-_PHONE_DIGITS:]
            return re.compile(r"(?:[+(]?[0-9٠-٩۰-۹][0-9٠-٩۰-۹ ().-]{0,6})?" + _spaced(digits, r"[ ().-]{0,2}"))
        case IndicatorKind.IBAN:
            return re.compile(_spaced(value, r"[ -]?"), re.IGNORECASE)
        case IndicatorKind.HANDLE:
            name = value.rpartition(":")[2].rpartition("/")[2].lstrip("@")
            return re.compile(rf"@?(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
        case _:
            return re.compile(rf"(?<!\w){re.escape(value)}(?!\w)", re.IGNORECASE)


def _spaced(signs: str, between: str) -> str:
    return between.join(
        f"[{sign}{sign.translate(_EASTERN)}{sign.translate(_PERSIAN)}]" if sign.isdigit() else re.escape(sign)
        for sign in signs
    )
