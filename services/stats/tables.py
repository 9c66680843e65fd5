"""The fixed tables of a communiqué: which rows there are, in which order, and which sums they stand in. Pure.

In: the cells of a period, and of named cross-tabs (`Facets`). Out: tables of rows, with shares, comparison, and, for
the public, without what `suppression` says. The tables are fixed since free cross-tabs would allow differencing: every
row is a part of a sum that takes part in the suppression. Countries too small to be named are added up as others.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from ibalagh.events.reports import HOME_COUNTRY
from ibalagh.events.vocabulary import Category, Channel, Urgency
from services.stats.communique import Figures, in_words
from services.stats.regions import REGIONS, UNKNOWN_REGION
from services.stats.suppression import Node, suppressed

TOTAL: Final = "reports_processed"
SUSPECTS: Final = "suspects_identified"
OTHER_COUNTRIES: Final = "other_countries"
_OTHER_PRAISE: Final = "other_praise"
"""Not shown, but what is left of praise without that of one organisation: it takes part in the suppression."""
_SPOKEN: Final = frozenset({"identified"})
"""Rows whose share is also said in words."""

Count = Annotated[int, Field(ge=-(2**53) + 1, lt=2**53)]


class Strict(BaseModel):
    """Immutable, and nothing but what is named: what is signed is read back whole or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Row(Strict):
    """A row: `depth` 0 is a head figure; `count` is null when it is left out, to protect people. `per_mille` is the
    share of the row's group in tenths of a percent, `in_words` that share in words, `before` the count of the period
    before."""

    name: str
    depth: Annotated[int, Field(ge=0, le=4)]
    count: Count | None
    per_mille: Annotated[int, Field(ge=0, le=1000)] | None = None
    in_words: str | None = None
    before: Count | None = None


class Table(Strict):
    """One of the fixed tables."""

    name: str
    rows: tuple[Row, ...]


class Facets(NamedTuple):
    """Reports of the period by region, urgency and channel; a facet that does not add up to the reports is left out,
    as after an upgrade whose rebuild is still to come."""

    region: Mapping[str, int]
    urgency: Mapping[str, int]
    channel: Mapping[str, int]


class _Line(NamedTuple):
    name: str
    depth: int
    of: str | None = None


def build(
    figures: Figures,
    facets: Facets,
    *,
    k: int | None,
    before: Mapping[str, int] | None = None,
    also: frozenset[str] = frozenset(),
) -> tuple[Table, ...]:
    """The tables; `k` None leaves nothing out. `before` are the counts of the period before, by the rows' names; `also`
    are rows that an earlier release of the period left out: what was kept out once stays out."""
    countries = {country: count for country, count in figures.by_country.items() if country != HOME_COUNTRY}
    named, others = merged(countries, k) if k is not None else (countries, 0)
    roots = (_reports(figures, facets, named, others), _suspects(figures))
    counts = {node.name: node.count for root in roots for node in _walk(root)}
    gone = frozenset[str]() if k is None else frozenset().union(*(suppressed(root, k, also) for root in roots))
    tables = []
    for name, lines in _layout(named, others).items():
        rows = tuple(_row(line, counts, gone, before) for line in lines if line.name in counts)
        if rows:
            tables.append(Table(name=name, rows=rows))
    return tuple(tables)


