"""A communiqué in one language, every number written: what text, page and PDF show alike. Pure.

In: a signed document, a language, and what rows are called. Out: a `Sheet` of texts. A row that is left out has an
asterisk for a count, which a note explains. A change is said in percent of the period before, halves rounded up.
"""

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from services.stats.press import number, percentage
from services.stats.release import Days, Signed
from services.stats.tables import Row
from services.stats.wording import say

LEFT_OUT: Final = "*"


class Line(NamedTuple):
    """A row in words. All but `label` and `count` may be empty."""

    label: str
    depth: int
    count: str  # type: ignore[assignment] # what a tuple counts by that name nobody asks
    share: str
    words: str
    before: str
    change: str


class Section(NamedTuple):
    """A table in words."""

    title: str
    lines: tuple[Line, ...]


class Sheet(NamedTuple):
    """A communiqué in words. `columns` are the heads of count, share, and, when there is a comparison, before and
    change. `log`, `key_id` and `signature` are for whoever checks it."""

    language: str
    title: str
    period: str
    columns: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    log: tuple[str, ...]
    key_id: str
    signature: str

    @property
    def compared(self) -> bool:
        """Whether there is a period to compare with."""
        return len(self.columns) > 2


def sheet(signed: Signed, language: str, label: Callable[[str, str], str]) -> Sheet:
    """A document in a language of `wording.LANGUAGES`; `label` gives the name of a row in a language."""
    document = signed.document
    columns = ["count", "share"] + (["before", "change"] if document.compared_with else [])
    return Sheet(
        language=language,
        title=say("title", language),
        period=period(document.period, language),
        columns=tuple(say(column, language) for column in columns),
        sections=tuple(
            Section(
                say(f"table_{table.name}", language),
                tuple(_line(row, language, label(row.name, language)) for row in table.rows),
            )
            for table in document.tables
        ),
        notes=tuple(_notes(signed, language)),
        log=tuple(f"{place.topic}/{place.partition}: {place.next_offset}" for place in document.log),
        key_id=document.key_id,
        signature=signed.signature,
    )


def period(days: Days, language: str) -> str:
    """A period as a sentence."""
    if days.first is None and days.last is None:
        return say("period_open", language)
    first, last = (_day(day, language) for day in (days.first, days.last))
    return say("period", language).format(first=first, last=last)


def _day(day: date | None, language: str) -> str:
    """A day as ISO 8601 writes it; in Arabic isolated (Unicode, UAX 9), else its parts would change places."""
    written = day.isoformat() if day else "…"
    return f"\u2066{written}\u2069" if language == "ar" else written


def _line(row: Row, language: str, label: str) -> Line:
    return Line(
        label=label,
        depth=row.depth,
        count=LEFT_OUT if row.count is None else number(row.count, language),
        share=percentage(None if row.per_mille is None else row.per_mille / 10, language),
        words=say(row.in_words, language) if row.in_words else "",
        before="" if row.before is None else number(row.before, language),
        change=_change(row, language),
    )


def _change(row: Row, language: str) -> str:
    if row.count is None or row.before is None or row.before <= 0:
        return ""
    exact = Decimal((row.count - row.before) * 100) / Decimal(row.before)
    percent = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
    sign = "+" if percent > 0 else "−" if percent < 0 else ""
    return sign + percentage(float(abs(percent)), language)


def _notes(signed: Signed, language: str) -> list[str]:
    document = signed.document
    notes = [say("basis", language)]
    if document.compared_with is not None:
        first, last = (_day(day, language) for day in (document.compared_with.first, document.compared_with.last))
        notes.append(say("compared", language).format(first=first, last=last))
    if document.smallest_count is None:
        notes.append(say("exact", language))
    elif any(row.count is None for table in document.tables for row in table.rows):
        notes.append(say("left_out", language).format(most=document.smallest_count - 1))
    return notes
