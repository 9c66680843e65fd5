"""Do the figures that stats computed equal those that the scenario was made from? Pure.

Both sides become the same flat mapping, name of a line → count; the name is what a person reads in the table.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bench.scenario.figures import Figures
from ibalagh.events.vocabulary import Category

_ALL: Final = "reports processed"
_CRIME: Final = "technology crime"
_CRIME_NAMES: Final[dict[Category, str]] = {
    Category.FRAUD: "fraud",
    Category.SEXUAL_BLACKMAIL: "sexual blackmail",
    Category.INSULT_DEFAMATION: "insult and defamation",
    Category.VIOLENCE_THREATS: "violence and threats",
}
OTHER: Final = "other (incitement, trafficking, exploitation)"
_OTHER_PARTS: Final = (
    Category.INCITEMENT_AGAINST_PERSONS,
    Category.TRAFFICKING_PROHIBITED_MATERIAL,
    Category.SEXUAL_EXPLOITATION_MINORS,
)
"""The communiqué adds these three up."""
_TERRORISM: Final = "terrorism and extremism"
_TERRORISM_NAMES: Final[dict[Category, str]] = {
    Category.TERRORISM_PRAISE: "praise of terrorism",
    Category.TERRORISM_INCITEMENT_RECRUITMENT: "incitement to terrorism, recruitment",
}
_ISIS: Final = "of these praise of ISIS"
_REPORTERS: Final = {
    "identified": "with full identity",
    "anonymous": "anonymous",
    "abroad": "from abroad",
    "domestic": "domestic",
}
_SUSPECTS: Final = "suspects identified"
_FATES: Final = {
    "presented": "brought before justice",
    "search_notices": "under search notice",
    "under_investigation": "still under investigation",
}


class Line(NamedTuple):
    """A line of the communiqué: how deep it stands, and of which other line its share is told."""

    name: str
    depth: int = 0
    base: str | None = None
    starts_section: bool = False


LINES: Final = (
    Line(_ALL),
    Line(_CRIME, base=_ALL, starts_section=True),
    *(Line(name, 1, _CRIME) for name in (*_CRIME_NAMES.values(), OTHER)),
    Line(_TERRORISM, base=_ALL, starts_section=True),
    Line(_TERRORISM_NAMES[Category.TERRORISM_PRAISE], 1, _TERRORISM),
    Line(_ISIS, 2, _TERRORISM),
    Line(_TERRORISM_NAMES[Category.TERRORISM_INCITEMENT_RECRUITMENT], 1, _TERRORISM),
    Line(_REPORTERS["identified"], base=_ALL, starts_section=True),
    Line(_REPORTERS["anonymous"], base=_ALL),
    Line(_REPORTERS["abroad"], base=_ALL, starts_section=True),
    Line(_REPORTERS["domestic"], base=_ALL),
    Line(_SUSPECTS, starts_section=True),
    *(Line(name, 1, _SUSPECTS) for name in _FATES.values()),
)
"""The communiqué from top to bottom."""
ALL_LINES: Final = frozenset(line.name for line in LINES)
SUSPECT_LINES: Final = frozenset(line.name for line in LINES if _SUSPECTS in (line.name, line.base))
REPORT_LINES: Final = ALL_LINES - SUSPECT_LINES


class Difference(NamedTuple):
    """One line on which the two sides differ."""

    name: str
    expected: int
    computed: int


def expected(figures: Figures) -> dict[str, int]:
    """The lines that the scenario was made to add up to."""
    counts = figures.by_category
    suspects = figures.suspects
    return {
        _ALL: figures.reports,
        _CRIME: sum(figures.cybercrime.values()),
        **{name: counts.get(category, 0) for category, name in (_CRIME_NAMES | _TERRORISM_NAMES).items()},
        OTHER: sum(counts.get(category, 0) for category in _OTHER_PARTS),
        _TERRORISM: sum(figures.terrorism.values()),
        _ISIS: figures.naming_isis,
        _REPORTERS["identified"]: figures.identified,
        _REPORTERS["anonymous"]: figures.reports - figures.identified,
        _REPORTERS["abroad"]: figures.abroad,
        _REPORTERS["domestic"]: figures.reports - figures.abroad,
        _SUSPECTS: suspects.identified,
        _FATES["presented"]: suspects.presented,
        _FATES["search_notices"]: suspects.searched,
        _FATES["under_investigation"]: suspects.under_investigation,
    }


def computed(communique: Mapping[str, Any]) -> dict[str, int]:
    """The same lines out of the communiqué that stats computed (JSON of `GET /v1/communique`)."""
    crime, terrorism = communique["by_category"], communique["terrorism_by_category"]
    outcomes = communique["outcomes"]
    return {
        _ALL: communique["reports_processed"],
        _CRIME: communique["technology_crime"]["count"],
        **{name: crime[category.value]["count"] for category, name in _CRIME_NAMES.items()},
        OTHER: crime["other"]["count"],
        _TERRORISM: communique["terrorism"]["count"],
        **{name: terrorism[category.value]["count"] for category, name in _TERRORISM_NAMES.items()},
        _ISIS: communique["isis_praise"],
        **{name: communique[key]["count"] for key, name in _REPORTERS.items()},
        _SUSPECTS: outcomes["suspects_identified"],
        **{name: outcomes[key] for key, name in _FATES.items()},
    }


def differences(wanted: Mapping[str, int], computed: Mapping[str, int]) -> list[Difference]:
    """The lines that differ, in the order of `wanted`; a line that is missing counts as 0."""
    return [
        Difference(name, count, computed.get(name, 0))
        for name, count in wanted.items()
        if computed.get(name, 0) != count
    ]
