"""Do the figures that stats computed equal those that the scenario was made from? Pure.

Both sides become the same flat mapping, name of a line → count; the name is what a person reads in the table.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bench.scenario.figures import Figures
from ibalagh.events.vocabulary import Category

NAMES: Final[Mapping[Category, str]] = {
    Category.FRAUD: "fraud",
    Category.SEXUAL_BLACKMAIL: "sexual blackmail",
    Category.INSULT_DEFAMATION: "insult and defamation",
    Category.VIOLENCE_THREATS: "violence and threats",
    Category.INCITEMENT_AGAINST_PERSONS: "incitement against persons",
    Category.TRAFFICKING_PROHIBITED_MATERIAL: "trafficking in prohibited material",
    Category.SEXUAL_EXPLOITATION_MINORS: "sexual exploitation of minors",
    Category.TERRORISM_PRAISE: "praise of terrorism",
    Category.TERRORISM_INCITEMENT_RECRUITMENT: "incitement to terrorism, recruitment",
}


OTHER: Final = "other"
_OTHER_PARTS: Final = (
    Category.INCITEMENT_AGAINST_PERSONS,
    Category.TRAFFICKING_PROHIBITED_MATERIAL,
    Category.SEXUAL_EXPLOITATION_MINORS,
)
"""The communiqué adds these three up."""


class Line(NamedTuple):
    """A line of the communiqué: how deep it stands, and of which other line its share is told."""

    name: str
    depth: int = 0
    base: str | None = None
    starts_section: bool = False


_ALL: Final = "reports processed"
_CRIME: Final = "technology crime"
_TERRORISM: Final = "terrorism and extremism"
_SUSPECTS: Final = "suspects identified"
LINES: Final = (
    Line(_ALL),
    Line(_CRIME, base=_ALL, starts_section=True),
    *(Line(name, 1, _CRIME) for name in list(NAMES.values())[:4]),
    Line(OTHER, 1, _CRIME),
    *(Line(NAMES[category], 2, _CRIME) for category in _OTHER_PARTS),
    Line(_TERRORISM, base=_ALL, starts_section=True),
    Line(NAMES[Category.TERRORISM_PRAISE], 1, _TERRORISM),
    Line("of these praise of ISIS", 2, _TERRORISM),
    Line(NAMES[Category.TERRORISM_INCITEMENT_RECRUITMENT], 1, _TERRORISM),
    Line("with full identity", base=_ALL, starts_section=True),
    Line("anonymous", base=_ALL),
    Line("from abroad", base=_ALL, starts_section=True),
    Line("domestic", base=_ALL),
    Line(_SUSPECTS, starts_section=True),
    Line("brought before justice", 1, _SUSPECTS),
    Line("under search notice", 1, _SUSPECTS),
    Line("still under investigation", 1, _SUSPECTS),
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
    by_category = figures.by_category
    suspects = figures.suspects
    return {
        _ALL: figures.reports,
        _CRIME: sum(figures.cybercrime.values()),
        **{name: by_category.get(category, 0) for category, name in NAMES.items()},
        OTHER: sum(by_category.get(category, 0) for category in _OTHER_PARTS),
        _TERRORISM: sum(figures.terrorism.values()),
        "of these praise of ISIS": figures.naming_isis,
        "with full identity": figures.identified,
        "anonymous": figures.reports - figures.identified,
        "from abroad": figures.abroad,
        "domestic": figures.reports - figures.abroad,
        _SUSPECTS: suspects.identified,
        "brought before justice": suspects.presented,
        "under search notice": suspects.searched,
        "still under investigation": suspects.under_investigation,
    }


def computed(communique: Mapping[str, Any]) -> dict[str, int]:
    """The same lines out of the communiqué that stats computed (JSON of `GET /v1/communique`)."""
    reports, suspects = communique["reports"], communique["suspects"]
    by_category: Mapping[str, int] = reports["by_category"]
    return {
        _ALL: reports["processed"],
        _CRIME: reports["cybercrime"],
        **{name: by_category.get(category.value, 0) for category, name in NAMES.items()},
        OTHER: sum(by_category.get(category.value, 0) for category in _OTHER_PARTS),
        _TERRORISM: reports["terrorism"],
        "of these praise of ISIS": reports["by_organisation_praised"].get("isis", 0),
        "with full identity": reports["identified"],
        "anonymous": reports["anonymous"],
        "from abroad": reports["abroad"],
        "domestic": reports["domestic"],
        _SUSPECTS: suspects["identified"],
        "brought before justice": suspects["presented"],
        "under search notice": suspects["searched"],
        "still under investigation": suspects["under_investigation"],
    }


def differences(wanted: Mapping[str, int], computed: Mapping[str, int]) -> list[Difference]:
    """The lines that differ, in the order of `wanted`; a line that is missing counts as 0."""
    return [
        Difference(name, count, computed.get(name, 0))
        for name, count in wanted.items()
        if computed.get(name, 0) != count
    ]
