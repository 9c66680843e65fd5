"""A communiqué as plain text: a table that a journalist can read, in one of four languages.

In: `Figures`. Out: lines of text, ending with a newline. Columns are kept by width as a terminal shows it: marks that
combine with a letter take none.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from ibalagh.events.vocabulary import Category
from services.stats.communique import Figures, Share
from services.stats.wording import say

_LABEL_WIDTH: Final = 46
_COUNT_WIDTH: Final = 9
_SHARE_WIDTH: Final = 9


class Line(NamedTuple):
    """One row of the table: depth 0 is a head figure; `percent` and `words` are None where a share says nothing."""

    name: str
    depth: int
    value: int
    percent: float | None = None
    words: str | None = None


def lines(figures: Figures) -> Iterator[Line]:
    """The rows of the table, in the order of the platform's own communiqué."""

    def shared(name: str, depth: int, share: Share, *, spoken: bool = False) -> Line:
        return Line(name, depth, share.count, share.percent, share.in_words if spoken else None)

    yield Line("reports_processed", 0, figures.reports_processed)
    yield shared("technology_crime", 1, figures.technology_crime)
    yield from (shared(name, 2, share) for name, share in figures.by_category.items())
    yield shared("terrorism", 1, figures.terrorism)
    for name, share in figures.terrorism_by_category.items():
        yield shared(name, 2, share)
        if name == Category.TERRORISM_PRAISE:
            yield Line("isis_praise", 3, figures.isis_praise)
    if figures.out_of_scope:
        yield Line("out_of_scope", 1, figures.out_of_scope)
    yield shared("identified", 0, figures.identified, spoken=True)
    yield shared("anonymous", 0, figures.anonymous)
    yield shared("domestic", 0, figures.domestic)
    yield shared("abroad", 0, figures.abroad)
    outcomes = figures.outcomes
    yield Line("suspects_identified", 0, outcomes.suspects_identified)
    yield Line("presented", 1, outcomes.presented)
    yield Line("search_notices", 1, outcomes.search_notices)
    yield Line("under_investigation", 1, outcomes.under_investigation)


def text(figures: Figures, language: str) -> str:
    """The communiqué in a language of `wording.LANGUAGES`."""
    written = [say("title", language), period(figures, language), ""]
    head = _row("", say("count", language), say("share", language))
    written += [head, "─" * (_LABEL_WIDTH + _COUNT_WIDTH + _SHARE_WIDTH)]
    for line in lines(figures):
        label = "  " * line.depth + say(line.name, language)
        row = _row(label, number(line.value, language), percentage(line.percent, language))
        written.append(f"{row}  ({say(line.words, language)})" if line.words else row)
    return "\n".join(each.rstrip() for each in written) + "\n"


def period(figures: Figures, language: str) -> str:
    """The period as a sentence."""
    if figures.first_day is None and figures.last_day is None:
        return say("period_open", language)
    first, last = (day.isoformat() if day else "…" for day in (figures.first_day, figures.last_day))
    return say("period", language).format(first=first, last=last)


def number(count: int, language: str) -> str:
    """A count with its thousands apart: `1,234` in English, `1 234` (no-break space) in French and Spanish, `1.234` in
    Arabic as Morocco writes it."""
    separator = {"en": ",", "ar": "."}.get(language, "\u00a0")
    return f"{count:,}".replace(",", separator)


def percentage(percent: float | None, language: str) -> str:
    """A percentage to one decimal, with the language's decimal sign."""
    if percent is None:
        return ""
    written = f"{percent:.1f}"
    return f"{written} %" if language == "en" else f"{written.replace('.', ',')} %"


def _row(label: str, count: str, share: str) -> str:
    wrapped = label if _width(label) <= _LABEL_WIDTH else _shortened(label)
    padding = " " * (_LABEL_WIDTH - _width(wrapped.rpartition("\n")[2]))
    return f"{wrapped}{padding}{count:>{_COUNT_WIDTH}}{share:>{_SHARE_WIDTH}}"


def _shortened(label: str) -> str:
    """A label too long for its column goes on in further lines, indented once more."""
    indent = " " * (len(label) - len(label.lstrip()) + 2)
    rows: list[str] = []
    current = ""
    for word in label.lstrip().split(" "):
        candidate = f"{current} {word}" if current else indent[2:] + word if not rows else indent + word
        if current and _width(candidate) > _LABEL_WIDTH:
            rows.append(current)
            current = indent + word
        else:
            current = candidate
    return "\n".join([*rows, current])


def _width(text_: str) -> int:
    return sum(not unicodedata.combining(letter) for letter in text_)