def merged(counts: Mapping[str, int], k: int) -> tuple[dict[str, int], int]:
    """The counts that are large enough to be named, largest first, and the sum of all others: at least k too, or 0."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [(name, count) for name, count in ordered if count >= k]
    others = sum(count for name, count in ordered if count < k)
    while 0 < others < k and named:
        others += named.pop()[1]
    return dict(named), others


def _reports(figures: Figures, facets: Facets, countries: Mapping[str, int], others: int) -> Node:
    total = figures.reports_processed
    praise = figures.terrorism_by_category[Category.TERRORISM_PRAISE].count
    terrorism = [
        Node(name, share.count, [_praise(figures.isis_praise, praise)] if name == Category.TERRORISM_PRAISE else ())
        for name, share in figures.terrorism_by_category.items()
    ]
    abroad = [Node(f"country:{country}", count) for country, count in countries.items()]
    abroad += [Node(OTHER_COUNTRIES, others)] if others else []
    sums = [
        [
            Node("technology_crime", figures.technology_crime.count, [_parts(figures)]),
            Node("terrorism", figures.terrorism.count, [terrorism]),
            Node("out_of_scope", figures.out_of_scope),
        ],
        [Node("identified", figures.identified.count), Node("anonymous", figures.anonymous.count)],
        [Node("domestic", figures.domestic.count), Node("abroad", figures.abroad.count, [abroad] if abroad else ())],
    ]
    for facet, counts in facets._asdict().items():
        if sum(counts.values()) == total and total:
            sums.append([Node(f"{facet}:{value}", counts.get(value, 0)) for value in _VALUES[facet]])
    return Node(TOTAL, total, sums)


def _parts(figures: Figures) -> list[Node]:
    return [Node(name, share.count) for name, share in figures.by_category.items()]


def _praise(isis: int, all_: int) -> list[Node]:
    return [Node("isis_praise", isis), Node(_OTHER_PRAISE, all_ - isis)]


def _suspects(figures: Figures) -> Node:
    outcomes = figures.outcomes
    parts = [
        Node("presented", outcomes.presented),
        Node("search_notices", outcomes.search_notices),
        Node("under_investigation", outcomes.under_investigation),
    ]
    return Node(SUSPECTS, outcomes.suspects_identified, [parts])


_VALUES: Final[Mapping[str, Sequence[str]]] = {
    "region": (*REGIONS, UNKNOWN_REGION),
    "urgency": tuple(str(int(each)) for each in reversed(Urgency)),
    "channel": tuple(Channel),
}


def _layout(countries: Mapping[str, int], others: int) -> dict[str, list[_Line]]:
    """The lines of each table."""
    crime = ("fraud", "sexual_blackmail", "insult_defamation", "violence_threats", "other")
    abroad = [f"country:{country}" for country in countries] + ([OTHER_COUNTRIES] if others else [])
    return {
        "reports": [
            _Line(TOTAL, 0),
            _Line("technology_crime", 1, TOTAL),
            *(_Line(name, 2, "technology_crime") for name in crime),
            _Line("terrorism", 1, TOTAL),
            _Line("terrorism_praise", 2, "terrorism"),
            _Line("isis_praise", 3),
            _Line("terrorism_incitement_recruitment", 2, "terrorism"),
            _Line("out_of_scope", 1),
        ],
        "reporters": [_Line(name, 0, TOTAL) for name in ("identified", "anonymous")],
        "origin": [
            *(_Line(name, 0, TOTAL) for name in ("domestic", "abroad")),
            *(_Line(name, 1, "abroad") for name in abroad),
        ],
        **{facet: [_Line(f"{facet}:{value}", 1, TOTAL) for value in values] for facet, values in _VALUES.items()},
        "outcomes": [
            _Line(SUSPECTS, 0),
            *(_Line(name, 1) for name in ("presented", "search_notices", "under_investigation")),
        ],
    }


def _row(line: _Line, counts: Mapping[str, int], gone: frozenset[str], before: Mapping[str, int] | None) -> Row:
    count = None if line.name in gone else counts[line.name]
    per_mille = words = None
    if line.of is not None and line.of not in gone and count is not None and counts[line.of] > 0:
        exact = Decimal(count * 1000) / Decimal(counts[line.of])
        per_mille = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
        words = in_words(count, counts[line.of]) if line.name in _SPOKEN else None
    earlier = None if before is None else before.get(line.name)
    return Row(name=line.name, depth=line.depth, count=count, per_mille=per_mille, in_words=words, before=earlier)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for parts in node.sums:
        for part in parts:
            yield from _walk(part)


def counts_of(tables: Sequence[Table]) -> dict[str, int]:
    """The counts that tables show, by the rows' names."""
    return {row.name: row.count for table in tables for row in table.rows if row.count is not None}
