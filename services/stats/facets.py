"""Named cross-tabs beside the counters: reports by one further dimension each. Pure.

In: an event's view, and for the events that come by the thousand their `Traits`, bytes of their JSON. Out: increments
of cells. Every dimension in every cell would make more cells than there are reports; so each facet has a table of its
own, by day and, where an event tells the category before and after, by category:

- received × channel
- triaged × province, × urgency, × channel, each by category; a review moves a report
- triaged_by_machine × variety by category; no review moves it, since it is the text's
- referred × province, × urgency, × channel, as they were when the report came into its case

What decides about `counters` is looked up once for many events (`contents.Tally`); a province or an urgency among it
would make nearly every event one of its own. So a tally says where its traits go (`Slot`), and traits are counted by
tally.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from ibalagh.events.envelope import Data
from ibalagh.events.registry import PREFIX
from ibalagh.events.vocabulary import Category
from services.stats import views
from services.stats.counting import Measure


class Facet(StrEnum):
    """A further dimension of reports."""

    PROVINCE = "province"
    URGENCY = "urgency"
    CHANNEL = "channel"
    VARIETY = "variety"


class FacetCell(NamedTuple):
    """One cell; `category` is None where the facet is not by category, `value` where it is not known."""

    measure: Measure
    facet: Facet
    day: date
    category: Category | None
    value: str | None


FacetMoves = tuple[tuple[FacetCell, int], ...]
Traits = tuple[bytes, ...]
"""Values of one event as JSON, in the order of its type's slots."""


class Slot(NamedTuple):
    """Where the trait at a place goes: the cell without its value."""

    measure: Measure
    facet: Facet
    day: date
    category: Category | None


KEPT: Final[Mapping[Measure, tuple[Facet, ...]]] = {
    Measure.RECEIVED: (Facet.CHANNEL,),
    Measure.TRIAGED: (Facet.PROVINCE, Facet.URGENCY, Facet.CHANNEL),
    Measure.MACHINE: (Facet.VARIETY,),
    Measure.REFERRED: (Facet.PROVINCE, Facet.URGENCY, Facet.CHANNEL),
}
"""The cross-tabs that there are."""


def moves_of(view: Data) -> FacetMoves:
    """What an event without traits does to the facets."""
    if isinstance(view, views.Received):
        day, channel = view.facts.received_on, view.facts.channel
        return ((FacetCell(Measure.RECEIVED, Facet.CHANNEL, day, None, channel.value), 1),)
    if isinstance(view, views.Reviewed):
        return (*_standing(view.facts, view.previous, -1), *_standing(view.facts, view.decision, 1))
    if isinstance(view, views.Left):
        values = _values(view.facts, view)
        return tuple(
            (FacetCell(Measure.REFERRED, facet, view.facts.received_on, None, value), -1)
            for facet, value in values.items()
        )
    return ()


def slots_of(view: Data) -> tuple[Slot, ...]:
    """Where an event's traits go, in the order of `traits_of`."""
    if isinstance(view, views.Triaged):
        day, category = view.facts.received_on, view.decision.category
        return (
            Slot(Measure.TRIAGED, Facet.CHANNEL, day, category),
            Slot(Measure.MACHINE, Facet.VARIETY, day, category),
            Slot(Measure.TRIAGED, Facet.URGENCY, day, category),
            Slot(Measure.TRIAGED, Facet.PROVINCE, day, category),
        )
    if isinstance(view, views.Joined):
        return tuple(
            Slot(Measure.REFERRED, facet, view.facts.received_on, None)
            for facet in (Facet.CHANNEL, Facet.URGENCY, Facet.PROVINCE)
        )
    return ()


def traits_of(type_: str, payload: Mapping[str, Any]) -> Traits | None:
    """The traits of an event of `type_`, None if its type has none. `payload` is what was found to be valid."""
    found = _TRAITS.get(type_)
    return None if found is None else tuple(orjson.dumps(value) for value in found(payload))


_TRAITS: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[object, ...]]]] = {
    PREFIX + "report.triaged.v1": lambda p: (
        p["facts"]["channel"],
        p["variety"],
        int(p["decision"]["urgency"]),
        p["decision"].get("province"),
    ),
    **dict.fromkeys(
        (PREFIX + "case.opened.v1", PREFIX + "case.joined.v1"),
        lambda p: (p["facts"]["channel"], int(p["urgency"]), p.get("province")),
    ),
}


def fold(
    fixed: Iterable[tuple[FacetMoves, int]], traits: Iterable[tuple[tuple[Slot, ...], Sequence[Traits]]]
) -> dict[FacetCell, int]:
    """The sum of moves, each taken so many times, and of the traits of events with the same slots."""
    cells: dict[FacetCell, int] = {}
    for moves, times in fixed:
        for cell, count in moves:
            cells[cell] = cells.get(cell, 0) + count * times
    for slots, rows in traits:
        for slot, column in zip(slots, zip(*rows, strict=True), strict=True):
            for raw, count in Counter(column).items():
                placed = FacetCell(*slot, _value(raw))
                cells[placed] = cells.get(placed, 0) + count
    return {cell: count for cell, count in cells.items() if count}


@lru_cache(maxsize=10_000)
def _value(raw: bytes) -> str | None:
    value = orjson.loads(raw)
    return None if value is None else str(value)


def _standing(facts: views.Facts, decision: views.Decision, sign: int) -> Iterable[tuple[FacetCell, int]]:
    for facet, value in _values(facts, decision).items():
        yield FacetCell(Measure.TRIAGED, facet, facts.received_on, decision.category, value), sign


def _values(facts: views.Facts, of: views.Decision | views.Left) -> dict[Facet, str | None]:
    return {
        Facet.PROVINCE: of.province,
        Facet.URGENCY: str(int(of.urgency)),
        Facet.CHANNEL: facts.channel.value,
    }
