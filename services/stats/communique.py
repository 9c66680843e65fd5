"""The figures of a communiqué, computed from counter cells; nothing is quoted, no figure is known beforehand.

In: the cells of a period. Out: `Figures`. Reports are those referred, by the civil day on which they came in; outcomes
are acts that happened in the period. Shares are percentages to one decimal, halves rounded up.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from pydantic import BaseModel, ConfigDict

from ibalagh.events.reports import HOME_COUNTRY
from ibalagh.events.vocabulary import BRANCH_OF, Branch, Category
from services.stats.counting import Cell, Measure

ISIS: Final = "isis"
"""Triage's code of the organisation that the communiqué names by itself."""

OTHER: Final = frozenset(
    {
        Category.INCITEMENT_AGAINST_PERSONS,
        Category.TRAFFICKING_PROHIBITED_MATERIAL,
        Category.SEXUAL_EXPLOITATION_MINORS,
    }
)
"""The categories that the communiqué adds up as "other" technology crime."""

NEEDED: Final = (Measure.REFERRED, Measure.SUSPECTS_IDENTIFIED, Measure.SUSPECTS_PRESENTED, Measure.SEARCH_NOTICES)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Share(_Model):
    """A count, its share in percent of the group that it belongs to, and that share in words, to be said of it."""

    count: int
    percent: float | None
    in_words: str | None


class Outcomes(_Model):
    """What became of suspects; `under_investigation` are those identified, neither presented nor searched for."""

    suspects_identified: int
    presented: int
    search_notices: int
    under_investigation: int


class Figures(_Model):
    """A communiqué as numbers. Shares of `technology_crime` are of that branch, all others of `reports_processed`."""

    first_day: date | None
    last_day: date | None
    reports_processed: int
    technology_crime: Share
    by_category: dict[str, Share]
    terrorism: Share
    terrorism_by_category: dict[str, Share]
    isis_praise: int
    out_of_scope: int
    identified: Share
    anonymous: Share
    domestic: Share
    abroad: Share
    by_country: dict[str, int]
    outcomes: Outcomes


def compute(cells: Mapping[Cell, int], first_day: date | None = None, last_day: date | None = None) -> Figures:
    """The figures of a period whose cells these are; measures that are not `NEEDED` are ignored."""
    referred = [(cell, count) for cell, count in cells.items() if cell.measure is Measure.REFERRED]

    def reports(wanted: Callable[[Cell], bool]) -> int:
        return sum(count for cell, count in referred if wanted(cell))

    def of_branch(branch: Branch) -> int:
        return reports(lambda cell: _branch(cell) is branch)

    def of(categories: Iterable[Category]) -> int:
        chosen = frozenset(categories)
        return reports(lambda cell: cell.category in chosen)

    total = reports(lambda _: True)
    cybercrime, terrorism = of_branch(Branch.CYBERCRIME), of_branch(Branch.TERRORISM)
    named = [each for each in Category if BRANCH_OF[each] is Branch.CYBERCRIME and each not in OTHER]
    identified = reports(lambda cell: cell.identified is True)
    domestic = reports(lambda cell: cell.country == HOME_COUNTRY)
    return Figures(
        first_day=first_day,
        last_day=last_day,
        reports_processed=total,
        technology_crime=share(cybercrime, total),
        by_category={
            **{each.value: share(of({each}), cybercrime) for each in named},
            "other": share(of(OTHER), cybercrime),
        },
        terrorism=share(terrorism, total),
        terrorism_by_category={
            each.value: share(of({each}), terrorism) for each in Category if BRANCH_OF[each] is Branch.TERRORISM
        },
        isis_praise=reports(lambda cell: cell.category is Category.TERRORISM_PRAISE and cell.organisation == ISIS),
        out_of_scope=of_branch(Branch.NONE),
        identified=share(identified, total),
        anonymous=share(total - identified, total),
        domestic=share(domestic, total),
        abroad=share(total - domestic, total),
        by_country=_by_country(referred),
        outcomes=_outcomes(cells),
    )


def share(count: int, total: int) -> Share:
    """A count as a share of a total; no share of nothing."""
    if total <= 0:
        return Share(count=count, percent=None, in_words=None)
    exact = Decimal(count * 100) / Decimal(total)
    percent = float(exact.quantize(Decimal("0.1"), ROUND_HALF_UP))
    return Share(count=count, percent=percent, in_words=in_words(count, total))


_FRACTIONS: Final = (
    (Fraction(1, 4), "a_quarter"),
    (Fraction(1, 3), "a_third"),
    (Fraction(1, 2), "half"),
    (Fraction(2, 3), "two_thirds"),
    (Fraction(3, 4), "three_quarters"),
)
_NEAR: Final = Fraction(1, 100)
"""Within one point of a hundred a fraction may be called `about`."""


def in_words(count: int, total: int) -> str:
    """The honest words for a share: `none`, `all`, `about_<fraction>` within a point of it, else
    `more_than_<the next fraction below>`, and `less_than_a_quarter` below the smallest. So three fifths are
    `more_than_half`, never `more_than_two_thirds`."""
    ratio = Fraction(count, total)
    if ratio <= 0:
        return "none"
    if ratio >= 1:
        return "all"
    for fraction, words in _FRACTIONS:
        if abs(ratio - fraction) <= _NEAR:
            return f"about_{words}"
    below = [words for fraction, words in _FRACTIONS if fraction < ratio]
    return f"more_than_{below[-1]}" if below else "less_than_a_quarter"


def _branch(cell: Cell) -> Branch:
    return Branch.NONE if cell.category is None else BRANCH_OF[cell.category]


def _by_country(referred: Iterable[tuple[Cell, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for cell, count in referred:
        if cell.country is not None:
            counts[cell.country] = counts.get(cell.country, 0) + count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {country: count for country, count in ordered if count}


def _outcomes(cells: Mapping[Cell, int]) -> Outcomes:
    def acts(measure: Measure) -> int:
        return sum(count for cell, count in cells.items() if cell.measure is measure)

    identified = acts(Measure.SUSPECTS_IDENTIFIED)
    presented, searched = acts(Measure.SUSPECTS_PRESENTED), acts(Measure.SEARCH_NOTICES)
    return Outcomes(
        suspects_identified=identified,
        presented=presented,
        search_notices=searched,
        under_investigation=identified - presented - searched,
    )
