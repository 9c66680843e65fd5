"""The rows of the figures as the dashboard shows them, and how numbers are written in each language.

In: `Figures`, counts, percentages. Out: lines, texts.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ibalagh.events.vocabulary import Category
from services.stats.communique import Figures, Share


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
